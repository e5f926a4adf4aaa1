from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.plan import SLOT_S, STANDBY, Plan, PlanLabel, Reason, Slot
from supervisor.planner.explain import CODES, why
from supervisor.planner.fallback import shifted_plan
from supervisor.planner.outlook import Hazard, ZoneOutlook
from supervisor.planner.plans import MAX_RUNS, pack, slot_values, suppressible, to_plan, unpack

N = 40
NO = np.zeros(N, dtype=bool)


def storm(free_c: float = -3.0, members: int = 10, seen_by: int = 10, first: int = 16, last: int = 28) -> ZoneOutlook:
    hazard = np.zeros((members, N), dtype=np.int8)
    hazard[:seen_by, first:last] = Hazard.SNOW
    required = np.where(hazard > 0, 0.5, -np.inf)
    return ZoneOutlook(np.full((members, N), free_c), required, hazard, hazard > 0, np.ones(hazard.shape))


def heated(first: int, last: int, value: float = 1.0) -> np.ndarray:
    duty = np.zeros(N)
    duty[first:last] = value
    return duty


def test_slots_without_hazard_are_standby_and_heated_ones_aim_at_the_planned_temperature() -> None:
    lift = np.where(np.arange(N) >= 12, 4.0, 0.0)
    slots = slot_values(storm(), heated(12, 28), lift, NO, NO, False)
    assert (slots.duty[:12] == STANDBY).all()
    assert (slots.duty[12:28] == 1.0).all()
    assert (slots.duty[28:] == STANDBY).all()
    assert (slots.setpoint_c[12:28] == 1.0).all()
    assert not slots.suppressed.any()


def test_a_capped_zone_is_not_asked_for_more_than_planned() -> None:
    full = np.ones(N, dtype=bool)
    slots = slot_values(storm(), heated(16, 28, 0.4), np.full(N, 1.0), full, NO, False)
    assert (slots.setpoint_c[16:28] <= 0.0).all()  # melting snow holds the surface there


def test_a_zone_that_is_fully_on_stays_on_while_snow_holds_its_surface_at_zero() -> None:
    for capped in (NO, np.ones(N, dtype=bool)):
        slots = slot_values(storm(free_c=-9.0), heated(16, 28), np.full(N, 2.0), capped, NO, False)
        assert (slots.setpoint_c[16:28] >= 0.0).all()


def test_part_heat_that_leaves_a_wet_road_short_is_left_to_the_local_rule() -> None:
    """A fifth of the heat melts nothing and was paid for; the local rule gives all there is."""
    slots = slot_values(storm(free_c=-3.0), heated(12, 28, 0.2), np.full(N, 1.0), NO, NO, False)
    assert slots.duty[12:16] == pytest.approx(0.2)  # preheat of a dry road
    assert (slots.duty[16:28] == STANDBY).all()
    enough = slot_values(storm(free_c=-3.0), heated(12, 28, 0.2), np.full(N, 3.6), NO, NO, False)
    assert enough.duty[16:28] == pytest.approx(0.2)


def test_a_shed_zone_does_not_fall_back_to_the_local_rule() -> None:
    slots = slot_values(storm(), np.zeros(N), np.zeros(N), np.ones(N, dtype=bool), NO, False)
    assert (slots.duty[16:28] == 0.0).all()


def test_the_local_rule_is_held_back_only_when_nine_of_ten_members_are_sure() -> None:
    wet = storm(free_c=1.5, first=2, last=28)
    held = suppressible(wet, np.zeros(N))
    assert held[2:8].all()
    assert not held[8:].any()  # a board that hears nothing for two hours goes back to its rule
    doubtful = ZoneOutlook(
        np.where(np.arange(10)[:, None] < 2, 0.3, wet.free_c), wet.required_c, wet.hazard, wet.wet, wet.worth
    )
    assert not suppressible(doubtful, np.zeros(N)).any()
    assert not suppressible(storm(free_c=5.0, first=2), np.zeros(N)).any()  # the rule would not heat anyway
    slots = slot_values(wet, np.zeros(N), np.zeros(N), NO, NO, False)
    assert (slots.duty[2:8] == 0.0).all()
    assert (slots.setpoint_c[2:8] == 0.5).all()  # and heats after all should the surface fall below


def test_reasons_say_preheat_then_melt_with_the_snows_time_and_probability() -> None:
    outlook = storm(seen_by=7)
    duty = heated(8, 28)
    reasons = why(outlook, duty, np.full(N, 4.0), 1_000_000.0, capped=NO, suppressed=NO, fixed=NO)
    assert [r.code for r in reasons] == ["preheat-snow", "melt-snow"]
    assert reasons[0] == Reason(8 * SLOT_S, 16 * SLOT_S, "preheat-snow", 0.7, 1_000_000 + 16 * SLOT_S)
    assert {r.code for r in reasons} <= set(CODES)


def test_reasons_name_shedding_capacity_accepted_risk_and_overrides() -> None:
    outlook, full = storm(), np.ones(N, dtype=bool)

    def codes(duty: np.ndarray, capped: np.ndarray, fixed: np.ndarray = NO) -> set[str]:
        return {r.code for r in why(outlook, duty, np.zeros(N), 0.0, capped=capped, suppressed=NO, fixed=fixed)}

    assert codes(np.zeros(N), full) == {"shed"}
    assert codes(heated(16, 28), NO) == {"beyond-capacity"}
    assert codes(np.zeros(N), NO) == {"risk-accepted"}
    assert codes(np.zeros(N), NO, full) == {"override"}


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(24, 144))
def test_packed_plans_fit_and_keep_energy(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    duty = np.round(rng.random(n) / 0.025) * 0.025
    duty[rng.random(n) < 0.3] = STANDBY
    runs = pack(duty, rng.integers(0, 9, n) / 2)
    assert len(runs) <= MAX_RUNS
    assert runs[0].start_s == 0
    assert runs[-1].duty_permille == STANDBY
    assert all(a.start_s < b.start_s for a, b in itertools.pairwise(runs))
    ends = [*(r.start_s for r in runs[1:]), max(n * SLOT_S, runs[-1].start_s)]
    energy = sum(max(r.duty_permille, 0) / 1000 * (e - r.start_s) / SLOT_S for r, e in zip(runs, ends, strict=True))
    assert abs(energy - np.maximum(duty, 0).sum()) < 0.001 * n


def test_a_plan_of_few_runs_survives_packing_exactly() -> None:
    slots = slot_values(storm(), heated(12, 28, 0.55), np.full(N, 4.0), NO, NO, False)
    plan = to_plan("z01", slots, 100.0, 900.0)
    duty, setpoint = unpack(plan, N, 900.0)
    assert duty.tolist() == slots.duty.tolist()
    assert setpoint.tolist() == slots.setpoint_c.tolist()
    later, _ = unpack(plan, 4, 900.0 + 11 * SLOT_S)
    assert later.tolist() == [STANDBY, 0.55, 0.55, 0.55]


def plan_of(duty: np.ndarray, issued: float = 0.0) -> Plan:
    return Plan(zone="z", issued_utc_s=round(issued), start_utc_s=0, slots=pack(duty, np.where(duty > 0, 1.0, 0.0)))


def test_a_failed_cycle_moves_the_last_plan_on_and_says_so() -> None:
    duty = np.where(np.arange(N) < 20, 0.5, STANDBY)
    moved = shifted_plan(plan_of(duty), "z", 3600.0, 3600.0)
    assert moved.label is PlanLabel.SHIFTED
    assert moved.issued_utc_s == 0
    assert moved.why[0].code == "forecast-stale"
    assert unpack(moved, 17, 3600.0)[0].tolist() == [0.5] * 16 + [STANDBY]
    halved = shifted_plan(plan_of(duty), "z", 3600.0, 3600.0, room=0.5)
    assert unpack(halved, 1, 3600.0)[0][0] == 0.25


def test_after_six_hours_or_without_a_plan_the_local_rule_takes_over() -> None:
    duty = np.full(N, 0.5)
    for last, now in ((None, 0.0), (plan_of(duty), 6 * 3600 + 1.0), (plan_of(duty[:4]), 3600.0 * 3)):
        plan = shifted_plan(last, "z", now, now)
        assert plan.label is PlanLabel.LOCAL
        assert plan.slots == (Slot(0, 0, STANDBY),)
        assert plan.why[0].code == "local-rule"


def test_age_adds_up_over_repeated_failures() -> None:
    plan = plan_of(np.full(N, 0.5))
    for hour in range(1, 7):
        plan = shifted_plan(plan, "z", hour * 3600.0, hour * 3600.0)
        assert plan.label is PlanLabel.SHIFTED
        assert [r.code for r in plan.why].count("forecast-stale") == 1
    assert shifted_plan(plan, "z", 7 * 3600.0, 7 * 3600.0).label is PlanLabel.LOCAL


def test_heat_on_what_lies_already_is_not_called_preheating() -> None:
    """The forecast sees snow only later; the road has it now."""
    outlook = storm(seen_by=7)

    def codes(duty: np.ndarray, lying: bool) -> list[str]:
        found = why(outlook, duty, np.full(N, 4.0), 0.0, capped=NO, suppressed=NO, fixed=NO, lying=lying)
        return [r.code for r in found]

    assert codes(heated(0, 28), False) == ["preheat-snow", "melt-snow"]
    assert codes(heated(0, 28), True) == ["melt-snow"]
    assert codes(heated(8, 28), True) == ["preheat-snow", "melt-snow"]  # after a pause it is about the next snow
