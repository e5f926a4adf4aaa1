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
from supervisor.store.alarms import AlarmRecord

logger = logging.getLogger(__name__)

RECURS_S = 3600  # within it an alarm that comes back is the same trouble


class Alarm(Struct, frozen=True):
    """Something a person should know. (`code`, `subject`) names it; `text` has the details of the case and a remedy."""

    code: AlarmCode
    subject: str  # zone, board, feeder or loop, as `AlarmCode.subject` says; "" for the service
    text: str
    severity: Severity
    raised_utc_s: int
    cleared_utc_s: int | None = None
    acknowledged_by: str | None = None
    acknowledged_utc_s: int | None = None
    comment: str = ""  # what has been done
    assigned_to: str = ""  # who takes care of it
    shelved_until_utc_s: int | None = None

    @property
    def attended(self) -> bool:
        """Whether a person has said something of it."""
        return self.acknowledged_by is not None or self.shelved_until_utc_s is not None


class Alarms:
    """What stands now. `changed` is called once for each raise and each clear."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._standing: dict[tuple[AlarmCode, str], Alarm] = {}
        self._ended: dict[tuple[AlarmCode, str], Alarm] = {}  # acknowledged ones, for when they come back
        self.changed: list[Callable[[Alarm], object]] = []

    def standing(self) -> list[Alarm]:
        """Alarms not cleared yet, oldest first."""
        return list(self._standing.values())

    def stands(self, code: AlarmCode, subject: str) -> bool:
        """Whether that alarm is not cleared yet."""
        return (code, subject) in self._standing

    def take_up(self, record: AlarmRecord) -> bool:
        """Hold one that stood when the service last ran; False for a code that this version does not know."""
        subject, text = record.subject, record.detail
        try:
            known = AlarmCode(record.code)
        except ValueError:
            logger.warning("alarm %s %s is unknown to this version and is cleared: %s", record.code, subject, text)
            return False
        self._standing[known, subject] = Alarm(
            known, subject, text, known.severity, record.raised_utc_s, None, record.acknowledged_by,
            record.acknowledged_utc_s, record.comment, record.assigned_to, record.shelved_until_utc_s,
        )  # fmt: skip
        self._metrics.alarms.labels(known).inc()
        return True

    def set(self, code: AlarmCode, subject: str, stands: bool, text: str = "") -> None:
        """Raise or clear; repeating it changes nothing. Raises ValueError for an unknown code."""
        code = AlarmCode(code)
        key = (code, subject)
        if stands and key not in self._standing:
            alarm = self._raised(code, subject, text)
            self._standing[key] = alarm
            logger.warning("alarm %s %s: %s", code, subject, text)
        elif not stands and key in self._standing:
            alarm = replace(self._standing.pop(key), cleared_utc_s=int(self._clock.utc_s()))
            if alarm.acknowledged_by is not None:
                self._ended[key] = alarm
            logger.info("alarm %s %s is over", code, subject)
        else:
            return
        self._metrics.alarms.labels(code).inc(1 if stands else -1)
        tell(self.changed, f"alarm {code}", alarm)

    def _raised(self, code: AlarmCode, subject: str, text: str) -> Alarm:
        """A new alarm; one that comes back soon keeps its acknowledgement, unless other details make it worse."""
        now = int(self._clock.utc_s())
        alarm = Alarm(code, subject, text, code.severity, now)
        before = self._ended.pop((code, subject), None)
        if before is None or now - (before.cleared_utc_s or 0) > RECURS_S or text != before.text:
            return alarm
        return replace(
            alarm, acknowledged_by=before.acknowledged_by, acknowledged_utc_s=before.acknowledged_utc_s,
            comment=before.comment, assigned_to=before.assigned_to,
        )  # fmt: skip

    def attend(self, code: AlarmCode, subject: str, **said: object) -> Alarm:
        """Note what a person says of an alarm that stands: fields of `Alarm`. Raises KeyError where none stands."""
        alarm = replace(self._standing[code, subject], **said)
        self._standing[code, subject] = alarm
        tell(self.changed, f"alarm {code}", alarm)
        return alarm
