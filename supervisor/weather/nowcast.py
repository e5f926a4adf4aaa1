"""The roads as rain gauges: when most of them get wet within the hour, precipitation has begun, whatever was forecast.

Only onsets are used. A dry sensor under forecast snow changes nothing: sensors foul, freeze over and lie under
grit, and the cost of a missed storm is ice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.weather.error_model import WET_MM_H

WITHIN_S = 3600.0  # street washing and thaw wet a district over hours, rain in minutes
WET_SHARE = 0.5  # of the zones whose sensors are believed
DRY_SHARE = 0.2
KEEP_S = 3600.0  # for so long an onset is used; then the state estimate has the water
EARLY_MAX_S = 2 * 3600.0  # a front comes at most so much early; beyond it is another one, and a trace is no storm
ON_TIME_S = 1800.0  # inside the resolution of hourly forecasts
DRIZZLE_MM_H = 0.3  # where no member has any: the median of light winter events in Seoul
DRIZZLE_S = 3600.0  # then the station has reported more


class WetOnset:
    """Notices when roads get wet together. `share` tells the part of believed sensors that are wet [0–1], or None."""

    def __init__(self, share: Callable[[], float | None]) -> None:
        self._share = share
        self.wet = False  # most of the roads were, when last looked at
        self._past: deque[tuple[float, float]] = deque(maxlen=128)
        self._onset_utc_s: float | None = None

    def look(self, now_utc_s: float) -> float | None:
        """When precipitation began [UTC s], while that is news; to be called every few minutes."""
        share = self._share()
        self.wet = share is not None and share >= WET_SHARE
        if share is not None:
            while self._past and self._past[0][0] < now_utc_s - WITHIN_S:
                self._past.popleft()
            if self.wet and any(before <= DRY_SHARE for _, before in self._past):
                self._past.clear()
                self._onset_utc_s = now_utc_s
            self._past.append((now_utc_s, share))
        if self._onset_utc_s is not None and now_utc_s - self._onset_utc_s > KEEP_S:
            self._onset_utc_s = None
        return self._onset_utc_s


def bring_forward(forecast: Forecast, onset_utc_s: float) -> Forecast:
    """Members whose precipitation comes later than the roads say have it now; those on time stay as they are."""
    return replace(forecast, members=tuple(_bring_forward(member, onset_utc_s) for member in forecast.members))


def _bring_forward(member: WeatherSeries, onset_utc_s: float) -> WeatherSeries:
    times = member.time_utc_s
    step = float(np.median(np.diff(times)))
    wet = (member.precipitation_mm_h >= WET_MM_H) & (times > onset_utc_s - ON_TIME_S)
    late = float(times[wet][0] - step - onset_utc_s) if wet.any() else np.inf
    if late <= ON_TIME_S:
        return member
    if late > EARLY_MAX_S:
        now = (times > onset_utc_s) & (times - step < onset_utc_s + DRIZZLE_S)
        rate = np.where(now, np.maximum(member.precipitation_mm_h, DRIZZLE_MM_H), member.precipitation_mm_h)
        return replace(member, precipitation_mm_h=rate)
    # times run faster from the onset on until the delay is caught up; the event keeps its order and its rates
    since = np.maximum(times - onset_utc_s, 0.0)
    source = times + np.where(times > onset_utc_s, late * np.exp(-since / (1.5 * EARLY_MAX_S)), 0.0)
    place = np.minimum(np.searchsorted(times, source - 1e-6), times.size - 1)
    rate = member.precipitation_mm_h[place].copy()
    first = int(np.argmax(times > onset_utc_s))
    rate[first] = max(rate[first], WET_MM_H)  # the roads are wet: rounding to rows must not lose the beginning
    return replace(member, precipitation_mm_h=rate, snow_fraction=member.snow_fraction[place])
