"""Repairs that the data schema allows, each counted: short holes interpolated, longer ones in the sun and wind taken
from the neighbouring days, small sensor offsets clipped. What cannot be repaired is refused with its place.
"""

from __future__ import annotations

import numpy as np

from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array
from supervisor.weather.gate import GAP_MAX_S, Columns, Where, refuse, utc_text

DAY_S = 86_400.0
ROWS_PER_ROW_MAX = 10  # a few seconds between most rows and hours between others would fill the memory
# Neighbour days may stand in for these; temperature and snow are not invented.
DAILY = frozenset({"wind_m_s", "shortwave_w_m2", "pressure_pa", "cloud_fraction", "longwave_w_m2"})
ZERO_IN_HOLES = frozenset({"precipitation_mm_h"})


def insert_rows(time_utc_s: Array, columns: Columns, step_s: float, tally: Tally) -> tuple[Array, Columns, Array]:
    """Rows for times that the source skips, empty. Also returns each new row's row in the source (n,)."""
    count = round(float(time_utc_s[-1] - time_utc_s[0]) / step_s) + 1
    if count > ROWS_PER_ROW_MAX * time_utc_s.size:
        raise refuse(
            f"{time_utc_s.size} of {count} rows at steps of {step_s:g} s", "time", "Most rows are missing: supply them"
        )
    source = np.arange(time_utc_s.size, dtype=np.float64)
    if count == time_utc_s.size:
        return time_utc_s, columns, source
    place = np.round((time_utc_s - time_utc_s[0]) / step_s).astype(np.intp)
    full_time = time_utc_s[0] + step_s * np.arange(count)
    full = {}
    for name, values in columns.items():
        full[name] = np.full(count, np.nan)
        full[name][place] = values
    tally.add(Treatment.ESTIMATED, "hour", count - time_utc_s.size)
    return full_time, full, np.interp(np.arange(count), place, source)


def fill(
    name: str, time_utc_s: Array, values: Array, step_s: float, where: Where, tally: Tally, daily_ok: Array
) -> Array:
    """`values` without NaN.

    Holes of at most 3 h are interpolated (precipitation: zero); longer ones are the mean of the same hour a day before
    and after, for sun, wind, pressure, cloud and long-wave, or wherever `daily_ok` says that the source itself has
    done so (column `filled` = 2). Raises WeatherError on any other hole.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    known = ~missing
    result = values.copy()
    edges = np.flatnonzero(np.diff(np.concatenate(([False], missing, [False])).astype(np.int8)))
    day = round(DAY_S / step_s)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        hole = np.arange(start, end)
        if (end - start) * step_s <= GAP_MAX_S and known.any():
            if name in ZERO_IN_HOLES:
                result[hole] = 0.0
            else:
                result[hole] = np.interp(time_utc_s[hole], time_utc_s[known], values[known])
            tally.add(Treatment.ESTIMATED, name, hole.size)
            continue
        if name in DAILY or daily_ok[hole].all():
            neighbours = np.full((2, hole.size), np.nan)
            for k, shift in enumerate((-day, day)):
                other = hole + shift
                inside = (other >= 0) & (other < values.size)
                neighbours[k, inside] = values[other[inside]]
            found = ~np.isnan(neighbours)
            if found.any(axis=0).all():
                result[hole] = 0.0 if name in ZERO_IN_HOLES else np.nansum(neighbours, axis=0) / found.sum(axis=0)
                tally.add(Treatment.ESTIMATED, name, hole.size)
                continue
        raise refuse(
            f"missing for {(end - start) * step_s / 3600:.1f} h from {utc_text(time_utc_s[start])}",
            where(name, int(start)),
            "Holes over 3 h cannot be repaired; supply the values or cut the series there",
        )
    return result


def clip(name: str, values: Array, low: float, high: float, tally: Tally) -> Array:
    """Inside [low, high], counting what was outside: offsets small enough for the gate to let pass."""
    outside = (values < low) | (values > high)
    if outside.any():
        tally.add(Treatment.REPAIRED, name, int(outside.sum()))
        return np.clip(values, low, high)
    return values


def dew_below_air(air_c: Array, dew_point_c: Array, tally: Tally) -> Array:
    """Dew point not above air: rounding of at most 0.5 K is taken back (more was refused by the gate)."""
    above = dew_point_c > air_c
    if above.any():
        tally.add(Treatment.REPAIRED, "dew_point_c", int(above.sum()))
        return np.minimum(dew_point_c, air_c)
    return dew_point_c
