"""Roads that take turns, from the preview to the last turn, over HTTP and the watch's rounds."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.control.turns import KEY, TurnTaking
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder
from supervisor.web.keys import SERVICES

ROADS = ["z01", "z02", "z03", "z04", "z05", "z07", "z08"]  # 373 kW
BODY = {"zones": ROADS, "mode": "on", "minutes": 120, "turns": True}
REASON = {"reason": "Snow on the road"}


@pytest.fixture
def taking(district: Any) -> TurnTaking:
    """With a contract of 300 kW, so that two turns are needed."""
    made = TurnTaking(
        district.overrides, district.live, (Feeder("f1", 300.0, 420.0),), district.store.values, district.clock
    )
    object.__setattr__(district.app[SERVICES], "turn_taking", made)
    return made


def on(district: Any) -> set[str]:
    return {zone for zone in ROADS if district.overrides.live_for(zone) is not None}


async def next_turn(district: Any, taking: TurnTaking) -> set[str]:
    now = district.clock.utc_s()
    district.clock.advance(SLOT_S - now % SLOT_S + 5)
    await district.overrides.expire()
    await taking.look()
    return on(district)


async def test_each_turn_fits_and_the_preview_says_so(district: Any, taking: TurnTaking, sign_in: Any) -> None:
    crew = await sign_in("crew")
    status, found = await crew.ask("POST", "/api/v1/overrides/preview", json=BODY)
    assert status == 200
    assert found["turns"] == 2
    at_once = (await crew.ask("POST", "/api/v1/overrides/preview", json={**BODY, "turns": False}))[1]
    assert found["feeders"][0]["peak_kw"] < at_once["feeders"][0]["peak_kw"]
    assert found["base_cost_more"] < at_once["base_cost_more"]
    assert on(district) == set()  # nothing is commanded by looking

    status, results = await crew.ask("POST", "/api/v1/overrides", json={**BODY, **REASON})
    assert status == 201
    first = on(district)
    assert {one["zone"] for one in results if one["override"]} == first
    assert all(one["code"] is None for one in results)
    second = await next_turn(district, taking)
    assert first | second == set(ROADS)
    assert not first & second
    assert await next_turn(district, taking) == first
    entries = await district.store.audit.entries(0, 4e9)
    assert [entry.detail[:18] for entry in entries if entry.action == "override"] == ["7 roads take turns"]
    [standing] = (await crew.ask("GET", "/api/v1/turns"))[1]
    assert standing["user"] == "kim-crew"
    district.clock.advance(2 * 3600)
    assert await next_turn(district, taking) == set()
    assert (await crew.ask("GET", "/api/v1/turns"))[1] == []


async def test_who_commands_a_road_or_ends_its_turn_takes_it_out(
    district: Any, taking: TurnTaking, sign_in: Any
) -> None:
    crew = await sign_in("crew")
    await crew.ask("POST", "/api/v1/overrides", json={**BODY, **REASON})
    ended, *others = sorted(on(district))
    await district.overrides.cancel(district.overrides.live_for(ended).id, "Lee")
    replaced = next(zone for zone in ROADS if zone not in {ended, *others})
    await district.overrides.request(replaced, "off", 240, "road works", "Lee")
    await taking.look()
    seen = [await next_turn(district, taking) for _ in range(4)]
    assert not any(ended in turn for turn in seen)
    assert district.overrides.live_for(replaced).mode == "off"
    assert set().union(*seen) - {replaced} == set(ROADS) - {ended, replaced}


async def test_turns_go_on_after_a_restart_and_are_ended_by_a_person(
    district: Any, taking: TurnTaking, sign_in: Any
) -> None:
    crew = await sign_in("crew")
    await crew.ask("POST", "/api/v1/overrides", json={**BODY, **REASON})
    first = on(district)
    again = TurnTaking(
        district.overrides, district.live, (Feeder("f1", 300.0, 420.0),), district.store.values, district.clock
    )
    await again.load()
    await again.look()
    assert on(district) == first  # the running turn is its own
    assert await next_turn(district, again) == set(ROADS) - first
    object.__setattr__(district.app[SERVICES], "turn_taking", again)
    [standing] = again.standing()
    viewer = await sign_in("viewer")
    assert (await viewer.ask("DELETE", f"/api/v1/turns/{standing.number}"))[0] == 403
    assert (await crew.ask("DELETE", f"/api/v1/turns/{standing.number}"))[0] == 204
    assert on(district) == set()
    assert await next_turn(district, again) == set()
    for number in (standing.number, 10**30, "x"):
        status, problem = await crew.ask("DELETE", f"/api/v1/turns/{number}")
        assert (status, problem["code"]) == (404, "no-turns")


async def test_what_does_not_fit_or_makes_no_sense_is_refused(district: Any, taking: TurnTaking, sign_in: Any) -> None:
    crew = await sign_in("crew")
    for changed, where in (
        ({"mode": "off"}, "turns"),
        ({"minutes": 1_400}, "minutes"),
        ({"mode": "boost"}, "turns"),
    ):
        status, problem = await crew.ask("POST", "/api/v1/overrides", json={**BODY, **REASON, **changed})
        assert (status, problem["code"], problem["where"]) == (422, "command", where), changed
    small = TurnTaking(district.overrides, district.live, (), district.store.values, district.clock)
    object.__setattr__(district.app[SERVICES], "turn_taking", small)
    status, problem = await crew.ask("POST", "/api/v1/overrides/preview", json=BODY)
    assert (status, problem["where"]) == (422, "zones")
    assert on(district) == set()


async def test_a_kept_text_that_cannot_be_read_holds_nothing_up(district: Any, taking: TurnTaking) -> None:
    for text in ("{", '[{"number": "x"}]', "[]"):
        await district.store.values.set(KEY, text)
        await taking.load()
        await taking.look()
        assert taking.standing() == []
