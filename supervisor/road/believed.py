"""The estimate of all roads with sensors that may lie: each is used as far as it is believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from supervisor.road.estimate import StateEstimator
from supervisor.road.forcing import Forcing, State
from supervisor.road.pavement import Array, Roads
from supervisor.road.trust import SurfaceTrust

BELIEVED = 0.5  # from here down a sensor is not used at all; between here and 1 in proportion
COVERS = ("water_mm", "ice_mm", "snow_mm", "frost_mm", "salt_g_m2", "snow_albedo", "striped_mm", "daily_w_m2")


class BelievingEstimator:
    """As `StateEstimator`, beside the same roads without their surface sensors ("free").

    The free roads have the covers of the estimate while a sensor is believed: what lies is known best there. Once it is
    not believed, the estimate takes over the free road's temperatures and continues without the sensor.
    """

    def __init__(self, roads: Roads, surface_c: Array | float, deep_c: Array | float) -> None:
        self._used = StateEstimator(roads, surface_c, deep_c)
        self._free = StateEstimator(roads, surface_c, deep_c)
        self.trust = SurfaceTrust(self._used.state.water_mm.size)

    @property
    def roads(self) -> Roads:
        return self._used.roads

    @roads.setter
    def roads(self, roads: Roads) -> None:
        self._used.roads = self._free.roads = roads

    @property
    def state(self) -> State:
        return self._used.state

    @state.setter
    def state(self, state: State) -> None:
        self._used.state, self._free.state = state, state.copy()

    def change(self, change: Callable[[State], State]) -> None:
        """Something happened on the road itself: the same on both."""
        self._used.state, self._free.state = change(self._used.state), change(self._free.state)

    @property
    def renewed(self) -> tuple[int, ...]:
        """Lanes that the last update has reset."""
        return self._used.renewed

    def update(
        self, weather_now: Forcing, surface_c: Array, power_w_m2: Array, dt_s: float = 60.0, moist: Array | None = None
    ) -> State:
        """As `StateEstimator.update`; `surface_c` counts as far as `trust.quality` says."""
        nothing = np.full(np.shape(surface_c), np.nan)
        free = self._free.update(weather_now, nothing, power_w_m2, dt_s, moist)
        was_used = self._weight() > 0.0
        self.trust.judge(surface_c, free.surface_c, dt_s)
        weight = self._weight()
        given_up = was_used & (weight == 0.0)
        if given_up.any():
            self._used.state = _taken_over(self._used.state, free, given_up, ())
        blended = free.surface_c + weight * (surface_c - free.surface_c)
        state = self._used.update(weather_now, np.where(weight > 0.0, blended, np.nan), power_w_m2, dt_s, moist)
        self._free.state = _taken_over(self._free.state, state, weight > 0.0, COVERS)
        lost = np.zeros(weight.size, dtype=bool)
        lost[list(self._used.renewed)] = True
        if lost.any():
            self._free.state = _taken_over(self._free.state, state, lost, ())
        return state

    def _weight(self) -> Array:
        """How much of each sensor is used [0–1]."""
        result: Array = np.clip((self.trust.quality - BELIEVED) / (1.0 - BELIEVED), 0.0, 1.0)
        return result


def _taken_over(state: State, other: State, lanes: npt.NDArray[np.bool_], names: tuple[str, ...]) -> State:
    """`state` with the lanes of `other` in the fields `names`, all fields for none given."""
    changed = {}
    for name in names or tuple(field.name for field in fields(State)):
        mine, theirs = getattr(state, name), getattr(other, name)
        changed[name] = np.where(lanes[:, None] if mine.ndim == 2 else lanes, theirs, mine)
    return replace(state, **changed)
