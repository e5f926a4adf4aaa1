"""A road's day before and after now in a real browser: drawn, read by keys, and as a table."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.metrics import Metrics
from supervisor.control.zone_day import ZoneDays
from supervisor.domain.zone import Site
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.provider import FileProvider
from supervisor.web import make_app
from supervisor.web.keys import SERVICES
from supervisor.web.tests.conftest import NIGHT_UTC_S
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401
from supervisor.wire.messages import Telemetry, ZoneSample

STORM_H = 11  # the storm's record begins so long before the night


@pytest.fixture
async def district(district: Any) -> Any:
    """With telemetry of the last 24 hours, a snowy forecast, and an alarm that is over."""
    zone = "z02"
    now = int(district.clock.utc_s())
    wh = 0
    for n in range(288):
        at = now - 86_400 + 300 * n
        hour = (at - now) / 3600
        surface = 2.5 + 2.2 * math.cos((hour + 12) / 24 * 2 * math.pi)
        power = 47_000 if hour > -3 else 0
        wh += power // 12
        sample = ZoneSample(zone, round(1000 * surface), 2000, 300, 10, power, wh, 1000 if power else 0, 4, 0)
        await district.store.telemetry.commit("b01", Telemetry(1, n + 1, 0, 300 * (n + 1), 300, 0, (sample,)), at, at)
    site = Site(name="Seongbuk-gu", timezone="Asia/Seoul", latitude=37.59, longitude=127.02)
    zones = tuple(live.zone for live in district.live.zones.values())
    provider = FileProvider(design_storm(NIGHT_UTC_S - STORM_H * 3600, hours=80))
    forecasts = Forecasts(
        provider, site, 30 * 3600, district.clock, district.alarms, Metrics(), district.degradations
    )  # fmt: skip
    await forecasts.ask()
    assert forecasts.latest is not None
    [member] = forecasts.latest.members
    spread = (
        replace(member, air_c=np.maximum(member.air_c + k * np.arange(len(member)) / 40, member.dew_point_c))
        for k in range(5)
    )
    forecasts.latest = replace(forecasts.latest, members=tuple(spread))
    estimation = Estimation(zones, forecasts, district.live, district.store.values, district.clock)
    estimation.state.snow_mm[:], estimation.state.temperature_c[:] = 0.5, 0.5
    days = ZoneDays(district.store, district.live, estimation, forecasts, district.clock)
    district.app = make_app(replace(district.app[SERVICES], days=days, registry=CollectorRegistry()))
    await district.store.alarms.raise_alarm("offline", zone, "no word", now - 20_000)
    await district.store.alarms.clear_alarm("offline", zone, now - 12_000)
    return district


@pytest.mark.parametrize(
    ("language", "size"), [("ko", {"width": 390, "height": 844}), ("en", {"width": 1920, "height": 1080})]
)
async def test_the_day_is_drawn_read_by_keys_and_listed(
    phone: Any,  # noqa: F811
    district: Any,
    language: str,
    size: dict[str, int],
) -> None:
    await district.overrides.request("z02", "boost", 60, "snow", "Park")
    page = await phone(language, size)
    if size["width"] < 1200:  # a dispatcher's screen folds nothing
        await page.click(".fold")
    await page.click('[data-zone="z02"]')
    await page.wait_for_selector(".chart canvas")
    await page.locator(".keys").scroll_into_view_if_needed()
    await page.wait_for_timeout(200)
    await keep(page, f"day-{language}")
    await page.focus(".chart")
    before = await page.inner_text(".read-out")
    await page.keyboard.press("Home")
    first = await page.inner_text(".read-out")
    assert first != before
    assert "°" in first
    await page.keyboard.press("End")
    await playwright.expect(page.locator(".read-out")).not_to_have_text(first)
    await page.click(".day summary")
    await page.wait_for_selector(".day tbody tr")
    assert await page.locator(".day tbody tr").count() in (47, 48)
    text = await page.inner_text(".day table")
    assert "Park" in text
    assert await page.locator(".panel-body").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    await page.locator(".day .scroll").scroll_into_view_if_needed()
    await keep(page, f"day-table-{language}")
