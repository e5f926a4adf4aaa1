"""A road's day before and after now in a real browser: drawn, read by keys, and as a table."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.weather.design_storm import design_storm
from supervisor.web.tests import screens
from supervisor.web.tests.conftest import NIGHT_UTC_S
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401

STORM_H = 11  # the storm's record begins so long before the night


@pytest.fixture
async def district(district: Any) -> Any:
    """With telemetry of the last 24 hours, a snowy forecast, and an alarm that is over."""
    now = int(district.clock.utc_s())
    await screens.with_days(district, design_storm(NIGHT_UTC_S - STORM_H * 3600, hours=80))
    await screens.measured_day(district, "z02")
    await district.store.alarms.raise_alarm("offline", "z02", "no word", now - 20_000)
    await district.store.alarms.clear_alarm("offline", "z02", now - 12_000)
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
