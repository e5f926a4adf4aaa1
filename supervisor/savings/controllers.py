"""The named baselines for many roads at once: `supervisor.energy.baselines.decide` on arrays; a test compares both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from supervisor.domain.weather import Array
from supervisor.energy.baselines import LOCKOUT_C, Baseline

Flags = npt.NDArray[np.bool_]


class Controllers:
    """One baseline on many lanes, each with thresholds moved by `shift_k` (lanes,) [K]. State between two calls."""

    def __init__(self, baseline: Baseline, shift_k: Array) -> None:
        lanes = shift_k.size
        self._baseline = baseline
        self._on_c, self._off_c = baseline.on_c + shift_k, baseline.off_c + shift_k
        self._heating: Flags = np.zeros(lanes, dtype=np.bool_)
        self._wet_s = np.full(lanes, -np.inf)
        self._warned = False
        self._preheat_until_s = -np.inf

    def duty(self, time_s: float, surface_c: Array, wet: Flags, air_c: float, snow_ahead: bool) -> Array:
        """What they ask for [0 or 1], (lanes,). `snow_ahead`: whether snow is forecast within 5 h."""
        baseline = self._baseline
        self._heating = (surface_c <= self._on_c) | (self._heating & (surface_c < self._off_c))
        self._wet_s = np.where(wet, time_s, self._wet_s)
        if baseline.preheat_s and snow_ahead and not self._warned:
            self._preheat_until_s = time_s + baseline.preheat_s
        self._warned = snow_ahead
        asked = np.ones_like(wet)
        if baseline.moist:
            asked = wet | (time_s - self._wet_s < baseline.after_run_s)
        if baseline.air_below_c is not None and air_c >= baseline.air_below_c:
            asked = np.zeros_like(wet)
        preheats = (time_s < self._preheat_until_s) & (surface_c < LOCKOUT_C)
        return np.where(preheats | (asked & self._heating), 1.0, 0.0)
