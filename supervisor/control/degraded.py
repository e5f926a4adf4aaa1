"""What the service goes on with in a lesser form: a forecast with a member missing, yesterday's prices, one sensor.

Unlike an alarm, it asks nobody to act at once; the app's head says it in one line each, which opens to what to do. The
texts in both languages are `degraded.<code>` in static/i18n: the line, then steps, separated by "|", with the names of
`detail` in braces. docs/degraded.md has a section for each code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Self

from msgspec import Struct

from supervisor.control.metrics import Metrics
from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell

Detail = Mapping[str, str | int | float]


class DegradedCode(StrEnum):
    """Every line, with the names of its details. A name that ends with `_utc_s` is shown as a local time."""

    names: tuple[str, ...]

    def __new__(cls, value: str, *names: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.names = names
        return member

    # Issue, members missing and offered, and how many parts (members, columns, hours) were estimated and dropped.
    FORECAST_PARTS = "forecast-parts", "issued_utc_s", "missing", "members", "estimated", "dropped"
    FORECAST_OLD = "forecast-old", "issued_utc_s"  # the newest issue is missing or unusable; which one is used
    FORECAST_SECOND = "forecast-second", "provider", "first"  # the one that plans, and the one that should
    PRICES = "prices", "hours"  # how many hours of prices are filled, held or bounded
    SENSORS = "sensors", "zones"  # how many zones have sensors that are distrusted
    CLOCK = "clock", "off_s"  # how far the service's clock is off, or has jumped
    CLOCK_UNSYNCED = "clock-unsynced"  # no time source keeps the service's clock right


class Degraded(Struct, frozen=True):
    """One line of the app's head; `detail` has what its text names."""

    code: DegradedCode
    since_utc_s: int
    detail: dict[str, str | int | float]


class Degradations:
    """What is degraded now. `changed` is called once for each change."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now: dict[DegradedCode, Degraded] = {}
        self.changed: list[Callable[[list[Degraded]], object]] = []

    def now(self) -> list[Degraded]:
        """In the order of `DegradedCode`."""
        return [self._now[code] for code in DegradedCode if code in self._now]

    def set(self, code: DegradedCode, detail: Detail | None) -> None:
        """Begin or go on with `detail`, end with None; repeating it changes nothing."""
        known = self._now.get(code)
        if detail is None:
            if known is None:
                return
            del self._now[code]
        elif known is None or known.detail != dict(detail):
            since = known.since_utc_s if known else int(self._clock.utc_s())
            self._now[code] = Degraded(code, since, dict(detail))
        else:
            return
        tell(self.changed, f"degraded {code}", self.now())


def show_degraded(degradations: Degradations, metrics: Metrics) -> None:
    """Keep `roadheat_degraded` true: 1 for each code that stands, 0 for the others."""

    def show(now: list[Degraded]) -> None:
        standing = {line.code for line in now}
        for code in DegradedCode:
            metrics.degraded.labels(code).set(code in standing)

    show(degradations.now())
    degradations.changed.append(show)
