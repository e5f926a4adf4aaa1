"""What lies on the road, in the terms of road-weather stations; and the one definition of ice minutes."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from supervisor.road.pavement import Array

ICE_MM = 0.1  # water equivalent of snow, ice or frost that counts as icy
TRACE_MM, MOIST_MM, WET_MM = 0.01, 0.05, 0.2  # DATEX II `moist` from 0.01 mm; a film of 0.2 mm fills the texture


class Surface(IntEnum):
    """Surface states in the order of rising danger."""

    DRY = 0
    TRACE = 1
    DEW = 2
    MOIST = 3
    WET = 4
    SLUSH = 5
    FROST = 6
    SNOW = 7
    ICE = 8

    @property
    def word(self) -> str:
        return self.name.lower()


# DATEX II v3 RoadSurfaceConditionMeasurements / WeatherRelatedRoadConditionType
DATEX_II: dict[Surface, str] = {
    Surface.DRY: "dry",
    Surface.TRACE: "moist",
    Surface.DEW: "moist",
    Surface.MOIST: "moist",
    Surface.WET: "wet",
    Surface.SLUSH: "slushOnRoad",
    Surface.FROST: "rime",
    Surface.SNOW: "freshSnow",
    Surface.ICE: "ice",
}


def surface_state(
    surface_c: Array,
    water_mm: Array,
    ice_mm: Array,
    snow_mm: Array,
    frost_mm: Array,
    condensing: npt.NDArray[np.bool_] | bool = False,
) -> npt.NDArray[np.int64]:
    """`Surface` per element from the stores; arrays broadcast. `condensing`: the film comes from the air (dew)."""
    frozen = ice_mm + snow_mm + frost_mm
    liquid = np.select([water_mm >= WET_MM, water_mm >= MOIST_MM, water_mm >= TRACE_MM], [4, 3, 1], 0)
    thin = (liquid > 0) & (liquid < int(Surface.WET))
    liquid = np.where(thin & condensing & (np.asarray(surface_c) > 0.0), int(Surface.DEW), liquid)
    slush = (water_mm > 0.5 * frozen) & (snow_mm >= ice_mm)
    solid = np.select(
        [slush, (snow_mm >= ice_mm) & (snow_mm >= frost_mm), frost_mm >= ice_mm],
        [int(Surface.SLUSH), int(Surface.SNOW), int(Surface.FROST)],
        int(Surface.ICE),
    )
    state = np.where(frozen >= ICE_MM, solid, np.where(frost_mm >= TRACE_MM, int(Surface.FROST), liquid))
    return state.astype(np.int64)


def is_icy(ice_mm: Array, snow_mm: Array, frost_mm: Array) -> npt.NDArray[np.bool_]:
    """Whether this minute is an ice minute: at least `ICE_MM` of snow, ice or frost lies on the road."""
    return np.asarray(ice_mm + snow_mm + frost_mm >= ICE_MM)


def ice_minutes(frozen_mm: Array, dt_s: float) -> Array:
    """Ice minutes per lane of a trajectory's `frozen_mm` (steps, lanes)."""
    return np.asarray(np.count_nonzero(frozen_mm >= ICE_MM, axis=0) * (dt_s / 60.0), dtype=np.float64)
