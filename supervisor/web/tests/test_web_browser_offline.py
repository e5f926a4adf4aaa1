"""The app without signal, in a real browser: it opens, says how old everything is, and comes back by itself."""

from __future__ import annotations

from typing import Any

from supervisor.web import pages
from supervisor.web.files import StaticFile
from supervisor.web.stream import close_streams
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark, without_signal  # noqa: F401

WORKER_READY = "() => navigator.serviceWorker.ready.then(() => caches.keys()).then(names => names.length === 1)"


async def test_the_app_opens_without_signal_with_what_it_last_saw(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("ko")
    await page.wait_for_selector(".link.live")
    await page.wait_for_function(WORKER_READY)
    await page.evaluate("() => dispatchEvent(new Event('pagehide'))")  # what is shown is kept now
    await page.context.set_offline(True)
    await page.reload()
    await page.wait_for_selector('[data-zone="z01"]')
    await playwright.expect(page.locator(".link.lost")).to_be_visible()
    await keep(page, "offline-ko")
    await page.click('[data-zone="z02"]')
    await page.wait_for_selector("dialog[open] form.command")  # all screens are there
    await page.context.set_offline(False)
    await page.wait_for_selector(".link.live", timeout=40_000)
    phone.errors[:] = [error for error in phone.errors if "ERR_INTERNET_DISCONNECTED" not in error]


async def test_nothing_of_the_district_stays_after_signing_out(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("en")
    await page.wait_for_selector(".link.live")
    await page.evaluate("() => dispatchEvent(new Event('pagehide'))")
    assert "z01" in await page.evaluate("() => localStorage.getItem('roadheat.kept')")
    assert "csrf" not in await page.evaluate("() => localStorage.getItem('roadheat.kept')")
    await page.click(".nav-more")
    await page.click("text=Sign out")
    await page.wait_for_url("**/login")
    assert await page.evaluate("() => localStorage.getItem('roadheat.kept')") is None


async def test_a_newer_version_takes_the_place_of_the_older_one(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("en")
    await page.wait_for_function(WORKER_READY)
    await page.evaluate("() => caches.open('roadheat-shell-older').then(c => c.put('/x', new Response('')))")
    served = district.app[pages.FILES]
    newer = served["shell.js"].body.replace(b'"version": "', b'"version": "newer-')
    served["shell.js"] = StaticFile.of("shell.js", newer, Service_Worker_Allowed="/")
    await page.reload()
    await page.wait_for_function(
        "() => caches.keys().then(names => names.length === 1 && names[0].startsWith('roadheat-shell-newer-'))"
    )
    await page.wait_for_selector(".link.live")


async def offline_command(page: Any, district: Any) -> None:
    """ON for z02 without signal, until the app says that it is kept."""
    await page.context.set_offline(True)
    await close_streams(district.app)  # a connection that stands does not notice
    await page.click('[data-zone="z02"]')
    await page.check(".mode-on input")
    await page.check(".minutes-60 input")
    await page.check(".reason-ice-reported input")
    await page.click("form.command button[type=submit]")
    await page.wait_for_selector(".notice.bad", timeout=40_000)
    await page.keyboard.press("Escape")
    await page.wait_for_selector(".draft-box")


async def test_a_command_without_signal_is_kept_and_sent_only_by_hand(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("ko")
    await page.wait_for_selector(".link.live")
    await offline_command(page, district)
    await playwright.expect(page.locator(".draft-box b")).to_have_text("보내지 못함: 정릉로9길 · 켜기 1시간")
    assert await page.locator(".draft-open").count() == 0
    await keep(page, "draft-ko")
    await page.context.set_offline(False)
    await page.wait_for_selector(".draft-open", timeout=40_000)
    assert await district.store.overrides.made("z02", 0, 4e9) == []  # nothing is sent by itself
    await page.click(".draft-open")
    assert await page.is_checked(".mode-on input")
    assert await page.is_checked(".minutes-60 input")
    await page.click("form.command button[type=submit]")
    await page.wait_for_selector(".running")
    [made] = await district.store.overrides.made("z02", 0, 4e9)
    assert (made.mode, made.expires_utc_s - made.created_utc_s) == ("on", 3_600)
    await page.keyboard.press("Escape")
    await playwright.expect(page.locator(".draft-box")).to_have_count(0)
    without_signal(phone.errors)


async def test_a_draft_is_discarded_by_hand_and_by_age(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("en")
    await page.wait_for_selector(".link.live")
    await offline_command(page, district)
    await page.evaluate("() => { const now = Date.now.bind(Date); Date.now = () => now() + 31 * 60_000; }")
    await playwright.expect(page.locator(".draft-box")).to_have_count(0)
    assert await page.evaluate("() => localStorage.getItem('roadheat.drafts')") == "[]"
    without_signal(phone.errors)
