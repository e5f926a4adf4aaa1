"""Which time a storm's energy is counted in, and its snowfall."""

from __future__ import annotations

from typing import Final

import numpy as np

from supervisor.domain.weather import WeatherSeries
from supervisor.weather.storms import Storm

AHEAD_S: Final = 6 * 3600  # heat for a storm begins before it: the planner's preheating
AFTER_S: Final = 6 * 3600  # and ends after it, while roads dry


def window(storm: Storm) -> tuple[float, float]:
    """From when to when [UTC s]."""
    return storm.onset_utc_s - AHEAD_S, storm.end_utc_s + AFTER_S


def snowfall(series: WeatherSeries) -> list[tuple[int, float, int]]:
    """(beginning of the interval [UTC s], snow [mm], length [s]) of the intervals with snow."""
    if len(series) < 2:
        return []
    step_s = np.diff(series.time_utc_s, prepend=2 * series.time_utc_s[0] - series.time_utc_s[1])
    mm = series.precipitation_mm_h * series.snow_fraction * step_s / 3600
    began = series.time_utc_s - step_s
    return [(int(began[n]), float(mm[n]), int(step_s[n])) for n in np.flatnonzero(mm > 0)]
