"""Holes in columns, each filled in the way that suits its variable and counted.

Up to 3 h are interpolated, a single temperature or amount along a curve. Longer ones take the course of the
neighbouring days, for temperature joined to what is known on both sides. A strict reader refuses longer holes in
temperature and precipitation with their place.
"""

from __future__ import annotations

import math

import numpy as np

from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array
from supervisor.weather.gate import ESSENTIAL, GAP_MAX_S, Gate, Mask, refuse, utc_text
from supervisor.weather.hours import Rows, holes

DAY_S = 86_400.0
# Neighbour days may stand in for these.
DAILY = frozenset({"wind_m_s", "shortwave_w_m2", "pressure_pa", "cloud_fraction", "longwave_w_m2"})
NOT_DAILY = frozenset({"precipitation_mm_h"})  # yesterday's snow says nothing of today's


def fill(name: str, time_utc_s: Array, values: Array, step_s: float, gate: Gate, daily_ok: Mask) -> Array:
    """`values` without NaN, of which some must be known.

    Holes of at most 3 h are interpolated; longer ones are the mean of the same hour a day before and after, for `DAILY`
    or wherever `daily_ok` says that the source itself has done so (column `filled` = 2). What is left is refused by a
    strict gate; else it takes the course of the neighbouring days, moved to join what is known, or a straight line:
    a gap in a storm is a storm.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    known = ~missing
    straight = np.interp(time_utc_s, time_utc_s[known], values[known])
    result = values.copy()
    for start, end in holes(missing):
        hole = np.arange(start, end)
        result[hole] = straight[hole]
        if hole.size == 1 and name in ESSENTIAL and 2 <= start < values.size - 2:
            result[hole] = _curved(name, values[start - 2 : start + 3], result[start])
        if (end - start) * step_s > GAP_MAX_S:
            other = _other_days(values, hole, round(DAY_S / step_s))
            if name in NOT_DAILY and daily_ok[hole].all():
                result[hole] = 0.0  # the source says that it has filled this itself
            elif other is not None and name not in NOT_DAILY and (name in DAILY or daily_ok[hole].all()):
                result[hole] = other
            elif gate.strict:
                text = f"missing for {(end - start) * step_s / 3600:.1f} h from {utc_text(time_utc_s[start])}"
                remedy = "Holes over 3 h cannot be repaired; supply the values or cut the series there"
                raise refuse(text, gate.where(name, start), remedy)
            elif name not in NOT_DAILY:
                result[hole] = _joined(values, start, end, round(DAY_S / step_s), straight)
        gate.tally.add(Treatment.ESTIMATED, name, hole.size)
    return result


def _curved(name: str, around: Array, straight: float) -> float:
    """The cubic through two known values on either side of one, so that a peak loses less; else the straight line."""
    before, left, _, right, after = around
    curved = float((9.0 * (left + right) - (before + after)) / 16.0)
    if math.isnan(curved) or (name in NOT_DAILY and min(before, left, right, after) <= 0.0):
        return straight  # a storm begins and ends at once
    return max(curved, straight) if name in NOT_DAILY else curved  # less snow than between its neighbours is a guess


def _other_days(values: Array, hole: Rows, day: int) -> Array | None:
    """Mean of the same hour a day before and after; None where some hour has neither."""
    neighbours = np.full((2, hole.size), np.nan)
    for k, shift in enumerate((-day, day)):
        other = hole + shift
        inside = (other >= 0) & (other < values.size)
        neighbours[k, inside] = values[other[inside]]
    found = ~np.isnan(neighbours)
    if not found.any(axis=0).all():
        return None
    result: Array = np.nansum(neighbours, axis=0) / found.sum(axis=0)
    return result


def _joined(values: Array, start: int, end: int, day: int, straight: Array) -> Array:
    """The neighbouring days' course over a hole, moved to meet the values on both sides; else the straight line."""
    around = np.arange(max(start - 1, 0), min(end + 1, values.size))
    course = _other_days(values, around, day)
    if course is None:
        return straight[start:end]
    offset = values[around] - course  # known at the edges only
    known = ~np.isnan(offset)
    result: Array = (course + np.interp(around, around[known], offset[known]))[np.isin(around, np.arange(start, end))]
    return result


def clip(name: str, values: Array, low: float, high: float, tally: Tally) -> Array:
    """Inside [low, high], counting what was outside: offsets small enough for the gate to let pass."""
    outside = (values < low) | (values > high)
    if outside.any():
        tally.add(Treatment.REPAIRED, name, int(outside.sum()))
        return np.clip(values, low, high)
    return values


def dew_below_air(air_c: Array, dew_point_c: Array, tally: Tally) -> Array:
    """Dew point not above air: rounding of at most 0.5 K is taken back (more was dropped by the gate)."""
    above = dew_point_c > air_c
    if above.any():
        tally.add(Treatment.REPAIRED, "dew_point_c", int(above.sum()))
        return np.minimum(dew_point_c, air_c)
    return dew_point_c
