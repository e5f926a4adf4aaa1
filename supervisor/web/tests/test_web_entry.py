"""Who comes in and how long, what every answer carries, and that the API's descriptions tell the truth."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from supervisor.web import make_app, reference, residents
from supervisor.web.keys import SERVICES
from supervisor.web.openapi import OTHER_STATUS
from supervisor.web.problems import CODES
from supervisor.web.routes import ALL_ROUTES

# Coming in


async def test_nothing_is_open_without_a_session(district: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(district.app)
    paths = [re.sub(r"{\w+}", "1", route.path) for route in ALL_ROUTES if not route.needs.open]
    for path in [*paths, "/", "/metrics", "/openapi.json", "/api/v1/stream", "/static/app.js", "/no/such/thing"]:
        async with client.get(path) as answer:
            assert answer.status == 401, path
            assert answer.content_type == "application/problem+json"
            assert (await answer.json(content_type=None))["code"] == "unauthenticated"
    async with client.post("/api/v1/zones/z01/overrides", json={"mode": "on"}) as answer:
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
    status, refused = await crew.ask("GET", "/api/v1/zones")
    assert (status, refused["code"]) == (401, "unauthenticated")
    other = await sign_in("crew")
    assert (await other.ask("DELETE", "/api/v1/session"))[0] == 204
    status, refused = await other.ask("GET", "/api/v1/session")
    assert (status, refused["code"]) == (401, "unauthenticated")


async def test_the_sign_in_page_says_whom_to_call(district: Any, aiohttp_client: Any) -> None:
    contact = "상황실 <02-2241-1000>"
    services = replace(district.app[SERVICES], contact=contact, registry=CollectorRegistry())
    client, page = await aiohttp_client(make_app(services)), {"Accept": "text/html"}
    for path in ("/", "/login", "/login?token=used-before", "/login?used"):
        async with client.get(path, headers=page) as answer:
            assert "상황실 &lt;02-2241-1000&gt;" in await answer.text(), path
    plain = await aiohttp_client(district.app)
    async with plain.get("/login", headers=page) as answer:
        text = await answer.text()
    assert "Call:" not in text
    assert "/static/login.js" not in text  # no public address: no passkeys


async def test_an_address_that_leads_nowhere(sign_in: Any) -> None:
    crew = await sign_in("crew")
    person = {"headers": {"Accept": "text/html,*/*", "Accept-Language": "ko"}}
    for path in ("/zones", "/static/gone.js", "/api/v2", "/index.php"):
        status, page = await crew.ask("GET", path, **person)
        assert status == 404, path
        if not path.startswith("/api/"):
            assert "없는 주소입니다" in page, path
            assert 'href="/"' in page
        status, problem = await crew.ask("GET", path)
        assert (status, problem["code"]) == (404, "not-found"), path
    assert (await crew.ask("GET", "/api/v2", **person))[1]["code"] == "not-found"  # a program's author at work
    assert (await crew.ask("POST", "/zones"))[1]["code"] == "not-found"


async def test_the_reference_is_where_authors_look_and_names_every_operation(sign_in: Any) -> None:
    viewer = await sign_in("viewer")
    _, document = await viewer.ask("GET", "/openapi.json")
    for path in (reference.PATH, *reference.OTHER_PATHS):
        async with viewer.client.get(path) as answer:
            assert (answer.status, answer.content_type, answer.url.path) == (200, "text/html", "/api")
            page = await answer.text()
    for path, item in document["paths"].items():
        for method, told in item.items():
            assert f"<code>{method.upper()} {path}</code>" in page
            assert f'id="{told["operationId"]}"' in page
    assert set(re.findall(r'href="#(\w+)"', page)) <= set(re.findall(r'id="(\w+)"', page))
    assert "role crew, scope command" in page
    assert '<a href="#ZoneView">ZoneView</a>[]' in page  # what the stream carries
    for path in ("/api/v1/zones", "/api/v1/none"):
        async with viewer.client.get(path) as answer:
            assert '</api>; rel="service-doc"' in answer.headers["Link"]
    assert "role crew, people only" in page  # clearing a danger
    assert not re.search(r"<script|https?://(?!127\.0\.0\.1)", page)  # complete without any other server
    assert not re.search(r"style=|\{\w+\}(?!<|/| )", page.replace("{zone}", ""))


async def _get(client: Any, path: str) -> tuple[int, Any]:
    async with client.get(path) as answer:
        return answer.status, await answer.json(content_type=None)


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
    served -= {(path, "GET") for path in (reference.PATH, *reference.OTHER_PATHS)}
    served -= {("/", "GET"), ("/wall", "GET"), ("/login", "GET"), ("/openapi.json", "GET"), ("/static/{path}", "GET")}
    served -= {(path, method) for method, path, _ in residents.ROUTES}  # pages for people
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
    assert {f"`{route.method} {route.path}`" for route in ALL_ROUTES} <= set(re.findall(r"`[A-Z]+ /[^`]*`", page))
    table = page[page.index("## Problems") :]
    said: dict[str, int] = {}
    for codes, status in re.findall(r"^\| (`.+?) \| (\d{3}) \|", table, re.MULTILINE):
        said |= dict.fromkeys(re.findall(r"`([\w-]+)`", codes), int(status))
    assert said == {code: status for code, (status, _) in CODES.items()} | OTHER_STATUS
