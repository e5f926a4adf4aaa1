from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.board_profile import Limits
from supervisor.domain.plan import SLOT_S, STANDBY, Plan, Slot
from supervisor.domain.zone import Layer, Zone
from supervisor.planner.plans import unpack
from supervisor.planner.solve.demand import (
    LAST_S,
    TARGET,
    CircuitNow,
    foreseen_kw,
    given_way,
    remaining_s,
    who_gives_way,
)

START = 1_703_808_000


def circuit(
    name: str = "a", duty: float = 1.0, *, on: bool = True, phase_s: int = 0, priority: int = 2, surface_c: float = 0.0,
    may: bool = True,
) -> CircuitNow:  # fmt: skip
    zone = Zone(
        id=name, name=name, board="b01", relay=0, feeder="f1", power_w=60_000, area_m2=200.0, priority=priority,
        layers=(Layer("asphalt", 0.1),),
    )  # fmt: skip
    return CircuitNow(zone, surface_c, duty, on, phase_s, may)


@pytest.mark.parametrize(
    ("duty", "on", "phase_s", "elapsed_s", "expected_s"),
    [
        (1.0, True, 0, 300, 600),
        (0.5, True, 0, 300, 150),
        (0.5, False, 0, 600, 0),
        (0.5, False, 600, 300, 300),  # its window begins at 600 and runs on into the next quarter
        (0.5, True, 600, 0, 150 + 300),  # the end of the last window, then the next one
        (0.8, True, 0, 300, 600),  # the minimum off time lets it run through
        (0.2, True, 0, 100, 200),  # the minimum on time keeps it on
        (0.0, True, 0, 300, LAST_S),  # told to open, and opening
        (0.0, False, 0, 300, 0),
    ],
)
def test_what_a_circuit_still_draws(duty: float, on: bool, phase_s: int, elapsed_s: float, expected_s: float) -> None:
    assert remaining_s(circuit(duty=duty, on=on, phase_s=phase_s), elapsed_s) == expected_s


@pytest.mark.parametrize(("phase_s", "expected_s"), [(0, 300 + 300), (300, 300), (450, 150 + 300)])
def test_windows_recur_with_the_boards_own_period(phase_s: int, expected_s: float) -> None:
    now = circuit(duty=0.5, on=False, phase_s=phase_s)
    limits = Limits(period_s=600, min_on_s=120, min_off_s=120)
    now = replace(now, zone=msgspec.structs.replace(now.zone, limits=limits))
    assert remaining_s(now, 0) == expected_s
    assert remaining_s(replace(now, duty=0.9), 300) == 600  # above the highest duty that leaves the minimum off time


def test_nothing_is_shed_while_the_quarter_will_keep_the_contract() -> None:
    circuits = [circuit("a"), circuit("b", 0.5)]
    assert foreseen_kw(0.0, circuits, 0.0) == 90.0
    assert who_gives_way(100.0, 0.0, circuits, 0.0) == ()


def test_the_road_that_can_wait_is_shed_first_and_no_more_than_needed() -> None:
    circuits = [circuit("a", priority=1), circuit("b", priority=3), circuit("c", priority=3, surface_c=2.0)]
    assert who_gives_way(130.0, 0.0, circuits, 0.0) == ("c",)
    assert who_gives_way(70.0, 0.0, circuits, 0.0) == ("c", "b")
    assert who_gives_way(130.0, 170.0 * 840, circuits, SLOT_S - LAST_S + 1) == ()  # too late to change anything


def test_nobody_who_follows_a_person_is_shed() -> None:
    assert who_gives_way(70.0, 0.0, [circuit("a", may=False), circuit("b", priority=1)], 0.0) == ("b",)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 899)), min_size=1, max_size=8),
    st.floats(0, 840), st.floats(20, 500),
)  # fmt: skip
def test_after_shedding_the_quarter_keeps_the_contract_or_all_have_given(
    cases: list[tuple[float, bool, int]], elapsed_s: float, contract_kw: float
) -> None:
    circuits = [circuit(f"z{i}", duty, on=on, phase_s=phase) for i, (duty, on, phase) in enumerate(cases)]
    giving = who_gives_way(contract_kw, 0.0, circuits, elapsed_s)
    left = [c for c in circuits if c.zone.id not in giving]
    assert foreseen_kw(0.0, left, elapsed_s) <= TARGET * contract_kw + 1e-9 or not any(c.duty > 0 for c in left)


def test_shedding_empties_this_slot_only_and_says_so() -> None:
    plan = Plan(
        zone="a", issued_utc_s=START, start_utc_s=START, slots=(Slot(0, 500, 800), Slot(3 * SLOT_S, 0, STANDBY))
    )
    after = given_way(plan, START + SLOT_S + 200.0)
    assert unpack(after, 4, START)[0].tolist() == [0.8, 0.0, 0.8, -1.0]
    assert (after.why[0].code, after.why[0].start_s, after.why[0].end_s) == ("shed", SLOT_S, 2 * SLOT_S)
    late = given_way(plan, START + 5 * SLOT_S + 1.0)  # a zone on standby, heating by its own rule
    assert unpack(late, 7, START)[0].tolist() == [0.8, 0.8, 0.8, -1.0, -1.0, 0.0, -1.0]
