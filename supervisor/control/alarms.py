"""Alarms: raised once, cleared once, however often the cause is seen. Each change goes to the record."""

from __future__ import annotations

import logging
from collections.abc import Callable

from msgspec import Struct

from supervisor.control.listeners import tell
from supervisor.control.metrics import Metrics
from supervisor.domain.clock import Clock

logger = logging.getLogger(__name__)


class Alarm(Struct, frozen=True):
    """Something a person should know. (`code`, `subject`) names it; `text` says it with its remedy."""

    code: str  # e.g. "board-offline"; also the translation key
    subject: str  # zone, board, feeder or "" for the service
    text: str
    raised_utc_s: int
    cleared_utc_s: int | None = None


class Alarms:
    """What stands now. `changed` is called once for each raise and each clear."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._standing: dict[tuple[str, str], Alarm] = {}
        self.changed: list[Callable[[Alarm], object]] = []

    def standing(self) -> list[Alarm]:
        """Alarms not cleared yet, oldest first."""
        return list(self._standing.values())

    def stands(self, code: str, subject: str) -> bool:
        """Whether that alarm is not cleared yet."""
        return (code, subject) in self._standing

    def take_up(self, alarm: Alarm) -> None:
        """One that stood when the service last ran."""
        self._standing[alarm.code, alarm.subject] = alarm
        self._metrics.alarms.labels(alarm.code).inc()

    def set(self, code: str, subject: str, stands: bool, text: str = "") -> None:
        """Raise or clear; saying the same again changes nothing."""
        key = (code, subject)
        if stands and key not in self._standing:
            alarm = Alarm(code, subject, text, int(self._clock.utc_s()))
            self._standing[key] = alarm
            logger.warning("alarm %s %s: %s", code, subject, text)
        elif not stands and key in self._standing:
            old = self._standing.pop(key)
            alarm = Alarm(code, subject, old.text, old.raised_utc_s, int(self._clock.utc_s()))
            logger.info("alarm %s %s is over", code, subject)
        else:
            return
        self._metrics.alarms.labels(code).inc(1 if stands else -1)
        tell(self.changed, f"alarm {code}", alarm)
