"""One road's next hours in the full model: left alone, and as its plan and its board would heat it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supervisor.domain.plan import SLOT_S, Plan
from supervisor.planner.foresee.outlook import Array
from supervisor.planner.foresee.physics import for_lanes
from supervisor.road import Forcing, Roads, State
from supervisor.road.conduction import operator
from supervisor.road.forcing import prepare
from supervisor.road.step import advance_state

GAIN_PER_K, TRIM_MAX = 0.1, 0.3  # the board's feedback: firmware/rh/control.py, compared by a test
WET_MM = 0.1  # water or snow that the board's moisture sensor says is wet


@dataclass(frozen=True)
class Course:
    """Arrays (N, K): the values of each member at the end of each slot, duty as its mean."""

    surface_c: Array
    unheated_c: Array
    duty: Array


def slots_of(plan: Plan, start_utc_s: float, n: int) -> tuple[Array, Array]:
    """Duty [0–1] (−1: the local rule) and set-point [°C] of `n` slots from `start_utc_s` on, (n,) each."""
    starts = np.array([plan.start_utc_s + slot.start_s for slot in plan.slots], dtype=np.float64)
    at = np.searchsorted(starts, start_utc_s + SLOT_S * np.arange(n), side="right") - 1
    known = (at >= 0) & (start_utc_s + SLOT_S * np.arange(n) < starts[-1] + SLOT_S)
    duty = np.array([slot.duty_permille / 1000.0 if slot.duty_permille >= 0 else -1.0 for slot in plan.slots])
    setpoint = np.array([slot.setpoint_mc / 1000.0 for slot in plan.slots])
    return np.where(known, duty[at], -1.0), np.where(known, setpoint[at], 0.0)


def foresee_course(
    roads: Roads,
    state: State,
    weather: Forcing,
    heat_w_m2: float,
    slots: tuple[Array, Array],
    thresholds_c: tuple[float, float],
) -> Course:
    """Run one road, `roads` and `state` of one lane, under all members of `weather`, (N, K) by slots.

    `slots`: duty and set-point, see `slots_of`; `thresholds_c`: where the local rule begins and ends to heat.
    `heat_w_m2` is the cable's at full duty. Raises PhysicsError.
    """
    members = weather.air_c.shape[1]
    pairs = roads.with_members(2 * members)
    forcing = for_lanes(weather, 1)
    op, prepared = operator(pairs, SLOT_S), prepare(roads.with_members(members), forcing, state.repeat(members))
    now, heating = state.repeat(2 * members), np.zeros(members, dtype=bool)
    surface, unheated, duties = np.zeros((3, weather.steps, members))
    heat = np.zeros(2 * members)
    on_c, off_c = thresholds_c
    for t in range(weather.steps):
        warm = now.surface_c[1::2]
        wet = (now.water_mm + now.frozen_mm)[1::2] >= WET_MM
        heating = wet & np.where(heating, warm < off_c, warm <= on_c)
        planned, setpoint = slots[0][t], slots[1][t]
        trim = np.clip(GAIN_PER_K * (setpoint - warm), -TRIM_MAX, TRIM_MAX)
        duties[t] = heating.astype(np.float64) if planned < 0 else np.clip(planned + trim, 0.0, 1.0)
        heat[1::2] = duties[t] * heat_w_m2
        now, _ = advance_state(pairs, op, now, np.repeat(prepared[t], 2, axis=-1), heat)
        unheated[t], surface[t] = now.surface_c[::2], now.surface_c[1::2]
    return Course(surface, unheated, duties)
