"""Reports loops that fail (log, counter, alarm) and that run again."""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Callable
from typing import Protocol

from prometheus_client import Counter

from supervisor.domain.alarm import AlarmCode

logger = logging.getLogger(__name__)

KINDS_MAX = 100  # distinct failures remembered for each loop: beyond them tracebacks come again


class RaisesAlarms(Protocol):
    """Where a failure is raised as an alarm, and cleared (`control.alarms.Alarms`)."""

    def set(self, code: AlarmCode, subject: str, stands: bool, text: str = "") -> None: ...


class Failures:
    """Failures of one loop or of one part of it: the traceback of each kind is logged once, then a line each time."""

    def __init__(self, name: str, alarms: RaisesAlarms | None = None, restarts: Counter | None = None) -> None:
        self._name = name
        self._alarms = alarms
        self._restarts = restarts
        self._known: set[tuple[str, str, int]] = set()

    def failed(self, error: BaseException, what_next: str) -> None:
        """`error` has ended a round; `what_next` is the text of what happens now."""
        kind = _kind(error)
        first = kind not in self._known
        if len(self._known) >= KINDS_MAX:
            self._known.clear()
        self._known.add(kind)
        text = words(error)
        logger.error("%s failed (%s): %s", self._name, text, what_next, exc_info=error if first else None)
        if self._restarts is not None:
            self._restarts.labels(self._name).inc()
        if self._alarms is not None:
            self._alarms.set(
                AlarmCode.LOOP_FAILED,
                self._name,
                True,
                f"{self._name} failed ({text}): {what_next}. The rest of the service goes on. "
                "Look at the log; if it persists, report it with the log",
            )

    def well(self) -> None:
        """It runs again."""
        if self._alarms is not None:
            self._alarms.set(AlarmCode.LOOP_FAILED, self._name, False)


class Parts:
    """The parts of a loop's round, each on its own: one that fails is reported, and the others are still done."""

    def __init__(self, loop: str, alarms: RaisesAlarms | None = None) -> None:
        self._loop = loop
        self._alarms = alarms
        self._failures: dict[str, Failures] = {}

    async def do(self, part: str, work: Callable[[], object]) -> None:
        """Do `work` (what it returns is awaited where it can be). Raises nothing but cancellation."""
        failures = self._failures.get(part)
        if failures is None:
            failures = self._failures[part] = Failures(f"{self._loop}: {part}", self._alarms)
        try:
            result = work()
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            failures.failed(error, "it is tried again in the next round")
        else:
            failures.well()


def words(error: BaseException) -> str:
    """Type and text of an exception on one line, at most 300 characters."""
    name = type(error).__name__
    try:
        text = " ".join(str(error).split())[:300]
    except Exception:  # its text cannot be made
        return name
    return f"{name}: {text}" if text else name


def _kind(error: BaseException) -> tuple[str, str, int]:
    """Type and place: what makes two failures the same, whatever numbers their texts hold."""
    place, line = "", 0
    for frame, number in traceback.walk_tb(error.__traceback__):
        place, line = frame.f_code.co_filename, number
    return type(error).__name__, place, line
