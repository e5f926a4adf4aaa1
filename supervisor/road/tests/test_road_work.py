"""What crews do on a road counts: ploughing, salt and its dilution, and taking it back."""

from __future__ import annotations

import numpy as np
import pytest

from supervisor.domain.road_work import Agent
from supervisor.road import Forcing, Pavement, Roads, State, SurfaceParameters, build_roads, initial_state, simulate
from supervisor.road.stores import FREEZING_K_PER_G_KG
from supervisor.road.work import (
    ASSUMED_G_M2,
    LEFT_MM,
    MOST_SALT_G_M2,
    add_snow,
    as_nacl_g_m2,
    lowered_freezing_c,
    plough,
    spread_salt,
)

LAYERS = (("asphalt", 0.1), ("base", 0.4))
STEP_S = 300.0


def roads(lanes: int, wear_per_h: float = 0.0) -> tuple[Roads, State]:
    made = build_roads([Pavement(LAYERS, surface=SurfaceParameters(traffic_wear_per_h=wear_per_h))] * lanes)
    return made, initial_state(made, -0.5, 3.0)


def night(hours: float, air_c: float, rain_mm_h: float = 0.0, snow_mm_h: float = 0.0) -> Forcing:
    one = np.ones((round(hours * 3600 / STEP_S), 1))
    return Forcing(
        one * air_c, one * (air_c - 2.0), one * 2.0, one * 0.0, one * 260.0, one * rain_mm_h, one * snow_mm_h
    )  # fmt: skip


def test_a_plough_takes_snow_and_leaves_ice_and_a_rest() -> None:
    _, state = roads(2)
    state.snow_mm[:], state.ice_mm[:] = 9.0, 0.5
    after = plough(state, [1])
    assert after.snow_mm.tolist() == [9.0, LEFT_MM]
    assert after.ice_mm.tolist() == [0.5, 0.5]
    assert add_snow(after, [1], 8.0).snow_mm.tolist() == [9.0, 9.0]
    assert state.snow_mm.tolist() == [9.0, 9.0]


def test_salt_is_bounded_and_taken_off_again() -> None:
    _, state = roads(1)
    for _ in range(20):
        state = spread_salt(state, [0], 20.0)
    assert state.salt_g_m2.tolist() == [MOST_SALT_G_M2]
    assert spread_salt(state, [0], -1000.0).salt_g_m2.tolist() == [0.0]
    assert as_nacl_g_m2(Agent.SODIUM_CHLORIDE, None) == ASSUMED_G_M2
    assert as_nacl_g_m2(Agent.CALCIUM_CHLORIDE, 20.0) == pytest.approx(12.2)


def test_salted_water_freezes_later_and_the_freezing_point_is_that_of_its_brine() -> None:
    made, state = roads(2)
    state.water_mm[:] = 1.0
    state = spread_salt(state, [1], 20.0)
    assert lowered_freezing_c(state) == [None, pytest.approx(-20.0 * FREEZING_K_PER_G_KG, abs=0.051)]
    ran, _ = simulate(made, state, night(3.0, -3.0), 0.0, STEP_S)
    first = np.argmax(ran.ice_mm > 0.0, axis=0)
    assert ran.ice_mm[first[0], 0] > 0.0
    assert first[1] == 0 or first[1] > first[0]
    assert ran.ice_mm[-1, 1] < ran.ice_mm[-1, 0]


def test_salt_melts_snow_at_two_below_and_new_snow_dilutes_it() -> None:
    made, state = roads(2)
    state.snow_mm[:] = 0.4
    state = spread_salt(state, [1], 30.0)
    ran, end = simulate(made, state, night(2.0, -1.0), 0.0, STEP_S)
    assert ran.snow_mm[-1, 0] > 0.2
    assert ran.snow_mm[-1, 1] + ran.ice_mm[-1, 1] < 0.05
    before = lowered_freezing_c(end)[1]
    _, later = simulate(made, end, night(4.0, -1.0, snow_mm_h=1.0), 0.0, STEP_S)
    after = lowered_freezing_c(later)[1]
    assert before is not None
    assert after is not None
    assert before < after - 1.0


def test_salt_runs_off_with_rain_and_is_carried_off_by_traffic() -> None:
    made, state = roads(1)
    salted = spread_salt(state, [0], 20.0)
    _, washed = simulate(made, salted, night(6.0, 4.0, rain_mm_h=3.0), 0.0, STEP_S)
    assert washed.salt_g_m2[0] < 2.0
    busy, state = roads(1, wear_per_h=0.3)
    state.water_mm[:] = 0.3
    _, worn = simulate(busy, spread_salt(state, [0], 20.0), night(2.0, -1.0), 0.0, STEP_S)
    assert worn.salt_g_m2[0] == pytest.approx(20.0 * np.exp(-0.6), rel=0.02)
