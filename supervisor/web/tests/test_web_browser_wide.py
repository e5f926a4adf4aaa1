"""The dispatcher's screen in a real browser: fifty roads without scrolling, a road beside them."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.web.keys import SERVICES
from supervisor.web.tests import conftest, fifty
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401
from supervisor.wire.messages import Winner

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
    await page.keyboard.press("Escape")
    await playwright.expect(page.locator(".panel")).to_have_count(0)
    await danger.click()
    await page.click(".panel.beside .round")
    await playwright.expect(page.locator(".panel")).to_have_count(0)


async def test_a_supply_near_its_contract_is_marked(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("en", SCREEN)
    await page.wait_for_selector(".link.live")
    await playwright.expect(page.locator(".feeders .near")).to_have_count(0)
    for zone in list(district.live.zones)[:7]:
        district.hear(zone, 1.0, "wet", power_w=41_000)
    await playwright.expect(page.locator(".feeders .near")).to_contain_text("287 / contract 300 kW")


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_the_map_is_read_without_a_mouse_and_opens_a_road(
    phone: Any,  # noqa: F811
    district: Any,
    language: str,
) -> None:
    object.__setattr__(district.app[SERVICES], "lines", fifty.lines())
    fifty.storm(district)
    page = await phone(language, SCREEN)
    await page.wait_for_selector(".link.live")
    roads = page.locator(".map-road")
    await playwright.expect(roads).to_have_count(50)
    await playwright.expect(page.locator(".map-road.danger circle")).to_have_count(6)
    await keep(page, f"dispatcher-map-{language}")
    assert await page.locator('.map-road[tabindex="0"]').count() == 1  # one stop of the tab key
    await page.locator('.map-road[tabindex="0"]').focus()
    first = await page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert first.startswith("1. ")
    await page.keyboard.press("ArrowRight")
    second = await page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert second.startswith("2. ")
    await page.keyboard.press("Enter")
    heading = page.locator(".panel.beside h2")
    await playwright.expect(heading).to_contain_text(second.removeprefix("2. ").split(":")[0])
    await keep(page, f"dispatcher-map-road-{language}")
    assert await page.locator(".district-map").evaluate(
        "e => e.getBoundingClientRect().bottom <= document.querySelector('.panel.beside').getBoundingClientRect().top"
    )
    label = await page.locator(".district-map svg").get_attribute("aria-label")
    assert all(count in label for count in ("6", "9", "35"))


async def test_without_lines_there_is_no_map(phone: Any, district: Any) -> None:  # noqa: F811
    fifty.storm(district)
    page = await phone("en", SCREEN)
    await page.wait_for_selector(".link.live")
    await playwright.expect(page.locator(".dense").first).to_be_visible()
    assert await page.locator(".district-map").count() == 0


COUNT = """() => {
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...at) { window.tones += 1; return start.apply(this, at); };
}"""


async def test_a_new_danger_sounds_where_somebody_switched_it_on(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("en", SCREEN)
    await page.wait_for_selector(".link.live")
    await page.evaluate(COUNT)
    button = page.locator(".sound-toggle")

    async def danger(zone: str) -> int:
        district.hear(zone, -1.0, "snow", 5.0, who=Winner.MAINTENANCE)
        await page.wait_for_selector(f'.danger-rows [data-zone="{zone}"]')
        return int(await page.evaluate("window.tones"))

    await playwright.expect(button).to_have_attribute("aria-pressed", "false")
    assert await danger("z20") == 0  # off until somebody wants it
    await button.click()
    await playwright.expect(button).to_have_attribute("aria-pressed", "true")
    await page.wait_for_function("window.tones === 3")  # how it will sound
    assert await danger("z21") == 6
    district.hear("z21", -1.2, "snow", 5.5, who=Winner.MAINTENANCE)  # the same one again
    assert await danger("z22") == 6  # within seconds: one warning
    await page.reload()
    await page.wait_for_selector(".link.live")
    await playwright.expect(page.locator(".sound-toggle")).to_have_attribute("aria-pressed", "true")
