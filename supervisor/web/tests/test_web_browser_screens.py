"""Every screen on a watch, a phone and a dispatcher's desk: nothing is cut off, and nothing scrolls sideways."""

from __future__ import annotations

from typing import Any, Final

import pytest

from supervisor.domain.plan import Reason
from supervisor.web.tests import screens
from supervisor.web.tests.conftest import HOUR_S, NIGHT_UTC_S, make_plan
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401

WATCH: Final = {"width": 206, "height": 500}
SIZES: Final = (WATCH, {"width": 390, "height": 844}, {"width": 1920, "height": 1080})
# What reaches beyond the screen or out of a box that hides it; lines that may end in an ellipsis are named.
CUT = """() => [...document.querySelectorAll('body *')].filter(e => {
    const free = '.scroll, .energy-scroll, .hidden, svg, .chart, .where, .section-head p, .site';
    if (!e.checkVisibility() || e.closest(free)) return false;
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    const words = [...e.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    const hides = words && style.overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1;
    return hides || box.right > innerWidth + 1 || box.left < -1;
  }).map(e => `${e.tagName.toLowerCase()}.${e.className} ${e.textContent.trim().slice(0, 40)}`).slice(0, 9)"""
SIDEWAYS = """() => [...document.querySelectorAll('html, main, dialog, .panel-body')]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className || e.tagName)"""


@pytest.fixture(autouse=True)
def fifty_roads(monkeypatch: pytest.MonkeyPatch) -> None:
    screens.fifty_roads(monkeypatch)


@pytest.fixture
async def district(district: Any) -> Any:
    await screens.storm(district)
    return district


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
@pytest.mark.parametrize("language", ["ko", "en"])
async def test_every_screen_fits(phone: Any, district: Any, language: str, size: dict[str, int]) -> None:  # noqa: F811
    page = await phone(language, size, role="admin")
    await page.wait_for_selector(".link.live")
    found = []
    for screen in screens.SCREENS:
        await screens.show(page, screen)
        await page.wait_for_timeout(200)  # what is asked for arrives
        await keep(page, f"{screen}-{size['width']}-{language}")
        found += [f"{screen}: {each}" for script in (CUT, SIDEWAYS) for each in await page.evaluate(script)]
        await screens.leave(page, screen)
    phone.errors[:] = [line for line in phone.errors if "404" not in line]  # a service that notifies nobody
    assert found == []


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_a_quiet_night_is_one_sentence_and_a_line(phone: Any, district: Any, language: str) -> None:  # noqa: F811
    for n, zone in enumerate(district.live.zones):
        later = Reason(20 * HOUR_S, 23 * HOUR_S, "preheat-frost", 0.3, NIGHT_UTC_S + 22 * HOUR_S)
        plan = make_plan(zone, later) if n in (3, 4) else make_plan(zone)
        district.hear(zone, 3.0 + n / 40, "dry", plan=plan, online=n != 6)
        district.live.zones[zone].override = None
    page = await phone(language)
    await page.wait_for_selector(".calm-line polyline")
    await keep(page, f"quiet-{language}")
    words = {"ko": ("지금은 언 도로 없음", "내일", "2곳"), "en": ("No road is icy now", "tomorrow", "2 roads")}[
        language
    ]
    box = await page.inner_text(".calm-box") + await page.inner_text(".calm-next")
    assert all(word in box for word in words)
    await page.click(".calm-next")
    await page.wait_for_selector("dialog[open]")
