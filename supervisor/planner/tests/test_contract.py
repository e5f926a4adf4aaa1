from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.plan import SLOT_S, STANDBY, Plan, Slot
from supervisor.domain.zone import Feeder, Layer, Zone
from supervisor.planner.contract import HELD_SLOTS, ZoneNow, keep_contract, with_headroom
from supervisor.planner.plans import unpack

START = 1_703_808_000
FEEDERS = (Feeder("f1", contract_kw=120.0, breaker_kw=200.0),)
CONTRACT_KW = FEEDERS[0].contract_kw  # 120 kW: two of the zones' 60 kW


def plan(zone: str, *runs: tuple[int, int, int]) -> Plan:
    """Runs of (first slot, set-point m°C, duty ‰)."""
    slots = tuple(Slot(first * SLOT_S, mc, duty) for first, mc, duty in runs)
    return Plan(zone=zone, issued_utc_s=START, start_utc_s=START, slots=slots)


def now(zone: str, surface_c: float | None = 0.0, wet: bool = True, priority: int = 2, override: float | None = None):
    road = Zone(
        id=zone, name=zone, board="b01", relay=0, feeder="f1", power_w=60_000, area_m2=200.0, priority=priority,
        layers=(Layer("asphalt", 0.1), Layer("base", 0.3)),
    )  # fmt: skip
    return ZoneNow(road, surface_c, wet, override)


STANDING_BY = ((0, 0, STANDBY),)
FULL = ((0, 0, 1000), (8, 0, STANDBY))


def duties(plans: tuple[Plan, ...]) -> dict[str, list[float]]:
    return {p.zone: unpack(p, HELD_SLOTS + 1, START)[0].tolist() for p in plans}


def test_standby_stays_where_all_fits_or_nothing_would_heat() -> None:
    plans = [plan("a", *FULL), plan("b", *STANDING_BY), plan("c", *STANDING_BY)]
    dry = {"a": now("a"), "b": now("b", wet=False), "c": now("c", surface_c=4.0)}
    assert keep_contract(plans, dry, FEEDERS) == tuple(plans)
    one_wet = dry | {"b": now("b")}
    assert keep_contract(plans, one_wet, FEEDERS) == tuple(plans)


def test_what_is_left_of_the_contract_goes_to_the_steepest_and_is_said() -> None:
    plans = [plan("a", *FULL), plan("b", *STANDING_BY), plan("c", *STANDING_BY)]
    kept = keep_contract(plans, {"a": now("a"), "b": now("b"), "c": now("c", priority=1)}, FEEDERS)
    by_zone = duties(kept)
    assert by_zone["a"][:4] == [1.0] * 4
    assert by_zone["b"] == [0.0] * 4 + [-1.0]
    assert by_zone["c"] == [1.0] * 4 + [-1.0]
    assert [p.why[0].code if p.why else None for p in kept] == [None, "shed", "shed"]
    assert kept[0] is plans[0]


def test_part_of_the_contract_is_a_part_of_the_duty_at_the_road_s_own_temperature() -> None:
    plans = [plan("a", (0, 0, 1000)), plan("b", (0, 0, 500)), plan("c", *STANDING_BY)]
    kept = keep_contract(plans, {"a": now("a"), "b": now("b"), "c": now("c", surface_c=-1.23)}, FEEDERS)
    assert kept[2].slots[0] == Slot(0, -1200, 500)


def test_part_that_a_quarter_cannot_hold_exactly_is_rounded_down() -> None:
    plans = [plan("a", (0, 0, 1000)), plan("b", (0, 0, 0)), plan("c", *STANDING_BY), plan("d", *STANDING_BY)]
    states = {name: now(name) for name in "abd"} | {"c": now("c", priority=1)}
    wide = (msgspec.structs.replace(FEEDERS[0], contract_kw=110.0),)
    kept = keep_contract(plans, states, wide)
    assert [p.slots[0].duty_permille for p in kept] == [1000, 0, 650, 0]  # 50 kW are left of 60, then 11


def test_feedback_that_will_ask_for_more_is_counted() -> None:
    plans = [plan("a", (0, 0, 1000)), plan("b", (0, 3000, 500)), plan("c", *STANDING_BY)]
    kept = keep_contract(plans, {"a": now("a"), "b": now("b"), "c": now("c")}, FEEDERS)
    assert kept[2].slots[0].duty_permille == 0  # 12 of its 60 kW are left: less than a quarter can hold
    assert kept[2].slots[1].duty_permille == 500  # by then the set-point is reached


def test_override_takes_its_power_first() -> None:
    plans = [plan("a", *STANDING_BY), plan("b", *STANDING_BY), plan("c", *STANDING_BY)]
    held = duties(keep_contract(plans, {"a": now("a", override=1.0), "b": now("b"), "c": now("c")}, FEEDERS))
    assert held["a"] == [-1.0] * 5  # the board follows the person
    assert (held["b"][0], held["c"][0]) == (1.0, 0.0)


def test_zone_without_readings_is_never_commanded_to_heat() -> None:
    plans = [plan("a", *FULL), plan("b", *FULL), plan("c", *STANDING_BY)]
    states = {"a": now("a"), "b": now("b"), "c": now("c", surface_c=None)}
    assert keep_contract(plans, states, FEEDERS) == tuple(plans)


def test_duty_that_a_quarter_cannot_hold_is_rounded_down_only_where_it_could_pass_the_contract() -> None:
    states = {name: now(name, surface_c=-1.0) for name in "abc"}
    fits = [plan("a", (0, -1000, 900)), plan("b", (0, -1000, 400)), plan("c", (0, -1000, 0))]
    assert keep_contract(fits, states, FEEDERS) == tuple(fits)  # 60 + 24 kW at worst
    binding = [plan("a", (0, -1000, 900)), plan("b", (0, -1000, 900)), plan("c", (0, -1000, 200))]
    states["b"] = now("b", surface_c=-1.0, priority=1)
    kept = keep_contract(binding, states, FEEDERS)  # b, the steepest, is rounded up; what that takes the others give
    assert [p.slots[0].duty_permille for p in kept] == [650, 1000, 350]  # 120 kW
    assert kept[2].why == ()
    states["c"] = now("c", override=1.0)
    kept = keep_contract(binding, states, FEEDERS)
    assert [p.slots[0].duty_permille for p in kept] == [0, 1000, 200]  # the override leaves 60 kW


def test_what_rounding_frees_goes_to_a_zone_that_can_take_it_exactly() -> None:
    states = {"a": now("a", surface_c=-1.0, priority=3), "b": now("b", surface_c=-1.0), "c": now("c", surface_c=-1.0)}
    binding = [plan("a", (0, -1000, 900)), plan("b", (0, -1000, 600)), plan("c", (0, -1000, 500))]
    kept = keep_contract(binding, states, FEEDERS)
    assert [p.slots[0].duty_permille for p in kept] == [650, 650, 650]  # 117 of 120 kW


def test_set_point_takes_nothing_back_while_snow_melts() -> None:
    melting = plan("a", (0, -1000, 450), (8, 0, STANDBY))
    assert keep_contract([melting], {"a": now("a", surface_c=0.06)}, FEEDERS)[0].slots[0] == Slot(0, 100, 450)
    warm = {"a": now("a", surface_c=2.0)}  # no longer melting: feedback may save
    assert keep_contract([melting], warm, FEEDERS) == (melting,)


zone_cases = st.tuples(
    st.sampled_from([-1, 0, 300, 1000]), st.floats(-5, 5), st.booleans(), st.sampled_from([1, 2, 3]),
    st.sampled_from([None, None, 0.0, 1.0]),
)  # fmt: skip


@given(st.lists(zone_cases, min_size=1, max_size=6))
def test_load_never_passes_the_contract_more_than_plan_and_people_ask(
    cases: list[tuple[int, float, bool, int, float | None]],
) -> None:
    names = [f"z{i}" for i in range(len(cases))]
    plans = [  # set-points that feedback neither adds to nor takes from
        plan(n, (0, round(1000 * surface), duty), (9, 0, STANDBY))
        for n, (duty, surface, *_) in zip(names, cases, strict=True)
    ]
    states = {
        n: now(n, surface, wet, prio, over) for n, (_, surface, wet, prio, over) in zip(names, cases, strict=True)
    }
    kept = keep_contract(plans, states, FEEDERS)
    assert [p.zone for p in kept] == names
    asked = left = 0.0
    for before, after in zip(plans, kept, strict=True):
        state = states[before.zone]
        own = before.slots[0].duty_permille
        if state.override is not None:
            asked += 60 * state.override
            assert after == before
        elif own >= 0:
            asked += 60 * after.slots[0].duty_permille / 1000
            assert 0 <= after.slots[0].duty_permille <= 1000
        else:
            duty = after.slots[0].duty_permille
            heats = state.wet and state.surface_c is not None and state.surface_c <= before.on_mc / 1000
            left += 60 * (duty / 1000 if duty >= 0 else float(heats))
    assert left <= max(CONTRACT_KW - asked, 0.0) + 1e-6
    msgspec.json.encode(kept)


def test_what_a_warm_road_does_not_use_goes_to_a_cold_one_in_the_running_slot() -> None:
    plans = [plan("a", (0, -1000, 1000)), plan("b", (0, -1000, 600)), plan("c", (0, -1000, 400))]
    states = {"a": now("a", surface_c=2.0, priority=1), "b": now("b", surface_c=0.5), "c": now("c", surface_c=-0.2)}
    kept = keep_contract(plans, states, FEEDERS)
    assert kept[2].slots[0] == Slot(0, -200, 525)  # feedback takes 9 kW off b; a might run through all the same
    assert kept[2].slots[1] == Slot(900, -200, 400)
    assert kept[:2] == tuple(plans[:2])


def test_a_feeder_that_carries_all_needs_no_headroom() -> None:
    road = now("a").zone
    assert with_headroom(FEEDERS, [road, road]) == FEEDERS
    assert with_headroom(FEEDERS, [road] * 3)[0].contract_kw == pytest.approx(117.6)


@pytest.mark.parametrize("runs", [STANDING_BY, FULL, ((0, 0, -1), (3, 500, 400), (9, 0, -1))])
def test_the_rest_of_a_plan_is_untouched(runs: tuple[tuple[int, int, int], ...]) -> None:
    plans = [plan("a", (0, 0, 1000)), plan("b", (0, 0, 1000)), plan("c", *runs)]
    kept = keep_contract(plans, {name: now(name) for name in "abc"}, FEEDERS)
    before, after = unpack(plans[2], 40, START), unpack(kept[2], 40, START)
    assert (before[0][HELD_SLOTS:] == after[0][HELD_SLOTS:]).all()
