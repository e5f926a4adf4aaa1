"""History and audit log in a real browser: filtered, and saved as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from supervisor.domain.road_work import Agent, WorkKind
from supervisor.web.keys import SERVICES
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401


async def a_night(district: Any) -> None:
    await district.overrides.request("z02", "boost", 120, "학교 앞 결빙 신고", "Park")
    await district.overrides.request("z03", "on", 60, '=HYPERLINK("http://x")', "Lee")
    await district.app[SERVICES].works.report(["z02"], WorkKind.SALTED, "Lee", Agent.CALCIUM_CHLORIDE, 20.0)
    await district.store.alarms.raise_alarm("earth-fault", "z06", "pin 5", int(district.clock.utc_s()) - 4_000)


@pytest.mark.parametrize(
    ("language", "size"), [("ko", {"width": 390, "height": 844}), ("en", {"width": 1920, "height": 1080})]
)
async def test_the_history_is_filtered_and_saved(
    phone: Any,  # noqa: F811
    district: Any,
    language: str,
    size: dict[str, int],
    tmp_path: Path,
) -> None:
    await a_night(district)
    page = await phone(language, size, role="admin")
    await page.click(".nav-more")
    await page.click(".history-open")
    rows = page.locator(".history .past")
    await playwright.expect(page.locator(".history .past", has_text="Park").first).to_be_visible()
    await keep(page, f"history-{language}")
    assert await page.locator(".history .panel-body").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    await page.select_option(".filters select >> nth=1", "command")
    await playwright.expect(rows).to_have_count(2)
    await page.select_option(".filters select >> nth=0", "z02")
    await playwright.expect(rows).to_have_count(1)
    await page.select_option(".filters select >> nth=0", "")
    await playwright.expect(rows).to_have_count(2)
    async with page.expect_download() as waiting:
        await page.click(".csv")
    saved = tmp_path / "history.csv"
    await (await waiting.value).save_as(saved)
    text = saved.read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == 3
    assert "\"'=HYPERLINK(" in text  # a spreadsheet shows it and calculates nothing
    await page.click(".audit-open")
    await page.click(".audit-verify")
    await playwright.expect(page.locator(".audit-good")).to_be_visible()
    await keep(page, f"audit-{language}")
    await page.keyboard.press("Escape")
    await playwright.expect(page.locator(".history")).to_have_count(0)


async def test_a_roads_page_shows_the_newest_and_leads_to_all(phone: Any, district: Any) -> None:  # noqa: F811
    await a_night(district)
    page = await phone("ko")
    await page.click(".fold")
    await page.click('[data-zone="z02"]')
    await playwright.expect(page.locator(".brief .past")).to_have_count(2)
    await page.locator(".brief").scroll_into_view_if_needed()
    await keep(page, "brief-ko")
    await page.click(".history-all")
    await playwright.expect(page.locator(".history .past")).to_have_count(2)
    assert await page.locator(".audit-open").count() == 0
    await page.keyboard.press("Escape")
    await playwright.expect(page.locator(".history")).to_have_count(0)
    await playwright.expect(page.locator("dialog[open]")).to_have_count(1)  # the road's page is still open
