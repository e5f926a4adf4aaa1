"""An idempotency key stands for one request of one person, on every route that changes something."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from aiohttp import web

from supervisor.domain.errors import StoreError
from supervisor.web import once
from supervisor.web.api import ROUTES
from supervisor.web.tests.test_web_api import OVERRIDE, problem

KEY = {"Idempotency-Key": "a1b2c3d4e5f6"}
PATH = "/api/v1/zones/z03/overrides"


async def test_a_key_used_again_for_another_zone_or_body_is_refused_and_does_nothing(
    district: Any, sign_in: Any
) -> None:
    crew = await sign_in("crew")
    status, made = await crew.ask("POST", PATH, json=OVERRIDE, headers=KEY)
    assert status == 201
    other_zone = "/api/v1/zones/z04/overrides"
    problem(await crew.ask("POST", other_zone, json=OVERRIDE, headers=KEY), 422, "key-reused")
    for change in ({"mode": "off"}, {"minutes": 61}, {"reason": "Ice reported twice"}):
        problem(await crew.ask("POST", PATH, json={**OVERRIDE, **change}, headers=KEY), 422, "key-reused")
    problem(await crew.ask("POST", f"{PATH}?x=1", json=OVERRIDE, headers=KEY), 422, "key-reused")
    problem(await crew.ask("DELETE", f"/api/v1/overrides/{made['id']}", headers=KEY), 422, "key-reused")
    assert [o.id for o in await district.store.overrides.made(None, 0, 4e9)] == [made["id"]]
    assert district.overrides.live_for("z03").id == made["id"]
    assert (await crew.ask("POST", PATH, json=OVERRIDE, headers=KEY))[1]["id"] == made["id"]


async def test_the_same_key_of_another_person_is_another_key(district: Any, sign_in: Any) -> None:
    first, second = await sign_in("crew"), await sign_in("engineer")
    made = [(await each.ask("POST", PATH, json=OVERRIDE, headers=KEY))[1] for each in (first, second)]
    assert [each["user"] for each in made] == ["kim-crew", "kim-engineer"]
    assert made[0]["id"] != made[1]["id"]


async def test_at_the_same_time_one_key_does_one_thing(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    bodies = [{**OVERRIDE, "minutes": 60 + n % 2} for n in range(8)]
    answers = await asyncio.gather(*(crew.ask("POST", PATH, json=body, headers=KEY) for body in bodies))
    assert sorted(status for status, _ in answers) == [201] * 4 + [422] * 4
    assert len(await district.store.overrides.made("z03", 0, 4e9)) == 1


async def test_links_and_cancellations_take_the_key_alike(district: Any, sign_in: Any) -> None:
    admin = await sign_in("admin")
    links = [
        await admin.ask("POST", "/api/v1/links", json={"user": "Lee", "role": "crew"}, headers=KEY) for _ in range(2)
    ]
    assert links[0] == links[1]
    problem(await admin.ask("POST", "/api/v1/links", json={"user": "Choi"}, headers=KEY), 422, "key-reused")
    assert [p.name for p in await district.sessions.people()] == ["Lee", "kim-admin"]
    made = (await admin.ask("POST", PATH, json=OVERRIDE))[1]
    path = f"/api/v1/overrides/{made['id']}"
    again = {"Idempotency-Key": "fedcba987654"}
    assert await admin.ask("DELETE", path, headers=again) == await admin.ask("DELETE", path, headers=again)
    [lee] = [p for p in (await admin.ask("GET", "/api/v1/people"))[1] if p["name"] == "Lee"]
    gone = {"Idempotency-Key": "0123456789ab"}
    for _ in range(2):
        assert (await admin.ask("DELETE", f"/api/v1/links/{lee['links'][0]['id']}", headers=gone))[0] == 204


@pytest.mark.parametrize("key", ["no!", "short", "x" * 65, "ключключключ", ""])
async def test_a_malformed_key_is_refused_on_every_route(sign_in: Any, key: str) -> None:
    admin = await sign_in("admin")
    for route in ROUTES:
        if route.method != "GET" and route.path != "/api/v1/session":
            headers = {"Idempotency-Key": key}
            path = re.sub(r"{\w+}", "z03", route.path)
            problem(await admin.ask(route.method, path, json={}, headers=headers), 400, "bad-request")


async def test_kept_answers_are_bounded_by_person(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "KEYS_MAX", 3)
    crew, engineer = await sign_in("crew"), await sign_in("engineer")
    kept = await engineer.ask("POST", PATH, json=OVERRIDE, headers=KEY)
    for n in range(9):
        await crew.ask("POST", PATH, json=OVERRIDE, headers={"Idempotency-Key": f"key{n:08d}"})
    answers = crew.client.app[once.ONCE]._answers
    assert {user: len(keys) for user, keys in answers.items()} == {"kim-engineer": 1, "kim-crew": 3}
    assert await engineer.ask("POST", PATH, json=OVERRIDE, headers=KEY) == kept


async def test_what_failed_after_its_sender_was_gone_may_be_tried_again() -> None:
    kept, gate = once.Once(), asyncio.Event()

    async def fails() -> web.StreamResponse:
        await gate.wait()
        raise StoreError("the disk is full")

    async def works() -> web.StreamResponse:
        return web.Response(status=201)

    first = asyncio.ensure_future(kept.run("kim", "abcdef123456", b"on", fails))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    gate.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (await kept.run("kim", "abcdef123456", b"on", works)).status == 201
