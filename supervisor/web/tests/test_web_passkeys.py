"""Passkeys, against a key in software: what is accepted, and everything that is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from supervisor.web import make_app
from supervisor.web.challenges import LIFE_S
from supervisor.web.keys import SERVICES
from supervisor.web.party import Party, party
from supervisor.web.tests.soft_key import PRESENT, SoftKey
from supervisor.web.tests.test_web_api import problem

ORIGIN = "https://heat.example"
AGENT = {"User-Agent": "Mozilla/5.0 (Linux; Android 13) Mobile"}


@pytest.fixture
def city(district: Any) -> Any:
    """The district behind its public address."""
    services = replace(district.app[SERVICES], public_url=f"{ORIGIN}/", registry=CollectorRegistry())
    district.app = make_app(services)
    return district


async def sign_in_by_link(city: Any, client: Any, name: str, role: str) -> dict[str, str]:
    """The headers of a signed-in person: over plain HTTP a test has to send the `__Host-` cookie itself."""
    token, _ = await city.sessions.invite(name, role, "test")
    async with client.get("/login", params={"token": token}) as answer:
        cookie = answer.headers["Set-Cookie"].split(";")[0]
    async with client.get("/api/v1/session", headers={"Cookie": cookie}) as answer:
        return {"Cookie": cookie, "X-CSRF-Token": (await answer.json())["csrf"]}


async def ask(client: Any, path: str, body: Any = None, headers: Any = None, method: str = "POST") -> tuple[int, Any]:
    async with client.request(method, path, json=body, headers={**AGENT, **(headers or {})}) as answer:
        kind = answer.content_type
        return answer.status, await answer.json(content_type=None) if kind.endswith("json") else answer.headers


async def add(client: Any, person: dict[str, str], key: SoftKey) -> tuple[int, Any]:
    options = (await ask(client, "/api/v1/passkeys/options", {}, person))[1]
    return await ask(client, "/api/v1/passkeys", key.create(options), person)


async def enter(client: Any, key: SoftKey) -> tuple[int, Any]:
    options = (await ask(client, "/login/passkey/options", {}))[1]
    return await ask(client, "/login/passkey", key.get(options))


def a_key(**wrong: Any) -> SoftKey:
    return SoftKey(**{"origin": ORIGIN, "rp_id": "heat.example", **wrong})


async def test_a_person_makes_a_passkey_and_signs_in_with_it(city: Any, aiohttp_client: Any) -> None:
    client, key = await aiohttp_client(city.app), a_key()
    kim = await sign_in_by_link(city, client, "김하나", "crew")
    status, made = await add(client, kim, key)
    assert (status, made["device"], made["used_utc_s"]) == (201, "phone", None), made
    status, headers = await enter(client, key)
    assert status == 204
    assert "__Host-roadheat=" in headers["Set-Cookie"]
    assert "HttpOnly" in headers["Set-Cookie"]
    cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
    status, session = await ask(client, "/api/v1/session", headers=cookie, method="GET")
    assert (session["user"], session["role"]) == ("김하나", "crew")
    [listed] = (await ask(client, "/api/v1/passkeys", headers=cookie, method="GET"))[1]
    assert listed["used_utc_s"] == pytest.approx(city.clock.utc_s(), abs=60)
    actions = [(e.user, e.action) for e in await city.store.audit.entries(0, 4e9)]
    assert actions[-2:] == [("김하나", "add-passkey"), ("김하나", "sign-in")]
    assert (await enter(client, key))[0] == 204  # again, with the next count


async def test_what_is_not_right_opens_nothing(city: Any, aiohttp_client: Any) -> None:
    client, key = await aiohttp_client(city.app), a_key()
    kim = await sign_in_by_link(city, client, "Kim", "crew")
    for wrong in ({"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"flags": PRESENT}, {"flags": 0}):
        problem(await add(client, kim, a_key(**wrong)), 401, "bad-passkey")
    assert (await add(client, kim, key))[0] == 201
    problem(await add(client, kim, key), 422, "invalid")  # the same key twice
    for wrong in ({"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"flags": PRESENT}):
        false = replace(key, **wrong, count=100)
        problem(await enter(client, false), 401, "bad-passkey")
    problem(await enter(client, a_key()), 401, "bad-passkey")  # unknown
    problem(await enter(client, a_key(id=key.id, count=200)), 401, "bad-passkey")  # another secret
    assert (await enter(client, key))[0] == 204
    key.count -= 1  # a copy of the key has been used meanwhile
    problem(await enter(client, key), 401, "bad-passkey")


async def test_a_challenge_is_good_once_for_one_purpose_and_a_few_minutes(city: Any, aiohttp_client: Any) -> None:
    client, key = await aiohttp_client(city.app), a_key()
    kim, lee = [await sign_in_by_link(city, client, name, "crew") for name in ("Kim", "Lee")]
    options = (await ask(client, "/api/v1/passkeys/options", {}, kim))[1]
    problem(await ask(client, "/api/v1/passkeys", key.create(options), lee), 401, "bad-passkey")  # of another person
    problem(await ask(client, "/login/passkey", key.get(options)), 401, "bad-passkey")  # for another purpose
    assert (await ask(client, "/api/v1/passkeys", key.create(options), kim))[0] == 201
    entry = (await ask(client, "/login/passkey/options", {}))[1]
    said = key.get(entry)
    assert (await ask(client, "/login/passkey", said))[0] == 204
    problem(await ask(client, "/login/passkey", said), 401, "bad-passkey")
    problem(await ask(client, "/login/passkey", key.get(entry)), 401, "bad-passkey")
    late = (await ask(client, "/login/passkey/options", {}))[1]
    city.clock.advance(LIFE_S + 2)
    problem(await ask(client, "/login/passkey", key.get(late)), 401, "bad-passkey")


async def test_a_removed_passkey_or_person_does_not_come_back(city: Any, aiohttp_client: Any) -> None:
    client, key, second = await aiohttp_client(city.app), a_key(), a_key()
    boss, kim = [await sign_in_by_link(city, client, *who) for who in (("Boss", "admin"), ("Kim", "crew"))]
    ids = [(await add(client, kim, each))[1]["id"] for each in (key, second)]
    other = await sign_in_by_link(city, client, "Lee", "crew")
    problem(await ask(client, f"/api/v1/passkeys/{ids[0]}", headers=other, method="DELETE"), 404, "not-found")
    assert (await ask(client, f"/api/v1/passkeys/{ids[0]}", headers=boss, method="DELETE"))[0] == 204
    problem(await enter(client, key), 401, "bad-passkey")
    people = {p["name"]: p for p in (await ask(client, "/api/v1/people", headers=boss, method="GET"))[1]}
    assert [each["id"] for each in people["Kim"]["passkeys"]] == ids[1:]
    assert (await ask(client, "/api/v1/people/Kim", headers=boss, method="DELETE"))[0] == 204
    problem(await enter(client, second), 401, "bad-passkey")


async def test_a_changed_role_counts_at_the_next_sign_in(city: Any, aiohttp_client: Any) -> None:
    client, key = await aiohttp_client(city.app), a_key()
    kim = await sign_in_by_link(city, client, "Kim", "engineer")
    await add(client, kim, key)
    await city.sessions.invite("Kim", "viewer", "test", change_role=True)
    _, headers = await enter(client, key)
    cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
    assert (await ask(client, "/api/v1/session", headers=cookie, method="GET"))[1]["role"] == "viewer"


async def test_wrong_passkeys_of_one_address_are_slowed(city: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(city.app)
    statuses = [(await enter(client, a_key()))[0] for _ in range(22)]
    assert statuses == [401] * 20 + [429] * 2


async def test_other_sites_cannot_sign_a_browser_in(city: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(city.app)
    for path in ("/login/passkey", "/login/passkey/options"):
        problem(await ask(client, path, {}, {"Origin": "https://evil.example"}), 403, "bad-origin")


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://heat.example/", Party("heat.example", "https://heat.example")),
        ("https://Heat.example:8443", Party("heat.example", "https://heat.example:8443")),
        ("http://localhost:8080", Party("localhost", "http://localhost:8080")),
        ("http://heat.example", None),
        ("https://10.0.0.5", None),
        ("https://[::1]:8443", None),
        ("", None),
    ],
)
def test_the_address_decides_whether_there_are_passkeys(address: str, found: Party | None) -> None:
    assert party(address) == found


async def test_without_a_public_address_it_is_said_what_to_set(sign_in: Any) -> None:
    crew = await sign_in("crew")
    status, refused = await crew.ask("POST", "/api/v1/passkeys/options", json={})
    assert (status, refused["code"]) == (409, "no-passkeys")
    assert "web.public_url" in refused["remedy"]
    assert (await crew.ask("POST", "/login/passkey/options", json={}))[0] == 409
