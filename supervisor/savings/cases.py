"""A saving as winter maintenance accounts for it: as done, at the same money, at the same ice.

The baseline at other thresholds gives what it costs to have less ice with it. Savings are of three models of the roads;
the outer two give the 68 % interval, all roads' errors taken to have the same sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from supervisor.domain.weather import Array

SHOWN: Final = 0.5  # an uncertainty larger than this part of the saving leaves nothing to show


class Saving(Struct, frozen=True):
    """A difference between the baseline and what was done; positive is better. `value` None: not shown, see `why`."""

    value: float | None
    low: float | None = None  # 68 % interval
    high: float | None = None
    why: str = ""


class Curve(Struct, frozen=True):
    """One model: what was done, and the baseline at each of its thresholds, rising."""

    cost: float
    ice_min: float
    baseline_cost: tuple[float, ...]
    baseline_ice_min: tuple[float, ...]


NOT_KNOWN: Final = Saving(None, why="error of the model not known")
OUT_OF_REACH: Final = Saving(None, why="the baseline does not reach it at any threshold")


def as_done(curves: Sequence[Curve], as_set: int) -> tuple[Saving, Saving]:
    """Cost and ice minutes below those of the baseline as its makers set it. `curves`: models low, middle, high."""
    cost = [one.baseline_cost[as_set] - one.cost for one in curves]
    ice = [one.baseline_ice_min[as_set] - one.ice_min for one in curves]
    return shown(cost), shown(ice)


def same_money(curves: Sequence[Curve]) -> Saving:
    """Ice minutes below those of the baseline at the threshold at which it costs as much."""
    values = [_at(one.cost, one.baseline_cost, one.baseline_ice_min) for one in curves]
    return shown([None if at is None else at - one.ice_min for at, one in zip(values, curves, strict=True)])


def same_ice(curves: Sequence[Curve]) -> Saving:
    """Cost below that of the baseline at the threshold at which it has as many ice minutes."""
    values = [_at(-one.ice_min, [-ice for ice in one.baseline_ice_min], one.baseline_cost) for one in curves]
    return shown([None if at is None else at - one.cost for at, one in zip(values, curves, strict=True)])


def shown(values: Sequence[float | None]) -> Saving:
    """The middle one with the interval of all, unless that says nothing."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return OUT_OF_REACH
    middle, low, high = known[len(known) // 2], min(known), max(known)
    if (high - low) / 2 > SHOWN * abs(middle):
        return Saving(None, low, high, "the uncertainty is larger than half of it")
    return Saving(middle, low, high)


def _at(wanted: float, rising: Sequence[float], values: Sequence[float]) -> float | None:
    """`values` where `rising` is `wanted`, linearly between thresholds; None outside."""
    along: Array = np.maximum.accumulate(np.asarray(rising, dtype=np.float64))  # hysteresis may turn it back a little
    if not along[0] <= wanted <= along[-1]:
        return None
    return float(np.interp(wanted, along, values))
