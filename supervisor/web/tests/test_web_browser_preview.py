"""What a command would do, on a phone: shown before it is sent, OFF in danger asked twice, and never waited for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from supervisor.web.keys import SERVICES
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark

__all__ = ["phone", "pytestmark"]  # a fixture, and when these tests run


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_the_effect_is_shown_and_off_in_snow_is_asked_twice(phone: Any, district: Any, language: str) -> None:
    await district.overrides.request("z03", "on", 60, "Ice reported", "Park")
    page = await phone(language)
    await page.click(".fold")
    await page.click('[data-zone="z03"]')
    await page.click(".running .pair .big >> nth=1")  # change
    await page.check(".mode-on input")
    await page.wait_for_selector("[data-testid=preview-icy]")
    assert "Park" in await page.inner_text(".replaces")
    assert "kWh" in await page.inner_text(".preview-box")
    await page.locator(".preview").scroll_into_view_if_needed()
    await keep(page, f"preview-on-{language}")

    await page.check(".mode-off input")
    await page.check(".reason-maintenance input")
    await page.click("button[type=submit]")
    await page.wait_for_selector(".twice")
    await page.locator(".twice").scroll_into_view_if_needed()
    await keep(page, f"off-twice-{language}")
    await page.click(".twice .primary")  # keep heating
    await page.wait_for_selector(".twice", state="detached")
    assert [one.mode for one in await district.store.overrides.live(district.clock.utc_s())] == ["on"]
    await page.click("button[type=submit]")
    await page.click(".twice .outlined")
    await page.wait_for_selector(".running")
    assert [one.mode for one in await district.store.overrides.live(district.clock.utc_s())] == ["off"]


async def test_the_question_is_answered_by_its_own_buttons_only_and_goes_with_its_command(
    phone: Any, district: Any
) -> None:
    page = await phone("en")
    await page.click(".fold")
    await page.click('[data-zone="z02"]')  # snow lies
    await page.check(".mode-off input")
    await page.check(".reason-maintenance input")
    await page.click("button[type=submit]")
    await page.wait_for_selector(".twice")
    await page.press("label.text input", "Enter")  # sends the form again
    await playwright.expect(page.locator(".twice")).to_be_visible()
    assert await district.store.overrides.live(district.clock.utc_s()) == []
    await page.check(".mode-on input")
    await page.wait_for_selector(".twice", state="detached")
    await page.click("button[type=submit]")
    await page.wait_for_selector(".running")
    assert [one.mode for one in await district.store.overrides.live(district.clock.utc_s())] == ["on"]


async def test_a_preview_that_does_not_come_holds_up_nothing(phone: Any, district: Any) -> None:
    async def hangs(_: object) -> list[Any]:
        await asyncio.sleep(60)
        return []

    district.app[SERVICES].previews._planned = hangs
    page = await phone("en")
    await page.click(".fold")
    await page.click('[data-zone="z07"]')  # dry: nothing to ask twice about
    await page.check(".mode-off input")
    await page.check(".reason-maintenance input")
    await playwright.expect(page.locator("form.command [role=status]")).to_contain_text("not known yet")
    await page.click("button[type=submit]")
    await page.wait_for_selector(".running")
    await page.keyboard.press("Escape")

    await page.click('[data-zone="z02"]')  # snow lies: asked twice although nothing is known
    await page.check(".mode-off input")
    await page.check(".reason-maintenance input")
    await page.click("button[type=submit]")
    await page.click(".twice .outlined")
    await page.wait_for_selector(".running")
    live = await district.store.overrides.live(district.clock.utc_s())
    assert {(one.zone, one.mode.value) for one in live} == {("z07", "off"), ("z02", "off")}
