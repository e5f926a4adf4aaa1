"""API tokens: made and revoked by administrators, kept as hashes, used with a header, at an end in time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from supervisor.domain.scope import Scope
from supervisor.web import stream
from supervisor.web.tests.test_web_api import OVERRIDE, problem

DAY_S = 24 * 3600


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def make(person: Any, name: str, *scopes: str, days: int = 90) -> dict[str, Any]:
    wanted = {"name": name, "scopes": list(scopes), "days": days}
    status, made = await person.ask("POST", "/api/v1/tokens", json=wanted)
    assert status == 201, made
    return dict(made)


async def test_a_program_commands_under_its_own_name(district: Any, sign_in: Any, aiohttp_client: Any) -> None:
    admin = await sign_in("admin")
    made = await make(admin, "도로 안내판", "read", "command")
    program = await aiohttp_client(district.app)
    async with program.get("/api/v1/session", headers=bearer(made["token"])) as answer:
        who = await answer.json()
        assert (who["user"], who["role"]) == ("token:도로 안내판", "token")
    async with program.post("/api/v1/zones/z03/overrides", json=OVERRIDE, headers=bearer(made["token"])) as answer:
        assert answer.status == 201, await answer.text()
        assert (await answer.json())["user"] == "token:도로 안내판"
    await asyncio.gather(*district.sessions.tokens._uses.writing)
    [listed] = (await admin.ask("GET", "/api/v1/tokens"))[1]
    assert listed["used_utc_s"] == pytest.approx(district.clock.utc_s(), abs=60)
    assert (listed["by"], listed["scopes"]) == ("kim-admin", ["read", "command"])
    assert made["token"] not in str(listed)
    kept = await district.store.read(lambda db: db.execute("SELECT * FROM api_token").fetchall())
    assert made["token"] not in str(kept)
    entries = [(e.user, e.action) for e in await district.store.audit.entries(0, 4e9) if "token" in e.action]
    assert entries == [("kim-admin", "make-token")]


async def test_a_token_ends_when_it_is_revoked_or_expires(district: Any, sign_in: Any, aiohttp_client: Any) -> None:
    admin, program = await sign_in("admin"), await aiohttp_client(district.app)
    short, long = await make(admin, "short", "read", days=1), await make(admin, "long", "read", days=400)
    district.clock.advance(DAY_S + 60)
    async with program.get("/api/v1/zones", headers=bearer(short["token"])) as answer:
        problem((answer.status, await answer.json(content_type=None)), 401, "unauthenticated")
    assert (await program.get("/api/v1/zones", headers=bearer(long["token"]))).status == 200
    assert (await admin.ask("DELETE", f"/api/v1/tokens/{long['id']}"))[0] == 204
    problem(await admin.ask("DELETE", f"/api/v1/tokens/{long['id']}"), 404, "not-found")
    assert (await program.get("/api/v1/zones", headers=bearer(long["token"]))).status == 401
    actions = [e.action for e in await district.store.audit.entries(0, 4e9)]
    assert actions[-3:] == ["make-token", "make-token", "revoke-token"]


async def test_the_stream_of_a_revoked_token_ends(
    district: Any, sign_in: Any, aiohttp_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SESSION_CHECK_S", 0.05)
    admin, program = await sign_in("admin"), await aiohttp_client(district.app)
    made = await make(admin, "board of roads", "read")
    async with program.get("/api/v1/stream", headers=bearer(made["token"])) as answer:
        await answer.content.readline()
        assert (await admin.ask("DELETE", f"/api/v1/tokens/{made['id']}"))[0] == 204
        async with asyncio.timeout(5):
            await answer.content.read()


async def test_a_wrong_token_is_refused_even_beside_a_good_cookie(sign_in: Any) -> None:
    admin = await sign_in("admin")
    for given in ("rht_" + "x" * 43, "", "x" * 5_000, "s p a c e"):
        problem(await admin.ask("GET", "/api/v1/zones", headers=bearer(given)), 401, "unauthenticated")
    assert (await admin.ask("GET", "/api/v1/zones", headers={"Authorization": "Basic eDp5"}))[0] == 200  # a proxy's


async def test_what_cannot_be_a_token_is_refused_with_its_field(sign_in: Any) -> None:
    admin = await sign_in("admin")
    await make(admin, "parking", "read")
    for wanted, where in (
        ({"name": "Parking", "scopes": ["read"]}, "name"),
        ({"name": "other", "scopes": []}, "scopes"),
        ({"name": "other", "scopes": ["all"]}, "scopes[0]"),
        ({"name": "other", "scopes": ["read"], "days": 401}, "days"),
        ({"name": "x\n", "scopes": ["read"]}, "user"),
    ):
        status, refused = await admin.ask("POST", "/api/v1/tokens", json=wanted)
        assert (status in (409, 422), refused["where"].replace("...", "0")) == (True, where), (wanted, refused)
    assert len((await admin.ask("GET", "/api/v1/tokens"))[1]) == 1


async def test_an_admin_token_makes_no_tokens(district: Any, aiohttp_client: Any) -> None:
    token, _ = await district.sessions.tokens.make("manager", [Scope.ADMIN], 90, "test")
    program = await aiohttp_client(district.app)
    wanted = {"name": "second", "scopes": ["admin"]}
    async with program.post("/api/v1/tokens", json=wanted, headers=bearer(token)) as answer:
        problem((answer.status, await answer.json(content_type=None)), 403, "forbidden")
    async with program.get("/api/v1/people", headers=bearer(token)) as answer:
        assert answer.status == 200


async def test_a_repeated_request_does_not_show_the_token_after_a_restart(district: Any, sign_in: Any) -> None:
    admin = await sign_in("admin")
    wanted = {"name": "parking", "scopes": ["read"]}
    headers = {"Idempotency-Key": "abcdefgh1234"}
    _, first = await admin.ask("POST", "/api/v1/tokens", json=wanted, headers=headers)
    _, again = await admin.ask("POST", "/api/v1/tokens", json=wanted, headers=headers)
    assert first == again
    assert await district.store.answers.find("kim-admin", "abcdefgh1234") is None
