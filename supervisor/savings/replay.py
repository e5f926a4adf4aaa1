"""Roads through the weather as it was: heated as recorded, and as a conventional controller would have heated them.

All run side by side on the zones' calibrated roads, lane = copy · zones + zone, in steps of a quarter of an hour, the
tariff's interval. The copies are (model, case): three models of each road, whose error takes away heat, gives none
or adds it, times the record and the baseline at each of `SHIFTS_K`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from supervisor.domain.plan import SLOT_S
from supervisor.domain.weather import Array
from supervisor.domain.zone import Zone
from supervisor.energy.baselines import Baseline
from supervisor.road import ICE_MM, Forcing, Pavement, Roads, State, build_roads, initial_state
from supervisor.road.conduction import operator
from supervisor.road.forcing import prepare
from supervisor.road.simulate import MOST_HEAT_W_M2
from supervisor.road.step import advance_state
from supervisor.savings.controllers import Controllers

STEP_S: Final = float(SLOT_S)
MODELS: Final = (-1.0, 0.0, 1.0)  # of the model's error in heat: what one standard deviation does either way
# Thresholds of the same controller, for what it costs and prevents when set otherwise [K]. Beyond 3 K above what makers
# set it would heat at 6 °C, where every maker locks heating out.
SHIFTS_K: Final = (-3.0, -1.5, 0.0, 1.5, 3.0)
AS_SET: Final = SHIFTS_K.index(0.0)
CASES: Final = 1 + len(SHIFTS_K)  # the record first
WET_MM: Final = 0.1  # film at which a moisture sensor reports wet: 200 ‰ of the 0.5 mm that fill it
CHUNK: Final = 96  # steps whose weather is prepared at once: a day, so that a season stays within memory
AHEAD_STEPS: Final = 20  # 5 h: what the storm timer's forecast reaches


@dataclass(frozen=True)
class Recorded:
    """What zones got and showed, on the grid of the weather; arrays (steps, zones). The first `spin_up` are before."""

    zones: tuple[Zone, ...]  # with their cables as calibrated
    pavements: tuple[Pavement, ...]
    wh: npt.NDArray[np.int64]
    surface_c: Array  # measured, NaN where unknown
    spin_up: int

    @property
    def heat_w_m2(self) -> Array:
        """What the cables gave [W/m²]."""
        per_wh = np.array([zone.cable.efficiency / zone.area_m2 for zone in self.zones]) * (3600.0 / STEP_S)
        heat: Array = np.clip(self.wh * per_wh, 0.0, MOST_HEAT_W_M2)
        return heat


@dataclass(frozen=True)
class Replayed:
    """The period without its spin-up; arrays (models, cases, steps, zones). Case 0 is the record."""

    on: npt.NDArray[np.bool_]  # baselines only: whether they heated through the step; False in case 0
    icy: npt.NDArray[np.bool_]  # at the end of the step

    def ice_minutes(self, model: int, case: int) -> Array:
        """Minutes with ice, snow or frost on the road by zone, (zones,)."""
        return np.asarray(self.icy[model, case].sum(axis=0) * (STEP_S / 60), dtype=np.float64)


def start(pavements: Sequence[Pavement], forcing: Forcing) -> tuple[Roads, State]:
    """Roads as warm as the first day's air."""
    roads = build_roads(list(pavements))
    air_c = float(np.mean(forcing.air_c[:CHUNK]))
    return roads, initial_state(roads, air_c, max(air_c, 4.0))


def replay(recorded: Recorded, forcing: Forcing, baseline: Baseline, error_w_m2: Array) -> Replayed:
    """Run all copies. `forcing` has one lane; `error_w_m2` (zones,) is one standard deviation of the model's error."""
    zones, copies, steps = len(recorded.zones), len(MODELS) * CASES, forcing.steps
    roads, state = start(recorded.pavements * copies, forcing)
    correction = (np.array(MODELS)[:, None, None] * np.ones((1, CASES, 1)) * error_w_m2).reshape(1, -1)
    driven = np.tile(np.repeat(np.arange(CASES) > 0, zones), len(MODELS))
    shift_k = np.tile(np.repeat((0.0, *SHIFTS_K), zones), len(MODELS))
    full_w_m2 = np.tile([zone.heat_w_m2 for zone in recorded.zones], copies)
    given_w_m2 = recorded.heat_w_m2
    controllers = Controllers(baseline, shift_k)
    on, icy = np.zeros((2, steps, roads.lanes), dtype=np.bool_)
    ahead, air_c = _snow_ahead(forcing), np.broadcast_to(forcing.air_c, (steps, 1))[:, 0]
    op = operator(roads, STEP_S)
    for first in range(0, steps, CHUNK):
        part = forcing[first : first + CHUNK]
        part = replace(part, correction_w_m2=np.repeat(correction, part.steps, axis=0))
        prepared = prepare(roads, part)
        for n in range(part.steps):
            t = first + n
            heat = np.tile(given_w_m2[t], copies)
            if t >= recorded.spin_up:
                wet = state.water_mm + state.frozen_mm >= WET_MM
                duty = controllers.duty(t * STEP_S, state.surface_c, wet, float(air_c[t]), bool(ahead[t]))
                on[t] = driven & (duty > 0.0)
                heat = np.where(driven, duty * full_w_m2, heat)
            state, _ = advance_state(roads, op, state, prepared[n], heat)
            icy[t] = state.frozen_mm >= ICE_MM
    return Replayed(_by_case(on[recorded.spin_up :], zones), _by_case(icy[recorded.spin_up :], zones))


def _by_case(rows: npt.NDArray[np.bool_], zones: int) -> npt.NDArray[np.bool_]:
    return np.moveaxis(rows.reshape(len(rows), len(MODELS), CASES, zones), 0, 2)


def _snow_ahead(forcing: Forcing) -> npt.NDArray[np.bool_]:
    """Whether snow falls within 5 h from each step: the best that a forecast could be."""
    snows = np.broadcast_to(forcing.snow_mm_h, (forcing.steps, 1))[:, 0] > 0.0
    total = np.concatenate(([0], np.cumsum(snows)))
    until = np.minimum(np.arange(forcing.steps) + AHEAD_STEPS, forcing.steps)
    return np.asarray(total[until] > total[:-1])
