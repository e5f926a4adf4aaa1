"""What the service goes on with in a lesser form: a forecast with a member missing, yesterday's prices, one sensor.

Unlike an alarm, it asks nobody to act at once; the app's head says it in one line each, with a link to what to do. The
texts in both languages are `degraded.<code>` in static/i18n, with the names of `detail` in braces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct

from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell

Detail = Mapping[str, str | int | float]


class DegradedCode(StrEnum):
    """Every line. The part of the documentation to read is docs/degraded.md#<code>."""

    FORECAST_PARTS = "forecast-parts"  # members, columns or hours estimated or dropped
    FORECAST_OLD = "forecast-old"  # the newest issue is missing or unusable
    FORECAST_SECOND = "forecast-second"  # a provider further down the list plans
    PRICES = "prices"  # filled, held or bounded
    SENSORS = "sensors"  # zones whose sensors are distrusted
    CLOCK = "clock"  # the service's clock is wrong or not kept in time


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
