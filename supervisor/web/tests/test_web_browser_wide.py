"""The dispatcher's screen in a real browser: fifty roads without scrolling, a road beside them."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.web.tests import conftest, fifty
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401

SCREEN = {"width": 1920, "height": 1080}


@pytest.fixture(autouse=True)
def fifty_roads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "ROADS", fifty.roads())


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_fifty_roads_fit_and_the_chosen_one_stands_beside_them(
    phone: Any,  # noqa: F811
    district: Any,
    language: str,
) -> None:
    fifty.storm(district)
    page = await phone(language, SCREEN)
    await page.wait_for_selector(".link.live")
    await playwright.expect(page.locator(".feeders li")).to_have_count(2)
    await keep(page, f"dispatcher-{language}")
    below = await page.eval_on_selector_all(
        "[data-zone], .feeders li",
        "all => all.map(e => [e.dataset.zone, e.getBoundingClientRect()])"
        ".filter(([, at]) => at.bottom > innerHeight || at.top < 0 || !at.height).map(([zone]) => zone)",
    )
    assert below == []
    assert await page.locator("[data-zone]").count() == 50
    assert await page.locator("html").evaluate("e => e.scrollHeight - e.clientHeight") == 0
    names = "[...document.querySelectorAll('.dense .name')].filter(e => e.scrollWidth > e.clientWidth).length"
    assert await page.evaluate(names) == 0  # a road's name is never cut

    danger = page.locator('.danger-rows [data-zone="z01"]')
    await danger.click()
    await page.wait_for_selector(".panel.beside .chart canvas")
    await keep(page, f"dispatcher-road-{language}")
    await page.click('.fine-rows [data-zone="z20"]')  # the list stays in reach
    await playwright.expect(page.locator(".panel.beside h2")).to_contain_text("20")
    await page.click(".panel.beside .round")
    await playwright.expect(page.locator(".panel")).to_have_count(0)


async def test_a_supply_near_its_contract_is_marked(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("en", SCREEN)
    await page.wait_for_selector(".link.live")
    await playwright.expect(page.locator(".feeders .near")).to_have_count(0)
    for zone in list(district.live.zones)[:7]:
        district.hear(zone, 1.0, "wet", power_w=41_000)
    await playwright.expect(page.locator(".feeders .near")).to_contain_text("287 / contract 300 kW")
