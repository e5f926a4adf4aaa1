"""axe-core finds nothing on any screen: calm, storm, without signal; in both languages; phone and dispatcher.

A sample runs with all tests; `make soak` runs the whole.
"""

from __future__ import annotations

import os
from itertools import product
from typing import Any, Final

import pytest

from supervisor.web.stream import close_streams
from supervisor.web.tests import conftest, fifty
from supervisor.web.tests.test_web_browser import PHONE, phone, playwright, pytestmark  # noqa: F401
from supervisor.web.tests.test_web_browser_wide import SCREEN

axe = pytest.importorskip(
    "axe_playwright_python.async_playwright",
    reason="axe-core is not installed: `uv sync --group browser`",
)

SCREENS: Final = ("roads", "zone", "alarms", "find", "group", "more", "shift", "history", "duty", "people", "invite")
IN_DIALOGS: Final = ("shift", "history", "duty", "people", "invite")
STATES: Final = ("calm", "storm", "offline")
SAMPLE: Final = {("storm", "ko", 390), ("offline", "en", 390), ("storm", "en", 1920)}
WHOLE: Final = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
CASES: Final = [case for case in product(STATES, ("ko", "en"), (390, 1920)) if WHOLE or case in SAMPLE]


@pytest.fixture(autouse=True)
def fifty_roads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "ROADS", fifty.roads())


async def show(page: Any, screen: str) -> None:
    """Open a screen from the list."""
    await page.evaluate("word => { location.hash = word; }", "more" if screen in IN_DIALOGS else screen)
    if screen == "roads":
        await page.wait_for_selector("[data-zone]")
    elif screen == "zone":
        await page.evaluate("() => { location.hash = '#/z01'; }")
        await page.wait_for_selector("form.command")
    elif screen == "find":
        await page.wait_for_selector(".find")
    elif screen in IN_DIALOGS:
        await page.click(f".{screen}-open")
        await page.wait_for_selector("dialog[open]")
    else:
        await page.wait_for_selector({"more": "main.account", "group": "main.group"}.get(screen, "main"))


async def findings(page: Any, where: str) -> list[str]:
    """Each finding as a line: rule, impact, the element."""
    answer = (await axe.Axe().run(page)).response
    return [
        f"{where}: {found['id']} ({found['impact']}): {node['html'][:160]} {node.get('failureSummary', '')[:160]}"
        for found in answer["violations"]
        for node in found["nodes"][:3]
    ]


@pytest.mark.parametrize(("state", "language", "width"), CASES)
async def test_axe_finds_nothing(phone: Any, district: Any, state: str, language: str, width: int) -> None:  # noqa: F811
    if state == "calm":
        for zone in district.live.zones:
            district.hear(zone, 4.0, "dry")
    else:
        fifty.storm(district)
    page = await phone(language, SCREEN if width == SCREEN["width"] else PHONE, role="admin")
    await page.wait_for_selector(".link.live")
    if state == "offline":
        await page.context.set_offline(True)
        await close_streams(district.app)
        await page.wait_for_selector(".link.lost")
    found = []
    for screen in SCREENS:
        await show(page, screen)
        found += await findings(page, f"{screen} {state} {language} {width}")
        if screen in IN_DIALOGS:
            await page.keyboard.press("Escape")
            await page.wait_for_selector("dialog[open]", state="detached")
    await page.context.set_offline(False)  # what fails from here on counts
    # no signal, or a service that notifies nobody
    phone.errors[:] = [line for line in phone.errors if "DISCONNECTED" not in line and "404" not in line]
    assert found == []
