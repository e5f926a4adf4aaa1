"""What somebody sees on a road, put into its state: a thin layer more, or a part of what lies less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from supervisor.road.forcing import State
from supervisor.road.maths import Array

LAYER_MM = 0.3  # of water: snow of 3 mm; what is seen is at least that, and more is the model's to know


def see_frozen(state: State, lanes: Array | slice | list[int], mm: float) -> State:
    """Snow, ice and frost together of at least `mm` on some lanes; what is missing comes as snow."""
    snow = state.snow_mm.copy()
    snow[lanes] += np.maximum(mm - state.frozen_mm[lanes], 0.0)
    return replace(state, snow_mm=snow)


def see_bare(state: State, lanes: Array | slice | list[int], part: float) -> State:
    """A part (0–1) less of what lies on some lanes; it has melted to water."""
    values = {name: getattr(state, name).copy() for name in ("snow_mm", "ice_mm", "frost_mm", "water_mm")}
    for name in ("snow_mm", "ice_mm", "frost_mm"):
        gone = part * values[name][lanes]
        values[name][lanes] -= gone
        values["water_mm"][lanes] += gone
    return replace(state, **values)
