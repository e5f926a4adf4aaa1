"""Ploughed and salted over the API: for all roads or none, by those who may, once however often it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.domain.scope import Scope
from supervisor.web.tests.test_web_api import problem

PLOUGHED = {"zones": ["z02", "z03"], "kind": "ploughed"}


async def test_a_crew_reports_roads_and_takes_one_back(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    headers = {"Idempotency-Key": "ploughed1"}
    status, made = await crew.ask("POST", "/api/v1/works", json=PLOUGHED, headers=headers)
    assert (status, [(work["zone"], work["user"]) for work in made]) == (
        201,
        [("z02", "kim-crew"), ("z03", "kim-crew")],
    )
    assert await crew.ask("POST", "/api/v1/works", json=PLOUGHED, headers=headers) == (201, made)
    status, view = await crew.ask("GET", "/api/v1/zones/z02")
    assert [(work["kind"], work["id"]) for work in view["works"]] == [("ploughed", made[0]["id"])]
    status, taken = await crew.ask("DELETE", f"/api/v1/works/{made[0]['id']}")
    assert (status, taken["taken_back_by"]) == (200, "kim-crew")
    assert (await crew.ask("GET", "/api/v1/zones/z02"))[1]["works"] == []
    assert len(await district.store.works.between(None, 0, district.clock.utc_s() + 9)) == 2
    district.clock.advance(3601)
    problem(await crew.ask("DELETE", f"/api/v1/works/{made[1]['id']}"), 422, "command")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"zones": [], "kind": "ploughed"}, 422, "invalid"),
        ({"zones": ["z02"], "kind": "swept"}, 422, "invalid"),
        ({"zones": ["z02"], "kind": "salted", "amount_g_m2": 0}, 422, "invalid"),
        ({"zones": ["z02"], "kind": "salted", "amount_g_m2": 1e9}, 422, "invalid"),
        ({"zones": ["z02"], "kind": "salted", "agent": "sand"}, 422, "invalid"),
        ({"zones": ["z02"], "kind": "ploughed", "amount_g_m2": 20}, 422, "command"),
        ({"zones": ["z02", "nowhere"], "kind": "ploughed"}, 404, "unknown-zone"),
    ],
)
async def test_a_wrong_report_is_refused_for_all_its_roads(
    district: Any, sign_in: Any, body: dict[str, Any], status: int, code: str
) -> None:
    crew = await sign_in("crew")
    problem(await crew.ask("POST", "/api/v1/works", json=body), status, code)
    assert district.live.view("z02").works == ()


async def test_the_recorder_of_a_vehicle_reports_and_others_do_not(
    district: Any, sign_in: Any, aiohttp_client: Any
) -> None:
    viewer = await sign_in("viewer")
    problem(await viewer.ask("POST", "/api/v1/works", json=PLOUGHED), 403, "forbidden")
    client = await aiohttp_client(district.app)
    for scope, status in ((Scope.READ, 403), (Scope.OBSERVE, 201)):
        token, _ = await district.sessions.tokens.make(f"truck {scope}", [scope], 1, "test")
        async with client.post("/api/v1/works", json=PLOUGHED, headers={"Authorization": f"Bearer {token}"}) as answer:
            assert answer.status == status
    problem(await (await sign_in("crew")).ask("DELETE", "/api/v1/works/none"), 404, "no-work")
