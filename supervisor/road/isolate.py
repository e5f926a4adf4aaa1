"""Lanes that leave the physical range are found and reset, so that one road cannot stop the others."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt

from supervisor.domain.errors import PhysicsError
from supervisor.road.conduction import operator
from supervisor.road.forcing import State, initial_state
from supervisor.road.pavement import Array, Roads
from supervisor.road.step import HIGHEST_C, LOWEST_C, advance_state

STORE_MAX_MM = 2_000.0  # water equivalent of a store: twenty metres of snow
FLUX_MAX_W_M2 = 2_000.0  # of anything that a road may lack or get from its cable
_STORES = ("water_mm", "ice_mm", "snow_mm", "frost_mm", "salt_g_m2", "striped_mm")
_FLUXES = ("wires_w_m2", "residual_w_m2", "daily_w_m2")
_WARM = ("temperature_c", "top_c", "deep_c")


def broken(state: State) -> npt.NDArray[np.bool_]:
    """Lanes (lanes,) with a value that is not finite or outside physical limits."""
    result = np.zeros(state.temperature_c.shape[0], dtype=np.bool_)
    for field in fields(State):
        values: Array = getattr(state, field.name)
        good = np.isfinite(values)
        if field.name in _STORES:
            good &= (values >= 0.0) & (values <= STORE_MAX_MM)
        elif field.name in _FLUXES:
            good &= np.abs(values) <= FLUX_MAX_W_M2
        elif field.name in _WARM:
            good &= (values > LOWEST_C) & (values < HIGHEST_C)
        result |= ~good.reshape(good.shape[0], -1).all(axis=1)
    return result


def renewed(roads: Roads, state: State, lanes: npt.NDArray[np.bool_], air_c: float) -> State:
    """The state with some lanes reset: as the others are in the median, or by the air where there are none."""
    if not lanes.any():
        return state
    fresh = initial_state(roads, air_c, max(air_c, 0.0))
    others = ~lanes
    if others.any():
        surface_c = float(np.median(state.surface_c[others]))
        fresh = initial_state(roads, surface_c, float(np.median(state.deep_c[others])))
        for name in _STORES:
            getattr(fresh, name)[:] = np.median(getattr(state, name)[others])
    result = state.copy()
    for field in fields(State):
        getattr(result, field.name)[lanes] = getattr(fresh, field.name)[lanes]
    return result


def advance_each(
    roads: Roads, state: State, row: Array, heat_w_m2: Array, observed_c: Array, dt_s: float
) -> tuple[State, Array, npt.NDArray[np.bool_]]:
    """One step, lane by lane, for a batch that failed as a whole.

    Shapes as in `advance_state`, one lane a road. Returns the state, the flux that each lane lacked [W/m²], and the
    lanes that failed, which stay as they were. Raises PhysicsError where every lane fails: then it is not the lanes.
    """
    failed = np.zeros(roads.lanes, dtype=np.bool_)
    lacking = np.zeros(roads.lanes)
    result = state.copy()
    fault: PhysicsError | None = None
    for lane in range(roads.lanes):
        one, now = roads.take([lane]), state.take([lane])
        part = slice(lane, lane + 1)
        try:
            after, fluxes = advance_state(
                one, operator(one, dt_s), now, row[:, part], heat_w_m2[part], observed_c[part]
            )
        except PhysicsError as error:
            failed[lane], fault = True, error
            continue
        if broken(after)[0]:
            failed[lane] = True
            continue
        lacking[lane] = fluxes.lacking[0]
        for field in fields(State):
            getattr(result, field.name)[lane] = getattr(after, field.name)[0]
    if failed.all():
        raise fault or PhysicsError("no road can be advanced", where="state", remedy="Check the weather.")
    return result, lacking, failed


def bounded_heat(heat_w_m2: Array, most_w_m2: Array | float) -> Array:
    """Cable heat within what the cables can give [W/m²]; what is not finite is none."""
    finite = np.where(np.isfinite(heat_w_m2), heat_w_m2, 0.0)
    result: Array = np.clip(finite, 0.0, np.minimum(most_w_m2, FLUX_MAX_W_M2))
    return result
