"""A cold wet zone is shed for half an hour at most; every stretch without heat says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from supervisor.domain.plan import SLOT_S, Plan, Reason, Slot
from supervisor.domain.zone import Feeder
from supervisor.planner.contract import HELD_SLOTS, ZoneNow, keep_contract
from supervisor.planner.plans import unpack
from supervisor.planner.quarter import TURN_AFTER_S, worst
from supervisor.planner.tests.test_contract import CONTRACT_KW, FEEDERS, FULL, START, now, plan
from supervisor.planner.turns import explained, turn_duty

SHED_RUN = ((0, -30_000, 0), (8, 0, -1))


def waits(zone: str, seconds: float, **state: Any) -> ZoneNow:
    return replace(now(zone, **state), waiting_s=seconds)


def drawn_kw(plans: tuple[Plan, ...], slot: int) -> float:
    return sum(60 * worst(float(unpack(p, HELD_SLOTS, START)[0][slot])) for p in plans)


def test_a_zone_that_has_waited_is_given_a_window_and_another_is_shed() -> None:
    plans = [plan("a", *FULL), plan("b", *FULL), plan("c", *SHED_RUN)]
    kept = keep_contract(plans, {"a": now("a", priority=1), "b": now("b"), "c": waits("c", TURN_AFTER_S + 1)}, FEEDERS)
    duty = {p.zone: unpack(p, HELD_SLOTS, START)[0].tolist() for p in kept}
    assert duty["c"][0] == turn_duty()
    assert duty["a"][0] == 1.0  # the steepest keeps its heat
    assert duty["b"][0] == pytest.approx(1 / 3, abs=0.001)
    assert all(drawn_kw(kept, slot) <= CONTRACT_KW + 0.1 for slot in range(HELD_SLOTS))


def test_a_zone_shed_just_now_waits() -> None:
    plans = [plan("a", *FULL), plan("b", *FULL), plan("c", *SHED_RUN)]
    kept = keep_contract(plans, {"a": now("a"), "b": now("b"), "c": waits("c", TURN_AFTER_S)}, FEEDERS)
    assert [p.slots for p in kept] == [p.slots for p in plans]


def test_a_board_that_hears_nothing_newer_takes_its_turn_by_the_local_rule() -> None:
    plans = [plan("a", *FULL), plan("b", (0, 0, 500), (3, -30_000, 0), (8, 0, -1)), plan("c", *SHED_RUN)]
    assert [explained(p).lease_s for p in plans] == [21_600, 3 * SLOT_S + 1_800, 1_800]


@pytest.mark.parametrize("state", [{"wet": False}, {"surface_c": 4.0}, {"override": 0.0}])
def test_no_turn_for_a_road_that_needs_none(state: dict[str, Any]) -> None:
    plans = [plan("a", *FULL), plan("b", *FULL), plan("c", *SHED_RUN)]
    kept = keep_contract(plans, {"a": now("a"), "b": now("b"), "c": waits("c", 9_999, **state)}, FEEDERS)
    assert kept[2].slots[0].duty_permille == 0


def test_a_zone_held_back_because_it_dries_needs_no_turn() -> None:
    dries = msgspec.structs.replace(plan("c", *SHED_RUN), why=(Reason(0, 8 * SLOT_S, "dries-by-itself"),))
    kept = keep_contract([plan("a", *FULL), dries], {"a": now("a"), "c": waits("c", 9_999)}, FEEDERS)
    assert kept[1] == dries


def test_a_contract_without_a_window_for_each_lets_them_take_turns() -> None:
    narrow = (Feeder("f1", contract_kw=25.0, breaker_kw=200.0),)
    plans = [plan("a", (0, 0, 333), (8, 0, -1)), plan("b", *SHED_RUN)]
    kept = keep_contract(plans, {"a": now("a"), "b": waits("b", 1_000)}, narrow)
    duty = [unpack(p, HELD_SLOTS, START)[0].round(2).tolist() for p in kept]
    assert duty[0][0] == 0.0
    assert kept[0].why[0].code == "shed"
    assert duty[1][0] == turn_duty()


def test_half_an_hour_is_never_passed_over_many_plans() -> None:
    """Planned anew each quarter, always with the same two of four on top."""
    names = "abcd"
    waiting = dict.fromkeys(names, 0.0)
    longest = dict.fromkeys(names, 0.0)
    for _ in range(24):
        plans = [plan("a", *FULL), plan("b", *FULL), plan("c", *SHED_RUN), plan("d", *SHED_RUN)]
        kept = keep_contract(plans, {n: waits(n, waiting[n]) for n in names}, FEEDERS)
        assert drawn_kw(kept, 0) <= CONTRACT_KW + 0.1
        for p in kept:
            heated = unpack(p, 1, START)[0][0] > 0
            waiting[p.zone] = 0.0 if heated else waiting[p.zone] + SLOT_S
            longest[p.zone] = max(longest[p.zone], waiting[p.zone])
    assert max(longest.values()) <= 1800.0


def test_every_stretch_without_heat_says_why() -> None:
    bare = plan("a", (0, 0, 500), (1, 0, 0), (2, 0, 500), (6, -30_000, 0), (8, 0, -1))
    said = explained(bare)
    assert [(why.start_s // SLOT_S, why.end_s // SLOT_S, why.code) for why in said.why] == [
        (1, 2, "shed"),
        (6, 8, "shed"),
    ]
    told = msgspec.structs.replace(bare, why=(Reason(0, 8 * SLOT_S, "risk-accepted"),))
    assert explained(told) == told


def test_the_age_of_a_forecast_is_no_reason_for_no_heat() -> None:
    stale = msgspec.structs.replace(
        plan("a", (0, 0, 0)), slots=(Slot(0, 0, 0), Slot(SLOT_S, 0, -1)), why=(Reason(0, 9_000, "forecast-stale"),)
    )
    said = explained(stale)
    assert [why.code for why in said.why] == ["forecast-stale", "shed"]
