"""Pages for residents: open to all, in words, never "clear" where that is not known; ice reported without a name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import load
from supervisor.control.residents import ALL_REPORTS, ROAD_REPORTS, STANDS_S, IceReports, RoadState, news
from supervisor.domain.alarm import AlarmCode
from supervisor.web.keys import SERVICES
from supervisor.web.residents import Residents
from supervisor.web.tests.test_web_browser import keep, phone, playwright
from supervisor.wire.messages import Flag, Winner

__all__ = ["phone"]  # a fixture
EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"


@pytest.fixture
def opened(district: Any) -> Any:
    """The district with pages for residents."""

    async def record(zone: str, text: str) -> None:
        await district.store.events.append("ice-report", zone, text)

    object.__setattr__(
        district.app[SERVICES], "residents", Residents(IceReports(district.alarms, record, district.clock))
    )
    return district


async def test_there_are_none_unless_the_city_wants_them(district: Any, aiohttp_client: Any, tmp_path: Path) -> None:
    client = await aiohttp_client(district.app)
    for method, path in (("GET", "/roads"), ("GET", "/roads/z01"), ("POST", "/roads/z01/ice")):
        async with client.request(method, path) as answer:
            assert answer.status == 404
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text() + "\n")
    assert not load(tmp_path / "city.toml", without_data=True).web.residents


@pytest.mark.parametrize(("language", "word"), [("ko", "눈을 녹이는 중"), ("en", "Melting snow")])
async def test_each_road_in_words_without_session_cookie_or_own_reload(
    opened: Any, aiohttp_client: Any, language: str, word: str
) -> None:
    client = await aiohttp_client(opened.app)
    async with client.get("/roads", headers={"Accept-Language": language}) as answer:
        page = await answer.text()
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "public, max-age=30"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert re.findall("<script[^>]*>", page) == ['<script type="module" src="/static/roads.js">']
    assert "http-equiv" not in page  # nobody's place in it is lost
    assert "Refresh" not in answer.headers
    assert word in page
    shown = re.findall(r'<a class="road ([a-z-]+)" href="/roads/(z\d+)', page)
    order = [list(RoadState).index(RoadState(state)) for state, _ in shown]
    assert order == sorted(order)
    assert len(shown) == 8
    assert {zone: state for state, zone in shown}["z08"] == "unknown"  # no contact


async def test_what_is_said_of_a_road(opened: Any) -> None:
    def state(zone: str) -> RoadState:
        return news(opened.live.view(zone)).state

    assert state("z02") is RoadState.MELTING
    assert state("z07") is RoadState.CLEAR
    opened.hear("z02", -0.4, "snow", 3.2, who=Winner.INTERLOCK, flags=Flag.EARTH_FAULT)
    assert state("z02") is RoadState.OUT_OF_SERVICE
    opened.hear("z07", 3.0, "dry", who=Winner.INTERLOCK, flags=Flag.EARTH_FAULT)
    assert state("z07") is RoadState.STOPPED
    opened.hear("z01", -2.0, "ice", 2.0, power_w=0)
    assert state("z01") is RoadState.SLIPPERY
    await opened.overrides.request("z01", "off", 60, "Roadworks", "Kim")
    found = news(opened.live.view("z01"))
    assert found.state is RoadState.SWITCHED_OFF
    assert found.until_utc_s == pytest.approx(opened.clock.utc_s() + 3600, abs=5)
    opened.hear("z01", 2.0, "wet", online=False)
    assert state("z01") is RoadState.UNKNOWN


async def test_names_are_escaped_and_unknown_roads_are_no_page(opened: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(opened.app)
    for path in ("/roads/z99", "/roads/%3Cscript%3E", "/roads/z01/../../etc", "/roads/z01/qr.svg"):
        async with client.get(path) as answer:
            assert answer.status in (401, 404)
            assert answer.content_type == "application/problem+json"
    async with client.get("/roads?lang=%3Cscript%3E&said=%3Cscript%3E") as answer:
        assert answer.status == 200
        assert "<script>" not in await answer.text()


async def test_ice_is_reported_without_a_name(opened: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(opened.app)
    async with client.post("/roads/z03/ice?lang=en", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/roads/z03?said=yes&lang=en")
        assert "Set-Cookie" not in answer.headers
    async with client.get("/roads/z03?said=yes&lang=en") as answer:
        assert "Thank you" in await answer.text()
    [alarm] = [alarm for alarm in opened.alarms.standing() if alarm.code is AlarmCode.ICE_REPORTED]
    assert alarm.subject == "z03"
    [event] = await opened.store.events.happened(0, 4e9, "ice-report")
    assert (event.subject, event.detail) == ("z03", "residents report ice, once within the hour")
    assert "127.0.0.1" not in str(vars(opened.app[SERVICES].residents.counts))
    async with client.post("/roads/z03/ice", headers={"Origin": "https://elsewhere.example"}) as answer:
        assert answer.status == 403


async def test_one_address_cannot_go_on_and_a_shared_one_can(opened: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(opened.app)

    async def report() -> int:
        async with client.post("/roads/z03/ice", allow_redirects=False) as answer:
            return int(answer.status)

    assert [await report() for _ in range(6)] == [303] * 4 + [429] * 2
    opened.app[SERVICES].residents.proxies = ("127.0.0.1",)
    assert await report() == 303


async def test_reports_are_bounded_and_end(opened: Any) -> None:
    reports = opened.app[SERVICES].residents.reports
    assert [await reports.report("z01") for _ in range(ROAD_REPORTS + 2)] == [True] * ROAD_REPORTS + [False] * 2
    opened.clock.advance(STANDS_S - 60)
    reports.look()
    assert any(alarm.code is AlarmCode.ICE_REPORTED for alarm in opened.alarms.standing())
    opened.clock.advance(120)
    reports.look()
    assert not any(alarm.code is AlarmCode.ICE_REPORTED for alarm in opened.alarms.standing())
    for n in range(ALL_REPORTS):
        await reports.report(f"x{n % 40}")
    assert not await reports.report("x0")
    assert await reports.report("z02")  # whoever plays elsewhere silences no other road
    assert not await reports.report("z02")


async def test_the_qr_code_of_a_cabinet(opened: Any, aiohttp_client: Any) -> None:
    client = await aiohttp_client(opened.app)
    object.__setattr__(opened.app[SERVICES], "public_url", "https://heat.seongbuk.example")
    async with client.get("/roads/z03/qr.svg") as answer:
        assert answer.content_type == "image/svg+xml"
        assert (await answer.read()).startswith(b"<?xml")


async def test_a_page_is_made_once_for_many(opened: Any, aiohttp_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await aiohttp_client(opened.app)
    made = []
    monkeypatch.setattr("supervisor.web.residents._text", lambda *_: made.append(1) or "page")
    for _ in range(50):
        async with client.get("/roads/z01?lang=ko") as answer:
            assert await answer.text() == "page"
    assert len(made) == 1
    opened.clock.advance(11)
    async with client.get("/roads/z01?lang=ko"):
        assert len(made) == 2


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.browser
async def test_a_resident_reports_ice_on_a_phone(opened: Any, phone: Any, language: str) -> None:
    page = await phone(language)
    await page.context.clear_cookies()
    await page.goto(str(phone.server.make_url("/roads/z02")))
    await keep(page, f"resident-{language}")
    await page.click("button")
    await page.wait_for_selector(".said")
    assert await page.locator(".road").count() == 8
    assert [alarm.subject for alarm in opened.alarms.standing() if alarm.code is AlarmCode.ICE_REPORTED] == ["z02"]
    await page.goto(str(phone.server.make_url("/roads")))
    await keep(page, f"residents-{language}")


@pytest.mark.browser
async def test_what_changes_is_shown_without_a_reload_and_focus_stays(opened: Any, phone: Any) -> None:
    page = await phone("en")
    await page.route("**/*", lambda route: route.continue_())  # no copy of the browser's: its clock stands still here
    await page.goto(str(phone.server.make_url("/roads/z02?said=yes")))
    await page.wait_for_load_state("networkidle")
    await page.focus("form button")
    await page.evaluate("() => { window.same = true; }")
    opened.hear("z02", 3.0, "dry")
    opened.clock.advance(30)
    await page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    await playwright.expect(page.locator(".here strong")).to_have_text("Clear")
    assert await page.evaluate("() => window.same && document.querySelectorAll('main').length === 1")
    await page.focus('a.road[href*="z01"]')
    opened.hear("z02", -3.0, "snow", 4.0)
    opened.clock.advance(30)
    await page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    await playwright.expect(page.locator(".here strong")).to_have_text("Slippery")
    assert "z01" in await page.evaluate("() => document.activeElement.href")
