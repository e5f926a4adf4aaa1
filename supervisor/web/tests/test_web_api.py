"""Every endpoint and every error it may give, through the real application over a real store."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from supervisor.control.live import ZoneView
from supervisor.web import make_app
from supervisor.web.api import BODY_MAX_BYTES, ROUTES
from supervisor.web.keys import SERVICES
from supervisor.web.openapi import OTHER_STATUS
from supervisor.web.problems import CODES
from supervisor.web.schema import OverrideAnswer, PlanAnswer, SessionAnswer

OVERRIDE = {"mode": "on", "minutes": 60, "reason": "Ice reported"}


def problem(answer: tuple[int, Any], status: int, code: str) -> dict[str, Any]:
    """The problem, after checking its form."""
    got, body = answer
    assert (got, body["code"]) == (status, code), body
    assert body["type"] == f"urn:roadheat:problem:{code}"
    assert body["status"] == status
    assert body["title"]
    return dict(body)


# Coming in


async def test_nothing_is_open_without_a_session(district: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(district.app)
    paths = [route.path.replace("{zone}", "z01").replace("{override}", "1") for route in ROUTES]
    for path in [*paths, "/", "/metrics", "/openapi.json", "/api/v1/stream", "/static/app.js", "/no/such/thing"]:
        async with client.get(path) as answer:
            assert answer.status == 401, path
            assert answer.content_type == "application/problem+json"
            assert (await answer.json(content_type=None))["code"] == "unauthenticated"
    async with client.post("/api/v1/zones/z01/overrides", json=OVERRIDE) as answer:
        assert answer.status == 401
    async with client.get("/", headers={"Accept": "text/html", "Accept-Language": "ko-KR,ko;q=0.9"}) as answer:
        assert (answer.status, answer.content_type) == (401, "text/html")
        assert "접속 링크가 필요합니다" in await answer.text()


async def test_a_link_works_once_and_makes_a_guarded_cookie(district: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(district.app)
    path = await district.sessions.first_link()
    async with client.get(path) as answer:
        assert answer.status == 200
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Secure" not in cookie  # plain HTTP on loopback
    _, session = await _get(client, "/api/v1/session")
    assert (session["user"], session["role"], session["timezone"]) == ("admin", "admin", "Asia/Seoul")
    client.session.cookie_jar.clear()
    async with client.get(path) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (401, "bad-link")
    assert await district.sessions.first_link() is None  # an administrator is in


async def test_a_proxy_with_tls_makes_the_cookie_secure(district: Any, aiohttp_client: Any) -> None:
    services = replace(district.app[SERVICES], public_url="https://heat.example", registry=CollectorRegistry())
    client = await aiohttp_client(make_app(services))
    async with client.get(await district.sessions.first_link()) as answer:
        assert answer.headers["Set-Cookie"].startswith("__Host-roadheat=")
        assert "Secure" in answer.headers["Set-Cookie"]
        assert answer.headers["Strict-Transport-Security"]


async def test_a_preview_does_not_use_a_link_up(district: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(district.app)
    path = await district.sessions.first_link()
    for agent in ("facebookexternalhit/1.1; kakaotalk-scrap/1.0", "TelegramBot (like TwitterBot)", "WhatsApp/2.23"):
        async with client.get(path, headers={"User-Agent": agent}) as answer:
            assert "Set-Cookie" not in answer.headers
    async with client.head(path) as answer:
        assert "Set-Cookie" not in answer.headers
    phone = "Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 Chrome/120 Mobile KAKAOTALK 10.4"
    async with client.get(path, headers={"User-Agent": phone}) as answer:
        assert "Set-Cookie" in answer.headers


async def test_guessing_links_is_slowed_but_a_good_link_still_works(district: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(district.app)
    statuses = [(await client.get("/login", params={"token": f"guess-{n}"})).status for n in range(22)]
    assert statuses == [401] * 20 + [429] * 2
    async with client.get(await district.sessions.first_link()) as answer:
        assert answer.status == 200
    district.clock.advance(901)
    assert (await client.get("/login", params={"token": "x" * 5000})).status == 401


async def test_sessions_end_by_sign_out_and_by_time(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    assert (await crew.ask("GET", "/api/v1/zones"))[0] == 200
    district.clock.advance(31 * 24 * 3600)
    problem(await crew.ask("GET", "/api/v1/zones"), 401, "unauthenticated")
    other = await sign_in("crew")
    assert (await other.ask("DELETE", "/api/v1/session"))[0] == 204
    problem(await other.ask("GET", "/api/v1/session"), 401, "unauthenticated")


async def _get(client: Any, path: str) -> tuple[int, Any]:
    async with client.get(path) as answer:
        return answer.status, await answer.json(content_type=None)


# Reading


async def test_answers_are_what_the_document_says(sign_in: Any) -> None:
    crew = await sign_in("crew")
    _, zones = await crew.ask("GET", "/api/v1/zones")
    views = msgspec.convert(zones, list[ZoneView])
    assert [view.id for view in views] == [f"z0{n}" for n in range(1, 9)]
    assert views[0].surface_c == -2.3
    assert views[2].plan is not None
    assert (views[2].plan.why[0].code, views[2].plan.why[0].probability) == ("preheat-snow", 0.7)
    assert views[2].plan.why[0].hazard_utc_s == 1_703_880_000  # 05:00 in Seoul
    _, zone = await crew.ask("GET", "/api/v1/zones/z08")
    assert msgspec.convert(zone, ZoneView).online is False
    assert msgspec.convert((await crew.ask("GET", "/api/v1/session"))[1], SessionAnswer).site == "Seongbuk-gu"


async def test_a_plan_is_answered_with_absolute_times(district: Any, sign_in: Any) -> None:
    crew = await sign_in("viewer")
    status, body = await crew.ask("GET", "/api/v1/zones/z03/plan")
    plan = msgspec.convert(body, PlanAnswer)
    assert status == 200
    start = district.live.zones["z03"].plan.start_utc_s
    assert [(slot.start_s - start, slot.end_s - start, slot.duty_permille) for slot in plan.slots[:2]] == [
        (0, 7 * 3600, 600),
        (7 * 3600, 24 * 3600, -1),
    ]
    assert plan.why[1].start_s == start + 2400
    district.live.zones["z03"].plan = None
    problem(await crew.ask("GET", "/api/v1/zones/z03/plan"), 404, "no-plan")


@pytest.mark.parametrize("path", ["/api/v1/zones/z99", "/api/v1/zones/z99/plan", "/api/v1/zones/%2e%2e%2f"])
async def test_an_unknown_zone_is_not_found(sign_in: Any, path: str) -> None:
    problem(await (await sign_in("crew")).ask("GET", path), 404, "unknown-zone")


async def test_an_unknown_address_or_method(sign_in: Any) -> None:
    crew = await sign_in("crew")
    problem(await crew.ask("GET", "/api/v2/zones"), 404, "not-found")
    problem(await crew.ask("GET", "/static/../web/site.py"), 404, "not-found")
    problem(await crew.ask("GET", "/static/%2e%2e/web/site.py"), 404, "not-found")
    problem(await crew.ask("POST", "/api/v1/zones"), 405, "method-not-allowed")


# Commanding


async def test_an_override_is_recorded_and_cancelled(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    status, body = await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE)
    made = msgspec.convert(body, OverrideAnswer)
    assert (status, made.mode, made.user, made.state) == (201, "on", "kim-crew", "requested")
    assert made.expires_utc_s - made.created_utc_s == 3600
    _, zone = await crew.ask("GET", "/api/v1/zones/z03")
    assert zone["override"]["id"] == made.id
    status, ended = await crew.ask("DELETE", f"/api/v1/overrides/{made.id}")
    assert (status, ended["state"]) == (200, "cancelled")
    assert (await crew.ask("GET", f"/api/v1/overrides/{made.id}"))[1]["state"] == "cancelled"
    assert await district.store.live_overrides(district.clock.utc_s()) == []
    entries = await district.store.audit(0, 4e9)
    assert [entry.action for entry in entries if entry.user == "kim-crew"] == ["sign-in", "override", "cancel"]


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"reason": None}, "invalid", "reason"),
        ({"reason": ""}, "invalid", "reason"),
        ({"reason": "    "}, "command", "reason"),
        ({"reason": "x" * 201}, "invalid", "reason"),
        ({"minutes": None}, "invalid", "minutes"),
        ({"minutes": 0}, "invalid", "minutes"),
        ({"minutes": 1.5}, "invalid", "minutes"),
        ({"minutes": "60"}, "invalid", "minutes"),
        ({"minutes": 481}, "command", "minutes"),
        ({"minutes": 10**30}, "invalid", "minutes"),
        ({"mode": "full"}, "invalid", "mode"),
        ({"surprise": 1}, "invalid", "surprise"),
    ],
)
async def test_a_bad_override_is_refused_by_field(
    district: Any, sign_in: Any, change: dict[str, Any], code: str, where: str
) -> None:
    crew = await sign_in("crew")
    body = {key: value for key, value in {**OVERRIDE, **change}.items() if value is not None}
    refused = problem(await crew.ask("POST", "/api/v1/zones/z03/overrides", json=body), 422, code)
    assert refused["where"] == where
    assert await district.store.live_overrides(0) == []


async def test_a_zone_with_a_shorter_limit_keeps_it(sign_in: Any) -> None:
    crew = await sign_in("crew")
    refused = problem(
        await crew.ask("POST", "/api/v1/zones/z05/overrides", json={**OVERRIDE, "minutes": 241}), 422, "command"
    )
    assert "240" in refused["detail"]


@pytest.mark.parametrize(
    ("data", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad-json"),
        (b"\xff\xfe", "application/json", 400, "bad-json"),
        (b"[" * 15_000, "application/json", 422, "invalid"),
        (b'{"mode":"on","minutes":60,"reason":' + b"[" * 15_000, "application/json", 422, "invalid"),
        (b'{"surprise":' + b"[" * 15_000, "application/json", 422, "invalid"),
        (b"[]", "application/json", 422, "invalid"),
        (b'{"mode":"on","minutes":60,"reason":"\\ud800ice"}', "application/json", 400, "bad-json"),
        (b"mode=on", "application/x-www-form-urlencoded", 415, "not-json"),
        (b" " * (BODY_MAX_BYTES + 1), "application/json", 413, "too-large"),
    ],
)
async def test_a_damaged_body(sign_in: Any, data: bytes, kind: str, status: int, code: str) -> None:
    crew = await sign_in("crew")
    answer = await crew.ask("POST", "/api/v1/zones/z03/overrides", data=data, headers={"Content-Type": kind})
    problem(answer, status, code)


async def test_unknown_zone_and_override_to_command(sign_in: Any) -> None:
    crew = await sign_in("crew")
    problem(await crew.ask("POST", "/api/v1/zones/z99/overrides", json=OVERRIDE), 404, "unknown-zone")
    problem(await crew.ask("DELETE", "/api/v1/overrides/77"), 404, "not-found")
    problem(await crew.ask("DELETE", "/api/v1/overrides/x"), 404, "unknown-override")
    problem(await crew.ask("DELETE", f"/api/v1/overrides/{'9' * 40}"), 404, "unknown-override")


async def test_only_our_own_page_may_command(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    path = "/api/v1/zones/z03/overrides"
    own = str(crew.client.make_url("/")).rstrip("/")
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        problem(await crew.ask("POST", path, json=OVERRIDE, headers=headers), 403, "bad-origin")
    for token in ("", "wrong", "ünicode"):
        refused = await crew.ask("POST", path, json=OVERRIDE, headers={"Origin": own, "X-CSRF-Token": token})
        problem(refused, 403, "bad-csrf")
    assert await district.store.live_overrides(0) == []
    assert (await crew.ask("POST", path, json=OVERRIDE, headers={"Origin": own}))[0] == 201


async def test_roles(sign_in: Any) -> None:
    viewer, crew, admin = await sign_in("viewer"), await sign_in("crew"), await sign_in("admin")
    problem(await viewer.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE), 403, "forbidden")
    problem(await viewer.ask("DELETE", "/api/v1/overrides/1"), 403, "forbidden")
    problem(await crew.ask("POST", "/api/v1/links", json={"user": "Lee", "role": "crew"}), 403, "forbidden")
    status, link = await admin.ask("POST", "/api/v1/links", json={"user": "이민수", "role": "crew"})
    assert status == 201
    problem(await admin.ask("POST", "/api/v1/links", json={"user": "Lee", "role": "root"}), 422, "invalid")
    crew.client.session.cookie_jar.clear()
    assert (await crew.client.get(link["path"])).status == 200
    assert (await crew.ask("GET", "/api/v1/session"))[1]["user"] == "이민수"


async def test_the_same_command_twice_is_one(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    headers = {"Idempotency-Key": "a1b2c3d4e5f6"}
    both = [crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE, headers=headers) for _ in range(2)]
    answers = [
        *await asyncio.gather(*both),
        await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE, headers=headers),
    ]
    assert {(status, body["id"]) for status, body in answers} == {(201, answers[0][1]["id"])}
    assert len(await district.store.overrides("z03", 0, 4e9)) == 1
    refused = await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE, headers={"Idempotency-Key": "no!"})
    problem(refused, 400, "bad-request")


async def test_what_failed_may_be_tried_again_under_its_key(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    headers = {"Idempotency-Key": "a1b2c3d4e5f6"}
    too_long = {**OVERRIDE, "minutes": 481}
    problem(await crew.ask("POST", "/api/v1/zones/z03/overrides", json=too_long, headers=headers), 422, "command")
    assert (await crew.ask("POST", "/api/v1/zones/z03/overrides", json=OVERRIDE, headers=headers))[0] == 201


async def test_a_full_disk_is_said_and_commands_nothing(district: Any, sign_in: Any) -> None:
    crew = await sign_in("crew")
    await district.store.write(lambda db: db.execute("PRAGMA max_page_count = 1").fetchall())  # no page more than now
    long = {**OVERRIDE, "reason": "snow " * 40}
    for _ in range(100):
        status, body = await crew.ask("POST", "/api/v1/zones/z04/overrides", json=long)
        if status != 201:
            break
    refused = problem((status, body), 503, "store-full")
    assert ".db" not in str(refused)  # no paths of the machine
    held = district.overrides.live_for("z04")
    assert held in [None, *await district.store.live_overrides(district.clock.utc_s())]


# Form


async def test_every_answer_is_guarded_against_the_browser(sign_in: Any) -> None:
    crew = await sign_in("crew")
    for path in ("/", "/api/v1/zones", "/static/app.js", "/api/v1/none", "/login"):
        async with crew.client.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "aiohttp" not in answer.headers["Server"]


async def test_metrics_by_session_or_token(district: Any, sign_in: Any, aiohttp_client: Any) -> None:
    stranger = await aiohttp_client(district.app)
    assert (await stranger.get("/metrics", headers={"Authorization": "Bearer wrong"})).status == 401
    async with stranger.get("/metrics", headers={"Authorization": "Bearer scrape-me"}) as answer:
        text = await answer.text()
    assert 'roadheat_zone_surface_celsius{zone="z01"} -2.3' in text
    assert 'roadheat_zone_online{zone="z08"} 0.0' in text
    assert re.search(r'roadheat_http_requests_total{method="GET",status="401"} 1\.0', text)
    assert (await stranger.get("/api/v1/zones", headers={"Authorization": "Bearer scrape-me"})).status == 401
    assert (await (await sign_in("viewer")).ask("GET", "/metrics"))[0] == 200


async def test_openapi_tells_the_truth(district: Any, sign_in: Any) -> None:
    _, document = await (await sign_in("viewer")).ask("GET", "/openapi.json")
    served = {
        (resource.canonical, route.method)
        for route in district.app.router.routes()
        if (resource := route.resource) is not None and route.method != "HEAD"
    }
    served -= {("/", "GET"), ("/login", "GET"), ("/openapi.json", "GET"), ("/static/{path}", "GET")}
    told = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert told == served
    text = str(document)
    names = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert names <= set(document["components"]["schemas"])
    override = document["components"]["schemas"]["OverrideRequest"]
    assert override["required"] == ["mode", "minutes", "reason"]
    assert override["additionalProperties"] is False
    said = {code for group in re.findall(r"'Problem: ([^']+)'", text) for code in group.split(", ")}
    assert said - set(CODES) == {"unknown-zone", "unknown-override", "no-plan"}


def test_the_api_page_names_every_route_and_problem() -> None:
    page = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    assert {f"`{route.method} {route.path}`" for route in ROUTES} <= set(re.findall(r"`[A-Z]+ /[^`]*`", page))
    table = page[page.index("## Problems") :]
    said: dict[str, int] = {}
    for codes, status in re.findall(r"^\| (`.+?) \| (\d{3}) \|", table, re.MULTILINE):
        said |= dict.fromkeys(re.findall(r"`([\w-]+)`", codes), int(status))
    assert said == {code: status for code, (status, _) in CODES.items()} | OTHER_STATUS
