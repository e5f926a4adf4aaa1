"""The screen on the wall in a real browser: no sign-in, a token behind the #, and honest when nothing comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from supervisor.domain.scope import Scope
from supervisor.web.guard import is_open
from supervisor.web.keys import SERVICES
from supervisor.web.stream import close_streams
from supervisor.web.tests import conftest, fifty
from supervisor.web.tests.test_web_browser import keep, playwright, pytestmark  # noqa: F401

SCREEN = {"width": 1920, "height": 1080}


@pytest.fixture
async def wall(chromium: str, aiohttp_server: Any) -> AsyncIterator[Any]:
    """`await wall(district, language)`: the page as a screen without a session opens it, and what went wrong on it."""
    async with playwright.async_playwright() as started:
        browser = await started.chromium.connect_over_cdp(chromium)
        contexts = []

        async def open_page(district: Any, fragment: str) -> Any:
            server = await aiohttp_server(district.app)
            contexts.append(await browser.new_context(viewport=SCREEN))
            page = await contexts[-1].new_page()
            page.asked, page.wrong = [], []
            page.on("request", lambda sent: page.asked.append(sent.url.removeprefix(str(server.make_url("")))))
            page.on("console", lambda line: page.wrong.append(line.text) if line.type == "error" else None)
            page.on("pageerror", lambda error: page.wrong.append(str(error)))
            await page.goto(str(server.make_url("/wall")) + "#" + fragment)
            return page

        yield open_page
        for context in contexts:
            await context.close()


@pytest.fixture(autouse=True)
def fifty_roads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "ROADS", fifty.roads())


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_dangers_are_shown_without_a_session(wall: Any, district: Any, language: str) -> None:
    fifty.storm(district)
    if language == "ko":  # the other one is of a district without lines
        object.__setattr__(district.app[SERVICES], "lines", fifty.lines())
    token, _ = await district.sessions.tokens.make("wall", [Scope.READ], 365, "Kim")
    page = await wall(district, f"{language},{token}")
    await playwright.expect(page.locator(".wall-row")).to_have_count(6)
    await playwright.expect(page.locator(".feeders li")).to_have_count(2)
    await playwright.expect(page.locator(".wall-old")).to_have_count(0)
    await playwright.expect(page.locator(".map-road")).to_have_count(50 if language == "ko" else 0)
    await keep(page, f"wall-{language}")
    assert page.wrong == []
    assert await page.evaluate("document.querySelector('.wall').scrollHeight <= innerHeight")
    assert await page.evaluate("[...document.querySelectorAll('h2')].every(e => e.scrollWidth <= e.clientWidth)")
    paths = {path.split("?")[0] for path in page.asked}
    assert not any(token in path for path in page.asked)  # behind the #: sent to no server
    assert {path for path in paths if not is_open(path)} == {"/api/v1/stream", "/api/v1/session", "/api/v1/map"}
    assert await page.locator("button, a, input").count() == 0

    await close_streams(district.app)
    for zone in list(district.live.zones)[:6]:
        district.hear(zone, 1.0, "wet", power_w=20_000)
    await page.wait_for_selector(".wall-calm")  # connected again by itself


async def test_a_revoked_token_and_a_missing_one_are_said(wall: Any, district: Any) -> None:
    token, _ = await district.sessions.tokens.make("wall", [Scope.READ], 365, "Kim")
    await district.sessions.tokens.revoke("wall", "Kim")
    page = await wall(district, f"en,{token}")
    await playwright.expect(page.locator(".wall-old")).to_contain_text("Ask an administrator for a new one")
    assert await page.locator(".wall-row").count() == 0


async def test_silence_is_said_across_the_screen(wall: Any, district: Any) -> None:
    token, _ = await district.sessions.tokens.make("wall", [Scope.READ], 365, "Kim")
    page = await wall(district, f"ko,{token}")
    await playwright.expect(page.locator(".wall-count")).to_have_count(2)
    await playwright.expect(page.locator(".wall-old")).to_have_count(0)
    await page.route("**/api/v1/stream*", lambda route: route.abort())
    await close_streams(district.app)
    await page.evaluate("const wall = Date.now.bind(Date); Date.now = () => wall() + 61_000")
    await playwright.expect(page.locator(".wall-old")).to_contain_text("이후 새 정보가 없습니다")
