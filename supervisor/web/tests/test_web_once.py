"""An idempotency key stands for one request of one person, on every route that changes something."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from aiohttp import web

from supervisor.domain.errors import StoreError
from supervisor.store import answers
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
    held = crew.client.app[once.ONCE]._answers
    assert {user: len(keys) for user, keys in held.items()} == {"kim-engineer": 1, "kim-crew": 3}
    assert await engineer.ask("POST", PATH, json=OVERRIDE, headers=KEY) == kept


def restart(person: Any) -> None:
    """What a restart leaves of the answers: those in the store."""
    person.client.app[once.ONCE]._answers.clear()


async def test_a_repeat_after_a_restart_gets_the_first_answer_and_does_nothing(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    made = await crew.ask("POST", PATH, json=OVERRIDE, headers=KEY)
    ended = {"Idempotency-Key": "fedcba987654"}
    path = f"/api/v1/overrides/{made[1]['id']}"
    gone = await crew.ask("DELETE", path, headers=ended)
    restart(crew)
    assert await crew.ask("POST", PATH, json=OVERRIDE, headers=KEY) == made
    assert await crew.ask("DELETE", path, headers=ended) == gone
    assert [o.id for o in await district.store.overrides.made(None, 0, 4e9)] == [made[1]["id"]]
    assert district.overrides.live_for("z03") is None
    restart(crew)
    problem(await crew.ask("POST", PATH, json={**OVERRIDE, "minutes": 61}, headers=KEY), 422, "key-reused")
    engineer = await sign_in("engineer")
    assert (await engineer.ask("POST", PATH, json=OVERRIDE, headers=KEY))[1]["id"] != made[1]["id"]


async def test_at_the_same_time_after_a_restart_one_key_does_nothing(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    made = await crew.ask("POST", PATH, json=OVERRIDE, headers=KEY)
    restart(crew)
    again = await asyncio.gather(*(crew.ask("POST", PATH, json=OVERRIDE, headers=KEY) for _ in range(6)))
    assert again == [made] * 6
    assert len(await district.store.overrides.made("z03", 0, 4e9)) == 1


async def test_a_sign_in_link_is_never_kept_on_the_disk(district: Any, sign_in: Any) -> None:
    admin = await sign_in("admin")
    made = (await admin.ask("POST", "/api/v1/links", json={"user": "Lee", "role": "crew"}, headers=KEY))[1]
    assert "token=" in made["path"]
    assert await district.store.read(lambda db: db.execute("SELECT count(*) FROM answer").fetchone()[0]) == 0


async def test_a_failure_is_not_kept(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    problem(await crew.ask("POST", PATH, json={**OVERRIDE, "minutes": 0}, headers=KEY), 422, "invalid")
    restart(crew)
    assert (await crew.ask("POST", PATH, json=OVERRIDE, headers=KEY))[0] == 201


async def test_a_command_does_not_wait_for_a_disk_that_cannot_keep_its_answer(
    district: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_: object) -> None:
        await asyncio.Event().wait()

    async def fails(*_: object) -> None:
        raise StoreError("the disk is full")

    crew = await sign_in("crew")
    monkeypatch.setattr(once, "KEEP_S", 0.01)
    monkeypatch.setattr(district.store.answers, "keep", hangs)
    monkeypatch.setattr(district.store.answers, "find", fails)
    assert (await crew.ask("POST", PATH, json=OVERRIDE, headers=KEY))[0] == 201


async def test_kept_answers_are_few_and_a_day_old_at_most(district: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "KEPT_PER_USER", 3)
    monkeypatch.setattr(answers, "KEPT_MAX", 5)
    kept = answers.KeptAnswer(b"f", 201, "", b"")

    async def held() -> dict[str, int]:
        query = "SELECT user, count(*) FROM answer GROUP BY user"
        return dict(await district.store.read(lambda db: db.execute(query).fetchall()))

    for n in range(6):
        await district.store.answers.keep("kim", f"key{n:08d}", kept)
    assert await held() == {"kim": 3}
    for n in range(4):
        await district.store.answers.keep(f"user{n}", "key00000000", kept)
    assert sum((await held()).values()) == 5
    await district.store.answers.keep("lee", "key00000001", answers.KeptAnswer(b"f", 200, "", b"x" * 70_000))
    assert "lee" not in await held()
    assert await district.store.answers.find("user3", "key00000000") == kept
    later = answers.KEPT_S + district.clock.utc_s() + 1
    await district.store.write(lambda db: answers.keep(db, "choi", "key00000002", kept, int(later)))
    assert await held() == {"choi": 1}


async def test_what_failed_after_its_sender_was_gone_may_be_tried_again(district: Any) -> None:
    kept, gate = once.Once(district.store.answers), asyncio.Event()

    async def fails() -> web.StreamResponse:
        await gate.wait()
        raise StoreError("the disk is full")

    async def works() -> web.StreamResponse:
        return web.Response(status=201)

    first = asyncio.ensure_future(kept.run("kim", "abcdef123456", b"on", fails))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    [(_, failing)] = kept._answers["kim"].values()
    gate.set()
    await asyncio.wait({failing})
    assert not kept._answers["kim"]
    assert (await kept.run("kim", "abcdef123456", b"on", works)).status == 201
