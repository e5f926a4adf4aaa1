"""How far a surface sensor is believed: it lives and answers, but does what it says fit the road?

Each sensor is compared with the same road as the model has it without that sensor ("free"): the temperature that the
weather and the measured heat make. A sensor falls from 1 to 0 by degrees, and comes back more slowly. The evidence is a
residual of temperature; power is used only as the heat that the model gets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from supervisor.road.pavement import Array

RESOLUTION_C = 0.0005  # readings come in thousandths; a DS18B20 steps by 0.0625 K
STUCK_AFTER_S = 3600.0  # under melting snow and in fog a good sensor repeats one value for some half hours
STUCK_MOVED_K = (1.0, 2.5)  # the free road moves so far meanwhile: doubt begins, is complete
APART_K = (3.0, 8.0)  # departure beyond the neighbours': three to five times the model's error on calibrated roads
APART_ALONE_K = (6.0, 12.0)  # without neighbours an error of the forecast is in it too
NEIGHBOURS_MIN = 3  # fewer may err together
USUAL_S = 86_400.0  # shade, depth and traffic make a usual departure, known after about a day …
USUAL_MAX_K = 2.0  # … and no larger than that, so that a drift is not taken for usual
FALL_PER_S = 1.0 / 3600.0  # from believed to ignored in an hour: an odd quarter of an hour, a sunny noon are no proof
RISE_PER_S = 1.0 / 7200.0


@dataclass(frozen=True)
class Observations:
    """What the evidence is judged by, each (zones,), NaN where the sensor gives nothing."""

    stuck_s: Array  # for how long the reading has been the same
    moved_k: Array  # range of the free road in that time
    apart_k: Array  # |sensor − free − usual|, less what the neighbours have in common where there are enough
    alone: bool  # too few neighbours


Evidence = Callable[[Observations], Array]


def _ramp(value: Array, limits: tuple[float, float]) -> Array:
    result: Array = np.clip((np.nan_to_num(value) - limits[0]) / (limits[1] - limits[0]), 0.0, 1.0)
    return result


def stuck(seen: Observations) -> Array:
    """Doubt [0–1]: the same reading for an hour and longer while the road must have moved."""
    return np.where(seen.stuck_s >= STUCK_AFTER_S, _ramp(seen.moved_k, STUCK_MOVED_K), 0.0)


def apart(seen: Observations) -> Array:
    """Doubt [0–1]: no answer to frost, sun or own heat, a drift, the temperature of another place."""
    return _ramp(seen.apart_k, APART_ALONE_K if seen.alone else APART_K)


EVIDENCE: tuple[Evidence, ...] = (stuck, apart)


class SurfaceTrust:
    """`quality` (zones,) of the surface sensors, brought up to date with every `judge`."""

    def __init__(self, zones: int) -> None:
        self.quality: Array = np.ones(zones)
        self._held_c = np.full(zones, np.nan)
        self._stuck_s = np.zeros(zones)
        self._low_c = np.full(zones, np.inf)
        self._high_c = np.full(zones, -np.inf)
        self._usual_k = np.zeros(zones)

    def judge(self, observed_c: Array, free_c: Array, dt_s: float) -> Array:
        """The new quality after `dt_s`; a sensor without a reading keeps its own.

        `observed_c` (zones,), NaN where there is none; `free_c` (zones,) the road without the sensors.
        """
        known = np.isfinite(observed_c) & np.isfinite(free_c)
        seen = self._observe(observed_c, free_c, known, dt_s)
        believed = np.ones(observed_c.size)
        for evidence in EVIDENCE:
            believed *= 1.0 - evidence(seen)
        change = np.clip(believed - self.quality, -FALL_PER_S * dt_s, RISE_PER_S * dt_s)
        self.quality = np.where(known, np.clip(self.quality + change, 0.0, 1.0), self.quality)
        return self.quality

    def _observe(self, observed_c: Array, free_c: Array, known: npt.NDArray[np.bool_], dt_s: float) -> Observations:
        same = known & (np.abs(observed_c - self._held_c) < RESOLUTION_C)
        self._stuck_s = np.where(same, self._stuck_s + dt_s, np.where(known, 0.0, self._stuck_s))
        fresh = known & ~same
        self._held_c = np.where(known, observed_c, self._held_c)
        self._low_c = np.where(fresh, free_c, np.where(known, np.minimum(self._low_c, free_c), self._low_c))
        self._high_c = np.where(fresh, free_c, np.where(known, np.maximum(self._high_c, free_c), self._high_c))
        departure = np.where(known, observed_c - free_c, np.nan)
        beyond = departure - self._usual_k
        alone = int(known.sum()) < NEIGHBOURS_MIN
        common = 0.0 if alone else float(np.median(beyond[known]))
        share = -np.expm1(-dt_s / USUAL_S)
        learnt = np.clip(self._usual_k + share * np.nan_to_num(beyond), -USUAL_MAX_K, USUAL_MAX_K)
        self._usual_k = np.where(known, learnt, self._usual_k)
        moved = np.where(known, self._high_c - self._low_c, np.nan)
        return Observations(self._stuck_s.copy(), moved, np.abs(beyond - common), alone)
