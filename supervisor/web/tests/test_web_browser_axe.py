"""axe-core finds nothing on any screen: calm, storm, without signal; in both languages; phone and dispatcher.

A sample runs with all tests; `make soak` runs the whole.
"""

from __future__ import annotations

import os
from itertools import product
from typing import Any, Final

import pytest

from supervisor.control.residents import IceReports
from supervisor.domain.scope import Scope
from supervisor.web.keys import SERVICES
from supervisor.web.residents import Residents
from supervisor.web.stream import close_streams
from supervisor.web.tests import fifty, screens
from supervisor.web.tests.test_web_browser import PHONE, keep, phone, playwright, pytestmark  # noqa: F401
from supervisor.web.tests.test_web_browser_wide import SCREEN

axe = pytest.importorskip(
    "axe_playwright_python.async_playwright",
    reason="axe-core is not installed: `uv sync --group browser`",
)

OFFLINE: Final = ("roads", "zone", "alarms", "find", "group", "more", "history", "people", "invite")  # that open then
STATES: Final = ("calm", "storm", "offline")
SAMPLE: Final = {("storm", "ko", 390), ("offline", "en", 390), ("storm", "en", 1920)}
WHOLE: Final = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
CASES: Final = [case for case in product(STATES, ("ko", "en"), (390, 1920)) if WHOLE or case in SAMPLE]


async def record(zone: str, text: str) -> None:
    """Reports are kept nowhere here."""


@pytest.fixture(autouse=True)
def fifty_roads(monkeypatch: pytest.MonkeyPatch) -> None:
    screens.fifty_roads(monkeypatch)


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
    for screen in screens.SCREENS if state != "offline" else OFFLINE:
        await screens.show(page, screen)
        found += await findings(page, f"{screen} {state} {language} {width}")
        await screens.leave(page, screen)
    await page.context.set_offline(False)  # what fails from here on counts
    # no signal, or a service that notifies nobody
    phone.errors[:] = [line for line in phone.errors if "DISCONNECTED" not in line and "404" not in line]
    assert found == []


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_axe_finds_nothing_on_pages_without_a_session(phone: Any, district: Any, language: str) -> None:  # noqa: F811
    fifty.storm(district)
    reports = IceReports(district.alarms, record, district.clock)
    services = district.app[SERVICES]
    object.__setattr__(services, "residents", Residents(reports))
    object.__setattr__(services, "lines", fifty.lines())
    token, _ = await district.sessions.tokens.make("wall", [Scope.READ], 365, "Kim")
    page = await phone(language)
    await page.context.clear_cookies()
    found = []
    for path, ready in (
        ("/login", "h1"), ("/login?token=used", "h1"), ("/roads", ".road"), ("/roads/z01", ".here"),
        ("/roads/z01?said=yes", ".said"), (f"/wall#{language},{token}", ".wall-row"),
    ):  # fmt: skip
        await page.goto(str(phone.server.make_url("/")).rstrip("/") + path)
        await page.wait_for_selector(ready)
        found += await findings(page, f"{path.split(',')[0]} {language}")
        if path.startswith("/roads"):  # it follows the system
            await page.emulate_media(color_scheme="dark")
            found += await findings(page, f"{path} {language} dark")
            await keep(page, f"residents-dark-{language}")
            await page.emulate_media(color_scheme="light")
    phone.errors[:] = [line for line in phone.errors if "status of 40" not in line]  # the used link
    assert found == []
