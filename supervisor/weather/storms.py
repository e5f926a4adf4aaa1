"""Storms in weather as it was: when snow, sleet or freezing rain began and ended, how much fell, how deep it lay.

An hour is wintry where something fell and at least half of it was snow, or where rain fell in frost. Wintry hours with
less than `PAUSE_S` between them are one storm; what is over before it could whiten a road is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from supervisor.domain.weather import Array, WeatherSeries

PAUSE_S: Final = 6 * 3600.0  # a crew's clearing between two falls takes about as long
LEAST_MM: Final = 0.1  # water that counts as ice on a road (DOMAIN: slippery from 0.1 mm)
LEAST_CM: Final = 0.1  # a station reports depth by millimetres
AFTER_S: Final = 12 * 3600.0  # the night after: meltwater freezes in it
FROST_C: Final = 0.0
SNOWY: Final = 0.5  # mass fraction


@dataclass(frozen=True)
class Storm:
    """One storm; times are UTC seconds."""

    onset_utc_s: float  # beginning of the first wintry interval
    end_utc_s: float  # end of the last one
    water_mm: float  # all that fell between
    snow_mm: float  # of it as snow, water equivalent
    depth_cm: float  # greatest depth on the ground, or of fresh snow where it was not measured
    depth_measured: bool
    air_min_c: float  # until `AFTER_S` after the end
    rain_from_utc_s: float | None  # beginning of the first interval of rain, in the storm or right after it

    @property
    def hours(self) -> float:
        return (self.end_utc_s - self.onset_utc_s) / 3600

    @property
    def freezes_after(self) -> bool:
        """Whether what melts in the storm freezes in the night after it."""
        return self.air_min_c < FROST_C


def find_storms(weather: WeatherSeries, depth_m: Array | None = None) -> list[Storm]:
    """The storms of a series, oldest first. `depth_m`: measured depth at the series' times, NaN where unknown.

    With measured depth a storm needs more than a trace of it or of water; without, `LEAST_MM` of water.
    """
    n = len(weather)
    if n < 2:
        return []
    step_s = np.diff(weather.time_utc_s, prepend=2 * weather.time_utc_s[0] - weather.time_utc_s[1])
    mm = weather.precipitation_mm_h * step_s / 3600
    wintry = (mm > 0.0) & ((weather.snow_fraction >= SNOWY) | (weather.air_c < FROST_C))
    rows = np.flatnonzero(wintry)
    if rows.size == 0:
        return []
    began_s = weather.time_utc_s - step_s
    breaks = np.flatnonzero(began_s[rows[1:]] - weather.time_utc_s[rows[:-1]] >= PAUSE_S)
    firsts = rows[np.concatenate(([0], breaks + 1))]
    lasts = rows[np.concatenate((breaks, [rows.size - 1]))]
    found = [_storm(weather, depth_m, mm, step_s, int(a), int(b)) for a, b in zip(firsts, lasts, strict=True)]
    return [one for one in found if one.water_mm >= LEAST_MM or (one.depth_measured and one.depth_cm >= LEAST_CM)]


def _storm(weather: WeatherSeries, depth_m: Array | None, mm: Array, step_s: Array, first: int, last: int) -> Storm:
    inside = slice(first, last + 1)
    end_s = float(weather.time_utc_s[last])
    after = int(np.searchsorted(weather.time_utc_s, end_s + AFTER_S, side="right"))
    snow_mm = mm[inside] * weather.snow_fraction[inside]
    measured = np.full(0, np.nan) if depth_m is None else depth_m[inside]
    known = measured[~np.isnan(measured)]
    fresh_cm = float(np.sum(snow_mm / fresh_density(weather.air_c[inside]))) * 100
    rain = np.flatnonzero((mm[first : last + 2] > 0.0) & (weather.snow_fraction[first : last + 2] < SNOWY))
    return Storm(
        onset_utc_s=float(weather.time_utc_s[first] - step_s[first]),
        end_utc_s=end_s,
        water_mm=float(mm[inside].sum()),
        snow_mm=float(snow_mm.sum()),
        depth_cm=float(known.max()) * 100 if known.size else fresh_cm,
        depth_measured=bool(known.size),
        air_min_c=float(weather.air_c[first:after].min()),
        rain_from_utc_s=float(weather.time_utc_s[first + rain[0]] - step_s[first + rain[0]]) if rain.size else None,
    )


def fresh_density(air_c: Array) -> Array:
    """Density of falling snow [kg/m³] at air temperatures [°C] (n,): Hedstrom and Pomeroy 1998; above 0 °C as at 0."""
    return 67.92 + 51.25 * np.exp(np.minimum(air_c, 0.0) / 2.59)
