"""Who can be told, and what each wants to hear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from supervisor.config.notify_rules import quiet_span
from supervisor.domain.alarm import Severity
from supervisor.notify.kind import Language, NotifySettings

RANK: Final = {Severity.CRITICAL: 0, Severity.MAJOR: 1, Severity.MINOR: 2}


@dataclass(frozen=True)
class Quiet:
    """Spans of the day, in minutes from midnight of the site; one may cross midnight."""

    spans: tuple[tuple[int, int], ...]
    timezone: ZoneInfo

    @classmethod
    def of(cls, texts: Iterable[str], timezone: ZoneInfo) -> Quiet:
        """From "22:00-06:00"; raises ValueError."""
        return cls(tuple(quiet_span(text) for text in texts), timezone)

    def holds(self, utc_s: float) -> bool:
        """Whether it is quiet then."""
        local = datetime.fromtimestamp(utc_s, self.timezone)
        minute = 60 * local.hour + local.minute
        return any(
            begin <= minute < end if begin < end else minute >= begin or minute < end for begin, end in self.spans
        )


@dataclass(frozen=True)
class Receiver:
    """One channel, or one person's browsers."""

    name: str
    language: Language
    least: Severity
    quiet: Quiet
    per_hour: int
    after_s: float
    person: str  # told while on duty; "": always

    @classmethod
    def of(cls, settings: NotifySettings, timezone: ZoneInfo) -> Receiver:
        """From a `[[notify]]`."""
        return cls(
            settings.name, settings.language, Severity(settings.severity), Quiet.of(settings.quiet, timezone),
            settings.per_hour, 60.0 * settings.after_min, settings.person,
        )  # fmt: skip

    def wants(self, severity: Severity, utc_s: float) -> bool:
        """Whether an alarm of that severity is told now. Quiet hours hold back all but critical ones."""
        if RANK[severity] > RANK[self.least]:
            return False
        return severity is Severity.CRITICAL or not self.quiet.holds(utc_s)
