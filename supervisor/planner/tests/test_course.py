"""A road's foreseen course: as its plan and its board heat it, and left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware.rh.control import GAIN_PERMILLE_PER_K, TRIM_MAX_PERMILLE
from supervisor.domain.plan import STANDBY, Plan, Slot
from supervisor.planner.foresee.course import GAIN_PER_K, TRIM_MAX, foresee_course, slots_of
from supervisor.planner.tests.test_worth import HEAT, ROADS, hours, night
from supervisor.road import initial_state
from supervisor.road.forcing import Forcing

LOCAL = (np.full(96, -1.0), np.zeros(96))


def two_members(weather: Forcing, apart_k: float) -> Forcing:
    air = np.hstack([weather.air_c, weather.air_c + apart_k])
    return replace(
        weather, **{name: np.hstack([getattr(weather, name)] * 2) for name in ("shortwave_w_m2", "wind_m_s",
                    "rain_mm_h", "snow_mm_h", "longwave_w_m2")}, air_c=air, dew_point_c=air - 3.0,
    )  # fmt: skip


def test_the_feedback_is_the_boards() -> None:
    assert (GAIN_PER_K, TRIM_MAX) == (GAIN_PERMILLE_PER_K / 1000, TRIM_MAX_PERMILLE / 1000)


def test_a_plans_slots_become_quarters_and_its_end_is_the_local_rule() -> None:
    plan = Plan(
        zone="z1", issued_utc_s=0, start_utc_s=9_000,
        slots=(Slot(0, 0, STANDBY), Slot(1_800, 2_500, 600), Slot(3_600, 0, STANDBY)),
    )  # fmt: skip
    duty, setpoint = slots_of(plan, 9_900.0, 6)
    assert duty.tolist() == [-1.0, 0.6, 0.6, -1.0, -1.0, -1.0]
    assert setpoint.tolist()[1:3] == [2.5, 2.5]
    assert slots_of(plan, 0.0, 2)[0].tolist() == [-1.0, -1.0]  # before it begins


def test_planned_heat_parts_the_road_from_the_one_left_alone() -> None:
    duty = np.where(np.arange(96) < 12, 0.8, 0.0)
    weather = two_members(night(-4.0), 3.0)
    course = foresee_course(
        ROADS, initial_state(ROADS, -1.0, 3.0), weather, float(HEAT[0]), (duty, np.full(96, 0.0)), (2.0, 3.0)
    )
    assert course.surface_c.shape == course.unheated_c.shape == (96, 2)
    assert (course.surface_c[8:20] > course.unheated_c[8:20] + 2.0).all()
    assert (course.unheated_c[40:, 1] > course.unheated_c[40:, 0]).all()  # the warmer member
    assert course.duty[:8].min() >= 0.8 - TRIM_MAX


def test_without_a_plan_the_local_rule_heats_a_wet_cold_road_and_no_dry_one() -> None:
    state = initial_state(ROADS, 0.5, 3.0)
    snow = foresee_course(ROADS, state, night(-2.0, hours(2.0, 5.0, 1.0)), float(HEAT[0]), LOCAL, (2.0, 3.0))
    dry = foresee_course(ROADS, state, night(-2.0), float(HEAT[0]), LOCAL, (2.0, 3.0))
    assert set(snow.duty[10:18].ravel().tolist()) == {1.0}
    assert dry.duty.max() == 0.0
    assert dry.surface_c == pytest.approx(dry.unheated_c)
