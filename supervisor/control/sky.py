"""What falls on the district now and within hours, by the forecast in use: for roads without contact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from supervisor.domain.weather import Forecast
from supervisor.road.forcing import Forcing

FALLING_MM_H = 0.1  # water equivalent: less is not visible on a road
AHEAD_S = 12 * 3600.0  # a night: for longer a crew can be sent in time
AHEAD_MM = 0.2  # in that time: some millimetres of snow
COLD_C = 1.0  # air so cold lets snow lie and rain freeze
AGREE = 0.1  # part of the members that is a warning: the planner's own measure


class Falling(StrEnum):
    SNOW = "snow"
    RAIN = "rain"


@dataclass(frozen=True)
class Sky:
    """The default: nothing is known to fall or to be forecast."""

    falling: Falling | None = None
    hazard_ahead: bool = False  # snow, or rain that may freeze


def sky_now(minute: Forcing, forecast: Forecast | None, now_utc_s: float) -> Sky:
    """`minute`: the weather of the running minute, one row; `forecast`: the forecast from `now_utc_s` on."""
    snow, rain = float(np.max(minute.snow_mm_h)), float(np.max(minute.rain_mm_h))
    falling = None if snow + rain < FALLING_MM_H else Falling.SNOW if snow >= rain else Falling.RAIN
    cold = float(np.min(minute.air_c)) <= COLD_C
    return Sky(
        falling, falling is Falling.SNOW or (falling is Falling.RAIN and cold) or hazard_ahead(forecast, now_utc_s)
    )


def hazard_ahead(forecast: Forecast | None, now_utc_s: float) -> bool:
    """Whether a tenth of the members brings snow, or rain in the cold, within `AHEAD_S`."""
    if forecast is None or not forecast.members:
        return False
    warn = 0
    for member in forecast.members:
        hours = np.diff(member.time_utc_s, prepend=member.time_utc_s[0] - 3600.0) / 3600.0
        soon = (member.time_utc_s > now_utc_s) & (member.time_utc_s <= now_utc_s + AHEAD_S)
        freezes = (member.snow_fraction > 0.5) | (member.air_c <= COLD_C)
        warn += float((member.precipitation_mm_h * hours)[soon & freezes].sum()) >= AHEAD_MM
    return warn >= AGREE * len(forecast.members)
