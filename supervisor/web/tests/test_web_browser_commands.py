"""How far a command has come, in the list: its step, its failure, and who took its place."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.domain.override import OverrideState
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark
from supervisor.wire.messages import Flag, Winner

__all__ = ["phone", "pytestmark"]  # a fixture, and when these tests run

WORDS = {
    "ko": ("켜기 · Kim · 요청됨 ●○○○", "켜기 · Kim · 전송됨 ●●○○", "켜기 · Kim · 제어기 수락 ●●●○",
           "켜기 · Kim · 06:20까지", "Lee님이 끄기로 바꿈 · 04:20", "켜기 안 됨 · 누전"),
    "en": ("On · Kim · Requested ●○○○", "On · Kim · Sent ●●○○", "On · Kim · Accepted ●●●○", "On · Kim · until 06:20",
           "Lee changed it to Off · 04:20", "On failed · earth fault"),
}  # fmt: skip


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_a_tile_says_how_far_a_command_has_come(phone: Any, district: Any, language: str) -> None:
    requested, sent, accepted, measured, taken, failed = WORDS[language]
    page = await phone(language)
    await page.wait_for_selector(".link.live")
    await page.click(".fold")  # a road that is heated by hand is fine
    line = page.locator('[data-zone="z02"] .cause')
    made = await district.overrides.request("z02", "on", 120, "snow", "Kim")
    await playwright.expect(line).to_have_text(requested)
    await district.overrides.advance(made.id, OverrideState.SENT)
    await playwright.expect(line).to_have_text(sent)
    await district.overrides.advance(made.id, OverrideState.ACCEPTED)
    await playwright.expect(line).to_have_text(accepted)
    await district.obey(made.id, "z02", 47_000)
    await playwright.expect(line).to_have_text(measured)
    await district.overrides.request("z02", "off", 120, "road works", "Lee")
    await playwright.expect(line).to_have_text(taken)
    await keep(page, f"taken-{language}")

    lost = await district.overrides.request("z01", "on", 120, "snow", "Kim")
    for state in (OverrideState.SENT, OverrideState.ACCEPTED):
        await district.overrides.advance(lost.id, state)
    flags = Flag.EARTH_FAULT | Flag.LATCHED
    district.hear("z01", -2.0, "snow", 3.0, who=Winner.INTERLOCK, flags=flags, plan=district.live.zones["z01"].plan)
    await playwright.expect(page.locator('[data-zone="z01"] .cause')).to_have_text(failed)
    await page.click('[data-zone="z01"]')
    await playwright.expect(page.locator(".running h3.failed")).to_have_text(failed)
    assert await page.locator(".running .countdown").count() == 0  # nothing runs
