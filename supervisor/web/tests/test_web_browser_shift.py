"""Shift in a real browser: stage at the head, what happened while one was away, and the hand-over."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from supervisor.control.response import Response
from supervisor.domain.road_work import WorkKind
from supervisor.domain.weather import Forecast
from supervisor.weather.design_storm import design_storm
from supervisor.web import make_app
from supervisor.web.keys import SERVICES
from supervisor.web.tests.conftest import NIGHT_UTC_S
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401
from supervisor.wire.messages import Flag, Winner


@pytest.fixture
async def district(district: Any) -> Any:
    """With a snowy forecast, of which the stage is decided."""
    weather: Any = SimpleNamespace(latest=Forecast(NIGHT_UTC_S, (design_storm(NIGHT_UTC_S, 30.0),), "storm"))
    response = Response(weather, district.store.events, district.clock)
    await response.look()
    district.app = make_app(replace(district.app[SERVICES], response=response, registry=CollectorRegistry()))
    return district


@pytest.mark.parametrize(
    ("language", "size"), [("ko", {"width": 390, "height": 844}), ("en", {"width": 1920, "height": 1080})]
)
async def test_away_and_hand_over(
    phone: Any,  # noqa: F811
    district: Any,
    language: str,
    size: dict[str, int],
) -> None:
    district.hear("z06", -1.1, "snow", 6.8, who=Winner.INTERLOCK, flags=Flag.EARTH_FAULT | Flag.LATCHED)
    page = await phone(language, size)
    await playwright.expect(page.locator(".top .stage.three")).to_be_visible()
    await page.evaluate("t => localStorage.setItem('roadheat.seen', String(t))", district.clock.utc_s() - 4 * 3600)
    await district.overrides.request("z02", "on", 120, "snow at school", "Kim")
    district.clock.advance(120)
    await district.overrides.request("z02", "off", 120, "도로 작업", "Lee")
    await district.app[SERVICES].works.report(["z01"], WorkKind.PLOUGHED, "Lee")
    await district.store.alarms.raise_alarm("earth-fault", "z06", "pin 5", int(district.clock.utc_s()))
    await page.reload()
    await page.click(".away-open")
    await playwright.expect(page.locator(".shift .past").first).to_be_visible()
    assert await page.inner_text(".three-figures .hand") == "2"
    assert "1" in await page.inner_text(".figure:nth-child(2) .figure-small")  # mine was replaced
    await keep(page, f"shift-{language}")
    body = page.locator(".shift .panel-body")
    assert await body.evaluate("e => e.scrollWidth - e.clientWidth") == 0
    ticks = page.locator(".tick input")
    assert await ticks.count() >= 3
    await ticks.nth(0).uncheck()
    await page.fill(".hand-over textarea", "돌곶이로는 순찰차로 직접 확인해 주세요.")
    await page.locator(".hand-over-send").scroll_into_view_if_needed()
    await keep(page, f"hand-over-{language}")
    await page.click(".hand-over-send")
    await page.wait_for_selector(".note .take")
    [note] = await district.store.handovers.since(0)
    assert (note.user, len(note.items)) == ("Kim", await ticks.count() - 1)
    await page.click(".note .take")
    await playwright.expect(page.locator(".note .take")).to_have_count(0)
    assert (await district.store.handovers.since(0))[0].taken_by == "Kim"
    await page.keyboard.press("Escape")
    await playwright.expect(page.locator(".away-open")).to_have_count(0)


async def test_a_short_absence_asks_for_no_summary(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("ko")
    await page.evaluate("t => localStorage.setItem('roadheat.seen', String(t))", district.clock.utc_s() - 600)
    await page.reload()
    await page.wait_for_selector(".card")
    assert await page.locator(".away-open").count() == 0
