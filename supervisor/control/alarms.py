"""Alarms: raised once and cleared once, however often the cause is seen. Each change is recorded."""

from __future__ import annotations

import logging
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode, Severity
from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell

logger = logging.getLogger(__name__)


class Alarm(Struct, frozen=True):
    """Something a person should know. (`code`, `subject`) names it; `text` has the details of the case and a remedy."""

    code: AlarmCode
    subject: str  # zone, board, feeder or loop, as `AlarmCode.subject` says; "" for the service
    text: str
    severity: Severity
    raised_utc_s: int
    cleared_utc_s: int | None = None


class Alarms:
    """What stands now. `changed` is called once for each raise and each clear."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._standing: dict[tuple[AlarmCode, str], Alarm] = {}
        self.changed: list[Callable[[Alarm], object]] = []

    def standing(self) -> list[Alarm]:
        """Alarms not cleared yet, oldest first."""
        return list(self._standing.values())

    def stands(self, code: AlarmCode, subject: str) -> bool:
        """Whether that alarm is not cleared yet."""
        return (code, subject) in self._standing

    def take_up(self, code: str, subject: str, text: str, raised_utc_s: int) -> bool:
        """Hold one that stood when the service last ran; False for a code that this version does not know."""
        try:
            known = AlarmCode(code)
        except ValueError:
            logger.warning("alarm %s %s is unknown to this version and is cleared: %s", code, subject, text)
            return False
        self._standing[known, subject] = Alarm(known, subject, text, known.severity, raised_utc_s)
        self._metrics.alarms.labels(known).inc()
        return True

    def set(self, code: AlarmCode, subject: str, stands: bool, text: str = "") -> None:
        """Raise or clear; repeating it changes nothing. Raises ValueError for an unknown code."""
        code = AlarmCode(code)
        key = (code, subject)
        if stands and key not in self._standing:
            alarm = Alarm(code, subject, text, code.severity, int(self._clock.utc_s()))
            self._standing[key] = alarm
            logger.warning("alarm %s %s: %s", code, subject, text)
        elif not stands and key in self._standing:
            alarm = replace(self._standing.pop(key), cleared_utc_s=int(self._clock.utc_s()))
            logger.info("alarm %s %s is over", code, subject)
        else:
            return
        self._metrics.alarms.labels(code).inc(1 if stands else -1)
        tell(self.changed, f"alarm {code}", alarm)
