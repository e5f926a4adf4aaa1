"""One's own sessions on other devices, in the app."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_person_ends_the_sessions_of_other_devices(
    phone: Any,  # noqa: F811
    district: Any,
    language: str,
) -> None:
    page = await phone(language)
    others = []
    for device in ("computer", "phone", "phone"):
        link, _ = await district.sessions.invite("Kim", "crew", "test")
        others.append(await district.sessions.redeem(link, device))
    await page.click(".nav-more")
    rows = page.locator(".other-devices .end")
    await playwright.expect(rows).to_have_count(3)
    await keep(page, f"devices-{language}")
    await rows.first.click()
    await playwright.expect(rows).to_have_count(2)
    await page.click(".end-others")
    await playwright.expect(rows).to_have_count(0)
    assert [await district.sessions.find(one.token) for one in others] == [None] * 3
    await page.wait_for_selector(".notice.good")
    assert await page.locator(".nav-more").is_visible()  # this device stays signed in


@pytest.mark.parametrize(("language", "words"), [("en", "What is kept of you"), ("ko", "저장되는 내 정보")])
async def test_a_person_is_told_what_is_kept(phone: Any, language: str, words: str) -> None:  # noqa: F811
    page = await phone(language)
    await page.click(".nav-more")
    await playwright.expect(page.locator(".kept-of-you")).to_contain_text(words)
