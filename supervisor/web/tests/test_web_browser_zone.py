"""A road's page in a real browser: what the crew did there."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.domain.road_work import Agent, WorkKind
from supervisor.web.keys import SERVICES
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401


async def works(district: Any) -> list[Any]:
    found: list[Any] = await district.store.works.between(None, 0, district.clock.utc_s() + 60)
    return found


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_ploughed_and_salted_with_few_touches_and_taken_back(phone: Any, district: Any, language: str) -> None:  # noqa: F811
    page = await phone(language)
    await page.click('[data-zone="z02"]')
    await page.click(".work-ploughed")
    await page.click(".work-send")
    await playwright.expect(page.locator(".work-done")).to_have_count(1)
    assert [(work.zone, work.kind, work.user) for work in await works(district)] == [("z02", WorkKind.PLOUGHED, "Kim")]
    await page.click(".work-salted")
    await page.check("input[value=sodium-chloride]")
    await page.check("input[value='20']")
    await page.locator(".works").scroll_into_view_if_needed()
    await keep(page, f"salted-{language}")
    await page.click(".work-send")
    await playwright.expect(page.locator(".work-done")).to_have_count(2)
    salted = (await works(district))[0]
    assert (salted.agent, salted.amount_g_m2) == (Agent.SODIUM_CHLORIDE, 20.0)
    district.live.zones["z02"].freezing_c = -1.4
    district.live.touch("z02")
    await playwright.expect(page.locator(".works > .hint")).to_contain_text("−1.4°")
    await page.click(".notice")
    await keep(page, f"works-{language}")
    await page.click(".work-done >> nth=0 >> button")  # the newest
    await playwright.expect(page.locator(".work-done")).to_have_count(1)
    assert (await works(district))[0].taken_back_by == "Kim"
    await page.keyboard.press("Escape")
    await playwright.expect(page.locator('[data-zone="z02"] .done-mark')).to_have_count(1)
    await keep(page, f"done-mark-{language}")


async def test_who_only_looks_sees_what_was_done_and_no_buttons(phone: Any, district: Any) -> None:  # noqa: F811
    await district.app[SERVICES].works.report(["z02"], WorkKind.PLOUGHED, "Lee")
    page = await phone("ko", role="viewer")
    await page.click('[data-zone="z02"]')
    await playwright.expect(page.locator(".work-done")).to_contain_text("Lee")
    assert await page.locator(".works button").count() == 0


async def test_many_roads_are_reported_at_once(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("ko")
    await page.goto(page.url.split("#")[0] + "#group")
    await page.check(".scope-hand input")
    await playwright.expect(page.locator(".group .work-ploughed")).to_be_disabled()
    for n in (0, 1):
        await page.check(f".group-road input >> nth={n}")
    await page.click(".group .work-ploughed")
    await page.locator(".work-send").scroll_into_view_if_needed()
    await keep(page, "group-ploughed-ko")
    await page.click(".work-send")
    await page.wait_for_selector(".notice.good")
    assert {work.zone for work in await works(district)} == {"z01", "z02"}
    entries = await district.store.audit.entries(0, 4e9)
    assert [entry.detail for entry in entries if entry.action == "ploughed"] == ["z01, z02"]
    assert await district.store.overrides.live(district.clock.utc_s()) == []  # no command went out with it
