"""A road of two layers in a winter without end, for one emulated board by hand. The bench has the road model itself.

Figures of an asphalt road with the cable 7 cm deep: what they give is plausible and proves nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

STEP_S = 5.0  # explicit steps of the layers, far below their time constants
HEAT_W_M2 = 300.0
_LAYER_J_M2K = 0.07 * 2.0e6  # 7 cm of asphalt
_BETWEEN_W_M2K = 25.0
_TO_AIR_W_M2K = 12.0
_TO_GROUND_W_M2K = 2.0
_GROUND_C = 4.0
_MELT_J_KG = 334_000.0
_DRAINS_S = 1_200.0
_SHEATH_K_M2_W = 0.03  # of the cable above its layer
_FILM_MM = 0.3  # e-folding film of the moisture probe's answer
_FROZEN_SEEN = 0.5  # the part of frozen water that it melts and sees
_SHOWER_S, _EVERY_S = 1_800.0, 5_400.0  # it snows for half an hour, and then for an hour not


@dataclass
class Winter:
    """What falls on the road: air [°C] and snow while it snows [mm/h]."""

    air_c: float = -2.0
    snow_mm_h: float = 2.0

    def falling_mm_h(self, at_s: float) -> float:
        return self.snow_mm_h if at_s % _EVERY_S < _SHOWER_S else 0.0


@dataclass
class Road:
    """One zone's road."""

    winter: Winter = field(default_factory=Winter)
    surface_c: float = -1.0
    layer_c: float = 1.0  # where the cable lies
    frozen_mm: float = 0.0
    water_mm: float = 0.1
    now_s: float = 0.0
    heated: float = 0.0  # duty of the last step

    @property
    def cable_c(self) -> float:
        """At the cable's sheath."""
        return self.layer_c + _SHEATH_K_M2_W * HEAT_W_M2 * self.heated

    @property
    def moisture(self) -> float:
        """What a moisture probe answers, 0–1."""
        return 1.0 - math.exp(-(self.water_mm + _FROZEN_SEEN * self.frozen_mm) / _FILM_MM)

    def advance(self, seconds: float, duty: float) -> None:
        """Let time pass with the contactor closed for `duty` (0–1) of it."""
        self.heated = duty
        while seconds > 0.0:
            step_s = min(STEP_S, seconds)
            self._step(step_s, duty)
            seconds -= step_s
            self.now_s += step_s

    def _step(self, step_s: float, duty: float) -> None:
        up_w_m2 = _BETWEEN_W_M2K * (self.layer_c - self.surface_c)
        down_w_m2 = _TO_GROUND_W_M2K * (self.layer_c - _GROUND_C)
        lost_w_m2 = _TO_AIR_W_M2K * (self.surface_c - self.winter.air_c)
        self.surface_c += (up_w_m2 - lost_w_m2) * step_s / _LAYER_J_M2K
        self.layer_c += (HEAT_W_M2 * duty - up_w_m2 - down_w_m2) * step_s / _LAYER_J_M2K
        self.frozen_mm += self.winter.falling_mm_h(self.now_s) * step_s / 3600.0
        self.water_mm *= math.exp(-step_s / _DRAINS_S)
        melts_mm = self.surface_c * _LAYER_J_M2K / _MELT_J_KG  # negative: freezes
        melts_mm = max(-self.water_mm, min(self.frozen_mm, melts_mm))
        self.frozen_mm -= melts_mm
        self.water_mm += melts_mm
        self.surface_c -= melts_mm * _MELT_J_KG / _LAYER_J_M2K
