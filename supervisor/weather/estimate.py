"""Variables of which a source knows nothing, from those that it does know: on the side that does not miss ice."""

from __future__ import annotations

import math

import numpy as np

from supervisor.domain.weather import Array
from supervisor.road.air import vapour_pressure_water_pa
from supervisor.weather.repair import DAY_S

STANDARD_PRESSURE_PA = 101_325.0
SCALE_HEIGHT_M = 8_434.0  # isothermal at 15 °C; 0.3 % at 1,500 m
HUMIDITY_MIN_PCT = 1.0  # dew point of perfectly dry air has no value
WET_HUMIDITY_PCT = 90.0  # while it rains or snows the air is at least so moist
UNKNOWN_WIND_M_S = 3.0  # a winter's mean in open towns; more than among houses, so that a melting road gets enough
UNKNOWN_CLOUD, WET_CLOUD = 0.5, 0.95


def standard_pressure_pa(elevation_m: float) -> float:
    """Mean pressure at a height above the sea [Pa]."""
    return STANDARD_PRESSURE_PA * math.exp(-elevation_m / SCALE_HEIGHT_M)


def dew_point_of_humidity_c(air_c: Array, humidity_pct: Array) -> Array:
    """Dew point over water [°C] from relative humidity [%]; inverse Magnus, WMO-No. 8 (2018) eq. 4.B.1."""
    vapour = vapour_pressure_water_pa(air_c) * np.clip(humidity_pct, HUMIDITY_MIN_PCT, 100.0) / 100.0
    ratio = np.log(vapour / 611.2)
    result: Array = 243.12 * ratio / (17.62 - ratio)
    return result


def dew_point_of_minimum_c(air_c: Array, precipitation_mm_h: Array, step_s: float) -> Array:
    """Dew point [°C] where no humidity is known: the lowest temperature within half a day (FAO-56 eq. 48).

    Air that reaches its dew point every night is the moist side: it expects hoar frost that may not come. While
    precipitation falls the air has at least `WET_HUMIDITY_PCT`.
    """
    half = max(1, round(0.5 * DAY_S / step_s))
    padded = np.pad(air_c, half, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).min(axis=1)
    moist = dew_point_of_humidity_c(air_c, np.full_like(air_c, WET_HUMIDITY_PCT))
    result: Array = np.where(precipitation_mm_h > 0.0, np.maximum(lowest, moist), lowest)
    return result


def unknown_cloud(precipitation_mm_h: Array) -> Array:
    """Cloud fraction where nothing about the sky is known."""
    return np.where(precipitation_mm_h > 0.0, WET_CLOUD, UNKNOWN_CLOUD)
