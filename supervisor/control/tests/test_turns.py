"""How roads are shared out over turns, and whose turn it is when."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.control.turns import TURNS_MAX, Turns, schedule, share_out
from supervisor.domain.errors import CommandError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Layer, Zone

QUARTER_UTC_S = 1_703_877_300  # begin of one


def road(number: int, power_w: int, feeder: str = "f1") -> Zone:
    return Zone(
        id=f"z{number:02d}", name="x", board="b01", relay=0, feeder=feeder, power_w=power_w, area_m2=100.0,
        layers=(Layer("asphalt", 0.1),),
    )  # fmt: skip


def turns(created_utc_s: int, minutes: int, *groups: tuple[str, ...]) -> Turns:
    return Turns(1, groups, "Kim", "snow", created_utc_s, created_utc_s + 60 * minutes)


def test_the_fewest_turns_that_fit() -> None:
    roads = [road(n, 40_000) for n in range(6)]
    assert [len(group) for group in share_out(roads, {"f1": 130_000})] == [3, 3]
    assert [len(group) for group in share_out(roads, {"f1": 90_000})] == [2, 2, 2]
    both = share_out([*roads, road(9, 60_000, "f2")], {"f1": 130_000, "f2": 60_000})
    assert len(both) == 2


@pytest.mark.parametrize("room_w", [{}, {"f1": 39_000}, {"f1": -1.0}, {"f2": 900_000}])
def test_roads_that_do_not_fit_are_refused(room_w: dict[str, float]) -> None:
    with pytest.raises(CommandError, match="do not fit"):
        share_out([road(n, 40_000) for n in range(6)], room_w)


@given(
    st.lists(st.tuples(st.integers(1_000, 90_000), st.sampled_from(["f1", "f2"])), min_size=1, max_size=30),
    st.integers(20_000, 900_000),
)
def test_no_turn_passes_the_room_and_each_road_has_one(made: list[tuple[int, str]], room_w: int) -> None:
    roads = {f"z{n:02d}": road(n, power_w, feeder) for n, (power_w, feeder) in enumerate(made)}
    try:
        groups = share_out(list(roads.values()), {"f1": room_w, "f2": room_w})
    except CommandError:
        return
    assert sorted(zone for group in groups for zone in group) == sorted(roads)
    assert len(groups) <= TURNS_MAX
    for group in groups:
        for feeder in ("f1", "f2"):
            assert sum(roads[zone].power_w for zone in group if roads[zone].feeder == feeder) <= room_w


@given(st.integers(0, SLOT_S - 1), st.integers(1, 480), st.integers(1, TURNS_MAX))
def test_the_schedule_fills_the_time_without_two_turns_at_once(offset_s: int, minutes: int, count: int) -> None:
    taking = turns(QUARTER_UTC_S + offset_s, minutes, *((f"z{n:02d}",) for n in range(count)))
    made = schedule(taking)
    assert made[0].created_utc_s == taking.created_utc_s
    assert made[-1].expires_utc_s == taking.until_utc_s
    for one, following in pairwise(made):
        assert one.expires_utc_s == following.created_utc_s
        assert one.expires_utc_s % SLOT_S == 0
        assert following.zone != one.zone or count == 1
    assert all(one.expires_utc_s - one.created_utc_s < SLOT_S + 300 for one in made)


def test_a_short_rest_of_a_quarter_is_no_turn_of_its_own() -> None:
    taking = turns(QUARTER_UTC_S + SLOT_S - 120, 60, ("z00",), ("z01",))
    assert taking.turn_at(taking.created_utc_s) == (0, QUARTER_UTC_S + 2 * SLOT_S)
    assert taking.turn_at(QUARTER_UTC_S + 2 * SLOT_S) == (1, QUARTER_UTC_S + 3 * SLOT_S)
