"""Small things that made the app hard to use: focus, narrow screens, broken addresses, toasts, ages, odd letters."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.domain.plan import Reason
from supervisor.web.tests.conftest import NIGHT_UTC_S, make_plan
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401

FOCUSED = "() => { const e = document.activeElement; return e.dataset.zone ?? e.className; }"


@pytest.mark.parametrize(
    ("screen", "opener"),
    [("", '[data-zone="z02"]'), ("#more", ".history-open"), ("", ".nav-shift"),
     ("#more", ".people-open"), ("#more", ".invite-open")],
)  # fmt: skip
async def test_focus_is_back_where_it_was_once_a_dialog_is_closed(
    phone: Any,  # noqa: F811
    district: Any,
    screen: str,
    opener: str,
) -> None:
    page = await phone("en", role="admin")
    if screen:
        await page.click(".nav-more")
    await page.focus(opener)
    before = await page.evaluate(FOCUSED)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("dialog[open]")
    assert await page.evaluate("() => document.activeElement.closest('dialog') !== null")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog[open]", state="detached")
    await page.wait_for_function(f"before => ({FOCUSED})() === before", arg=before, timeout=3_000)


@pytest.mark.parametrize("address", ["#/%E0%A4%A", "#/nowhere", "#%%%", "#/", "#zone=<b>"])
async def test_a_broken_address_shows_the_list(phone: Any, address: str) -> None:  # noqa: F811
    page = await phone("ko")
    await page.evaluate("address => { location.hash = address; }", address)
    await page.reload()
    await page.wait_for_selector(".card")
    assert await page.locator("dialog[open]").count() == 0


async def test_no_toast_lies_over_a_button_of_a_dialog(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("ko")
    await page.click('[data-zone="z02"]')
    await page.click(".work-ploughed")
    await page.click(".work-send")
    await page.wait_for_selector(".notice.good")
    await keep(page, "toast-ko")
    covered = await page.evaluate("""() => {
        const toast = document.querySelector('.notice').getBoundingClientRect();
        const all = [...document.querySelectorAll('dialog[open] button:not(.notice), dialog[open] input')];
        const over = all.filter(e => {
            const b = e.getBoundingClientRect(), body = e.closest('.panel-body')?.getBoundingClientRect();
            return b.top < toast.bottom && (body ? Math.min(b.bottom, body.bottom) : b.bottom) > toast.top; });
        return over.map(e => e.className); }""")
    assert covered == []


async def test_what_failed_under_a_dialog_is_said_in_it(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("ko", role="admin")
    await page.click(".nav-more")
    await page.click(".invite-open")
    await page.fill(".panel input[type=text]", "kim")  # looks like Kim
    await page.click("button[type=submit]")
    await page.wait_for_selector("dialog[open] .notice.bad")
    assert await page.evaluate("""() => {
        const b = document.querySelector('dialog .notice.bad').getBoundingClientRect();
        return document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2).closest('.notice') !== null; }""")
    phone.errors.clear()  # the browser's own line about the refusal


async def test_a_day_long_reason_names_its_days(phone: Any, district: Any) -> None:  # noqa: F811
    day = Reason(0, 24 * 3600, "dries-by-itself", 0.2, NIGHT_UTC_S + 3600)
    district.hear("z03", 0.8, "wet", power_w=33_000, plan=make_plan("z03", day))
    page = await phone("ko")
    await page.click(".fold")
    await page.click('[data-zone="z03"]')
    await playwright.expect(page.locator(".reasons .span").first).to_have_text("04:20–내일 04:20")


async def test_an_old_screen_says_its_age_in_words_that_fit(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("en")
    await page.wait_for_selector(".link.live")
    for seconds, words in ((35, "35 s"), (300, "5 min"), (3 * 3600, "3 h")):
        text = await page.evaluate(
            """async seconds => { const { model, changed } = await import('/static/model.js');
            model.live.silent_ms = () => seconds * 1000; model.link = 'lost'; changed();
            await new Promise(done => setTimeout(done, 300)); return document.querySelector('.link').textContent; }""",
            seconds,
        )
        assert words in text


async def test_emoji_and_right_to_left_reasons_are_taken(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("ko")
    await page.click('[data-zone="z02"]')
    await page.check(".mode-on input")
    await page.fill(".pick-reason input[type=text]", "❄️👷‍♂️ 학교 앞 جليد\u200f \u202eab")
    await page.click("button[type=submit]")
    await page.wait_for_selector(".running")
    [made] = await district.store.overrides.live(district.clock.utc_s())
    assert made.reason == "❄️👷‍♂️ 학교 앞 جليد ab"  # what turns the line round is left out
