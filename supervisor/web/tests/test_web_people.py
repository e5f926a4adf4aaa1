"""Who may sign in, and how that ends: first links, sliding sessions, revoking, names, the last administrator."""

from __future__ import annotations

import asyncio
import unicodedata
from typing import Any
from urllib.parse import quote

import pytest

from supervisor.store.access import SESSIONS_MAX
from supervisor.store.room import Need
from supervisor.web import stream
from supervisor.web.sessions import SESSION_MAX_S
from supervisor.web.tests.test_web_api import OVERRIDE, problem

DAY_S = 24 * 3600


async def test_all_first_links_are_void_once_one_was_used(district: Any, aiohttp_client: Any) -> None:
    earlier, later, newest = [await district.sessions.first_link() for _ in range(3)]
    client = await aiohttp_client(district.app)
    assert (await client.get(later)).status == 200
    for path in (earlier, later, newest):
        assert (await client.get(path)).status == 401
    assert await district.sessions.first_link() is None


async def test_two_people_at_once_open_two_first_links_and_one_gets_in(district: Any, aiohttp_client: Any) -> None:
    paths = [await district.sessions.first_link() for _ in range(2)]
    client = await aiohttp_client(district.app)
    statuses = await asyncio.gather(*(_status(client, path) for path in paths))
    assert sorted(statuses) == [200, 401]


async def _status(client: Any, path: str) -> int:
    async with client.get(path) as answer:
        return int(answer.status)


async def test_a_session_is_renewed_by_use_with_its_cookie_and_has_an_end(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    async with crew.client.get("/api/v1/zones") as answer:
        assert "Set-Cookie" not in answer.headers
    district.clock.advance(16 * DAY_S)
    async with crew.client.get("/api/v1/zones") as answer:
        assert f"Max-Age={30 * DAY_S}" in answer.headers["Set-Cookie"]
        assert "HttpOnly" in answer.headers["Set-Cookie"]
    await asyncio.gather(*district.sessions._uses.writing)
    gone_s = 16 * DAY_S
    while gone_s < SESSION_MAX_S - 10 * DAY_S:
        district.clock.advance(10 * DAY_S)
        gone_s += 10 * DAY_S
        assert (await crew.ask("GET", "/api/v1/zones"))[0] == 200, gone_s / DAY_S
        await asyncio.gather(*district.sessions._uses.writing)
    district.clock.advance(SESSION_MAX_S - gone_s + 60)
    problem(await crew.ask("GET", "/api/v1/zones"), 401, "unauthenticated")


async def test_a_full_disk_ends_no_session(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    district.clock.advance(16 * DAY_S)
    await district.store.write(lambda db: db.execute("PRAGMA max_page_count = 1").fetchall())
    assert (await crew.ask("GET", "/api/v1/zones"))[0] == 200


async def test_a_lost_phone_is_shut_out_with_the_disk_full_too(
    district: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, crew = await sign_in("admin"), await sign_in("crew")
    space = district.store._writer._room.reserves[Need.SAFETY]
    space.release()  # what follows may use it, everything else is refused
    monkeypatch.setattr(space, "set_aside", lambda: False)
    status, refused = await admin.ask("POST", "/api/v1/links", json={"user": "Lee", "role": "crew"})
    assert (status, refused["code"]) == (503, "store-full")
    [lost] = [p for p in (await admin.ask("GET", "/api/v1/people"))[1] if p["name"] == "kim-crew"]
    assert (await admin.ask("DELETE", f"/api/v1/sessions/{lost['sessions'][0]['id']}"))[0] == 204
    problem(await crew.ask("GET", "/api/v1/zones"), 401, "unauthenticated")


async def test_people_lists_sessions_and_links_without_anything_that_opens_them(district: Any, sign_in: Any) -> None:
    admin, crew = await sign_in("admin"), await sign_in("crew")
    link = (await admin.ask("POST", "/api/v1/links", json={"user": "이민수", "role": "viewer"}))[1]
    status, people = await admin.ask("GET", "/api/v1/people")
    assert status == 200
    assert [(p["name"], p["role"], len(p["sessions"]), len(p["links"])) for p in people] == [
        ("kim-admin", "admin", 1, 0),
        ("kim-crew", "crew", 1, 0),
        ("이민수", "viewer", 0, 1),
    ]
    assert [p["sessions"][0]["own"] for p in people[:2]] == [True, False]
    assert people[2]["links"][0]["by"] == "kim-admin"
    assert link["path"].removeprefix("/login?token=") not in str(people)
    problem(await crew.ask("GET", "/api/v1/people"), 403, "forbidden")


async def test_a_revoked_session_ends_on_pages_commands_and_its_stream(
    district: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SESSION_CHECK_S", 0.05)
    admin, crew = await sign_in("admin"), await sign_in("crew")
    people = {p["name"]: p for p in (await admin.ask("GET", "/api/v1/people"))[1]}
    async with crew.client.get("/api/v1/stream") as answer:
        await answer.content.readline()
        path = f"/api/v1/sessions/{people['kim-crew']['sessions'][0]['id']}"
        own = people["kim-admin"]["sessions"][0]["id"]
        problem(await crew.ask("DELETE", f"/api/v1/sessions/{own}"), 404, "not-found")
        assert (await admin.ask("DELETE", path))[0] == 204
        async with asyncio.timeout(5):
            await answer.content.read()  # ends
    problem(await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE), 401, "unauthenticated")
    problem(await admin.ask("DELETE", path), 404, "not-found")
    entries = [e for e in await district.store.audit.entries(0, 4e9) if e.action == "revoke-session"]
    assert [(e.user, e.detail.endswith("of kim-crew")) for e in entries] == [("kim-admin", True)]


async def test_a_person_has_so_many_sessions_and_a_further_one_ends_the_oldest(district: Any, sign_in: Any) -> None:
    oldest, other = await sign_in("crew"), await sign_in("viewer")
    newest = oldest
    for _ in range(SESSIONS_MAX):
        district.clock.advance(60)
        newest = await sign_in("crew")
    problem(await oldest.ask("GET", "/api/v1/zones"), 401, "unauthenticated")
    assert len((await newest.ask("GET", "/api/v1/sessions"))[1]) == SESSIONS_MAX
    assert [(await one.ask("GET", "/api/v1/zones"))[0] for one in (newest, other)] == [200, 200]


async def test_people_end_their_own_other_sessions_and_nobody_else_s(
    district: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any role: a phone that was left in a car, and every other device after a passkey was changed."""
    monkeypatch.setattr(stream, "SESSION_CHECK_S", 0.05)
    here, car, home, other = [await sign_in(role) for role in ("crew", "crew", "crew", "viewer")]
    own = (await here.ask("GET", "/api/v1/sessions"))[1]
    assert [one["own"] for one in own].count(True) == 1
    assert len(own) == 3
    (not_ours,) = (await other.ask("GET", "/api/v1/sessions"))[1]
    problem(await here.ask("DELETE", f"/api/v1/sessions/{not_ours['id']}"), 404, "not-found")
    (of_car,) = [one["id"] for one in (await car.ask("GET", "/api/v1/sessions"))[1] if one["own"]]
    assert (await here.ask("DELETE", f"/api/v1/sessions/{of_car}"))[0] == 204
    problem(await car.ask("GET", "/api/v1/zones"), 401, "unauthenticated")
    async with home.client.get("/api/v1/stream") as answer:
        await answer.content.readline()
        assert (await here.ask("DELETE", "/api/v1/sessions"))[0] == 204
        async with asyncio.timeout(5):
            await answer.content.read()  # ends
    problem(await home.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE), 401, "unauthenticated")
    assert [(await one.ask("GET", "/api/v1/zones"))[0] for one in (here, other)] == [200, 200]
    (entry,) = [e for e in await district.store.audit.entries(0, 4e9) if e.action == "end-other-sessions"]
    assert (entry.user, entry.detail.split(",")[0]) == ("kim-crew", "1")


async def test_a_lost_phone_is_out_within_15_s_on_pages_streams_and_commands(district: Any, sign_in: Any) -> None:
    """In real time, nothing shortened."""
    admin, crew = await sign_in("admin"), await sign_in("crew")
    async with crew.client.get("/api/v1/stream") as answer:
        await answer.content.readline()
        async with asyncio.timeout(15):
            assert (await admin.ask("DELETE", "/api/v1/people/kim-crew"))[0] == 204
            problem(await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE), 401, "unauthenticated")
            problem(await crew.ask("POST", "/api/v1/zones/z03/danger"), 401, "unauthenticated")
            for path in ("/", "/api/v1/zones", "/static/app.js"):
                assert (await crew.client.get(path)).status == 401
            await answer.content.read()  # ends
    assert await district.store.overrides.live(0) == []


def test_a_revoked_stream_ends_within_15_s() -> None:
    assert stream.SESSION_CHECK_S + stream.STALLED_S + stream.FLUSH_S < 15


async def test_a_revoked_link_opens_nothing(district: Any, sign_in: Any, aiohttp_client: Any) -> None:
    admin = await sign_in("admin")
    link = (await admin.ask("POST", "/api/v1/links", json={"user": "Lee", "role": "crew"}))[1]
    [lee] = [p for p in (await admin.ask("GET", "/api/v1/people"))[1] if p["name"] == "Lee"]
    assert (await admin.ask("DELETE", f"/api/v1/links/{lee['links'][0]['id']}"))[0] == 204
    assert (await (await aiohttp_client(district.app)).get(link["path"])).status == 401


async def test_a_removed_person_is_signed_out_everywhere_and_may_be_invited_again(district: Any, sign_in: Any) -> None:
    admin, crew = await sign_in("admin"), await sign_in("crew")
    await admin.ask("POST", "/api/v1/links", json={"user": "kim-crew", "role": "crew"})
    assert (await admin.ask("DELETE", "/api/v1/people/kim-crew"))[0] == 204
    problem(await crew.ask("GET", "/api/v1/zones"), 401, "unauthenticated")
    assert "kim-crew" not in [p["name"] for p in (await admin.ask("GET", "/api/v1/people"))[1]]
    assert (await admin.ask("POST", "/api/v1/links", json={"user": "kim-crew", "role": "viewer"}))[0] == 201
    for name in ("nobody", "\x00", "이민수"):
        problem(await admin.ask("DELETE", f"/api/v1/people/{quote(name)}"), 404, "not-found")


async def test_the_last_administrator_cannot_lock_everybody_out(district: Any, sign_in: Any) -> None:
    admin = await sign_in("admin")
    [own] = (await admin.ask("GET", "/api/v1/people"))[1]
    for path in (f"/api/v1/sessions/{own['sessions'][0]['id']}", "/api/v1/people/kim-admin", "/api/v1/session"):
        refused = problem(await admin.ask("DELETE", path), 409, "last-admin")
        assert "roadheat user" in refused["remedy"]
    body = {"user": "kim-admin", "role": "crew", "change_role": True}
    problem(await admin.ask("POST", "/api/v1/links", json=body), 409, "last-admin")
    assert (await admin.ask("GET", "/api/v1/session"))[1]["role"] == "admin"
    assert not [e for e in await district.store.audit.entries(0, 4e9) if "revoke" in e.action or e.action == "sign-out"]
    await admin.ask("POST", "/api/v1/links", json={"user": "Park", "role": "admin"})
    assert (await admin.ask("DELETE", "/api/v1/people/kim-admin"))[0] == 204  # Park's link still works


async def test_the_last_administrator_may_sign_out_after_saying_so(sign_in: Any) -> None:
    admin = await sign_in("admin")
    assert (await admin.ask("DELETE", "/api/v1/session?last-admin=yes"))[0] == 204
    problem(await admin.ask("GET", "/api/v1/session"), 401, "unauthenticated")


async def test_a_role_changes_only_when_said_and_then_at_once(district: Any, sign_in: Any) -> None:
    admin, crew = await sign_in("admin"), await sign_in("crew")
    body = {"user": "kim-crew", "role": "viewer"}
    problem(await admin.ask("POST", "/api/v1/links", json=body), 409, "other-role")
    assert (await crew.ask("GET", "/api/v1/session"))[1]["role"] == "crew"
    assert (await admin.ask("POST", "/api/v1/links", json={**body, "change_role": True}))[0] == 201
    assert (await crew.ask("GET", "/api/v1/session"))[1]["role"] == "viewer"
    assert ("kim-admin", "change-role") in [(e.user, e.action) for e in await district.store.audit.entries(0, 4e9)]


async def test_one_name_is_one_person_however_it_is_typed(district: Any, sign_in: Any) -> None:
    admin = await sign_in("admin")
    for name in ("이민수", unicodedata.normalize("NFD", "이민수"), " 이민수  "):
        status, link = await admin.ask("POST", "/api/v1/links", json={"user": name, "role": "crew"})
        assert (status, link["user"]) == (201, "이민수")
    assert [p["name"] for p in (await admin.ask("GET", "/api/v1/people"))[1]] == ["kim-admin", "이민수"]


@pytest.mark.parametrize(
    "name", ["kim-admln", "КІМ-ADMIN", "Kim Admin", "ｋｉｍ－ａｄｍｉｎ２", "Kim\u200b-admin", "kim-admin\n"]
)
async def test_a_name_that_imitates_another_or_hides_something_is_refused(sign_in: Any, name: str) -> None:
    admin = await sign_in("admin")
    status, refused = await admin.ask("POST", "/api/v1/links", json={"user": name, "role": "crew"})
    if name.endswith("２"):  # another person, in full-width letters
        assert (status, refused["user"]) == (201, "kim-admin2")
    else:
        assert (status, refused["code"], refused["where"]) in [(409, "name-taken", "user"), (422, "invalid", "user")]


@pytest.mark.parametrize("role", ["crew\n", "\ncrew", "CREW", "crew ", "", "admin\r", None, ["crew"]])
async def test_a_role_with_anything_around_it_is_refused(sign_in: Any, role: object) -> None:
    admin = await sign_in("admin")
    problem(await admin.ask("POST", "/api/v1/links", json={"user": "Lee", "role": role}), 422, "invalid")
