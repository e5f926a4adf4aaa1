"""The crew app in a real browser on a phone's screen. ROADHEAT_SCREENSHOTS=<folder> keeps what it saw."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from supervisor.domain.override import OverrideState
from supervisor.store import passkeys, people
from supervisor.store.passkeys import Passkey
from supervisor.web.stream import close_streams
from supervisor.web.tests.browser import CHROMIUM, FLAGS
from tools.get_servers import driver_runs

playwright = pytest.importorskip(
    "playwright.async_api", reason="playwright is not installed: `uv sync --group browser`"
)

PHONE = {"width": 390, "height": 844}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium: `apt-get install chromium`"),
    pytest.mark.skipif(not driver_runs(), reason="Playwright's driver does not start: `apt-get install libatomic1`"),
]


@pytest.fixture
async def phone(chromium: str, district: Any, aiohttp_server: Any) -> AsyncIterator[Any]:
    """`await phone(language)`: a signed-in page on a phone; fails the test on any error in the page."""
    server = await aiohttp_server(district.app)
    errors: list[str] = []
    async with playwright.async_playwright() as started:
        browser = await started.chromium.connect_over_cdp(chromium)
        contexts = []

        async def open_page(
            language: str, size: dict[str, int] = PHONE, role: str = "crew", profile: Path | None = None
        ) -> Any:
            look = {
                "viewport": size, "locale": language, "device_scale_factor": 2, "is_mobile": True, "has_touch": True,
                "reduced_motion": "reduce",
            }  # fmt: skip
            if profile:  # pushed messages come to nothing but a profile on the disk
                context = await started.chromium.launch_persistent_context(
                    profile, executable_path=CHROMIUM, args=FLAGS, **look
                )
            else:
                context = await browser.new_context(**look)
            contexts.append(context)
            page = context.pages[0] if profile else await context.new_page()
            page.set_default_timeout(15_000)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda line: errors.append(line.text) if line.type in ("error", "warning") else None)
            token, _ = await district.sessions.invite("Kim", role, "test")
            await page.goto(str(server.make_url("/login").with_query(token=token)))
            await page.wait_for_selector(".card, .dense")
            return page

        open_page.errors = errors  # type: ignore[attr-defined]
        open_page.server = server  # type: ignore[attr-defined]
        yield open_page
        for context in contexts:
            await context.close()
    assert errors == []


async def keep(page: Any, name: str) -> None:
    """Save a screenshot where the environment asks for it."""
    if folder := os.environ.get("ROADHEAT_SCREENSHOTS"):
        await page.screenshot(path=f"{folder}/{name}.png")


def without_signal(errors: list[str]) -> None:
    """The browser's own lines about a missing network are no errors of the page."""
    own = ("ERR_INTERNET_DISCONNECTED", "icon from the Manifest")  # it fetches the icon again when it likes
    errors[:] = [error for error in errors if not any(words in error for words in own)]


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_list_and_override(phone: Any, district: Any, language: str) -> None:
    standing = await district.overrides.request("z05", "boost", 120, "Resident called", "Park")
    await district.obey(standing.id, "z05", 71_000)
    page = await phone(language)
    await page.wait_for_selector(".link.live")
    await page.click(".fold")
    order = await page.eval_on_selector_all(".card", "cards => cards.map(card => card.dataset.zone)")
    assert order[:2] == ["z01", "z02"]  # ice, then snow
    assert set(order[2:4]) == {"z06", "z08"}  # trouble
    assert order[4] == "z05"  # by hand
    await keep(page, f"list-{language}")

    await page.click('[data-zone="z03"]')
    await page.wait_for_selector("dialog[open] .chart canvas")
    await keep(page, f"panel-{language}")
    await page.check(".mode-on input")
    await page.click("button[type=submit]")
    assert await page.is_visible(".pick-reason .missing")
    await page.check(".minutes-60 input")
    await page.check(".reason-ice-reported input")
    await keep(page, f"form-{language}")
    await page.click("button[type=submit]")
    await page.wait_for_selector(".running")
    [made] = [each for each in await district.store.overrides.live(district.clock.utc_s()) if each.zone == "z03"]
    assert (made.mode, made.user, made.expires_utc_s - made.created_utc_s) == ("on", "Kim", 3_600)

    assert await page.locator(".steps .done").count() == 1
    await district.obey(made.id, "z03", 55_000)
    await playwright.expect(page.locator(".steps .done")).to_have_count(4)
    first = await page.inner_text(".countdown")
    await playwright.expect(page.locator(".countdown")).not_to_have_text(first)
    assert first.startswith(("59:", "1:00:00"))
    await page.click(".notice")
    await page.wait_for_selector(".notice", state="detached")
    await keep(page, f"running-{language}")

    await page.click(".running .pair .big >> nth=0")
    await page.click(".running .danger")
    await page.wait_for_selector("form.command")
    await page.wait_for_selector(".notice.good")  # it is recorded
    assert all(each.zone != "z03" for each in await district.store.overrides.live(district.clock.utc_s()))
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog", state="detached")


async def test_a_narrow_phone_has_room_and_large_targets(phone: Any) -> None:
    page = await phone("ko", {"width": 320, "height": 640}, role="admin")
    for step in ("list", "panel"):
        if step == "panel":
            await page.click('[data-zone="z02"]')
            await page.check(".mode-boost input")
        sizes = await page.eval_on_selector_all(
            "button, .choice, a",
            "all => all.map(e => [e.className, e.offsetWidth, e.offsetHeight, e.innerText || e.ariaLabel])",
        )
        assert [size for size in sizes if size[1] < 48 or size[2] < 48 or not size[3]] == []
        for box in ("html", ".panel-body")[: 1 + (step == "panel")]:
            assert await page.locator(box).evaluate("e => e.scrollWidth - e.clientWidth") == 0
        await keep(page, f"narrow-{step}")


async def test_a_lost_answer_is_asked_for_again_and_commands_once(phone: Any, district: Any) -> None:
    page = await phone("en")
    lost = []

    async def lose_first(route: Any) -> None:
        if not lost:
            lost.append(await route.fetch())  # it arrives and is carried out; the answer is lost on the way back
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/overrides", lose_first)
    await page.click(".fold")
    await page.click('[data-zone="z04"]')
    await page.check(".mode-on input")
    await page.check(".reason-snow input")
    await page.dblclick("button[type=submit]")
    await page.wait_for_selector(".notice.good")  # the second answer; the stream shows the command before it
    await page.wait_for_selector(".running")
    assert len(lost) == 1
    assert len(await district.store.overrides.made("z04", 0, 4e9)) == 1
    phone.errors[:] = [error for error in phone.errors if "ERR_FAILED" not in error]


async def test_refusals_and_sign_out_are_said(phone: Any, district: Any) -> None:
    page = await phone("en")
    await page.click(".fold")
    await page.click('[data-zone="z07"]')
    await page.check(".mode-off input")
    await page.check(".reason-road-clear input")
    await page.click("button[type=submit]")
    await page.click(".twice .outlined")  # it snows
    await page.wait_for_selector(".running")
    [made] = await district.store.overrides.live(district.clock.utc_s())
    await district.overrides.advance(made.id, OverrideState.REFUSED)
    await playwright.expect(page.locator(".notice.bad")).to_contain_text("refused")

    await district.store.write(lambda db: people.end_sessions_of(db, "Kim"))
    await page.check(".mode-off input")
    await page.check(".reason-road-clear input")
    await page.click("button[type=submit]")
    await playwright.expect(page.locator(".notice.bad")).to_contain_text("signed out")
    await playwright.expect(page.locator("dialog .link")).to_have_text("Signed out")
    assert await page.locator("#app > .starting").count() == 0
    phone.errors[:] = [error for error in phone.errors if "401" not in error]


async def test_a_link_in_another_site_signs_in(phone: Any, district: Any, aiohttp_server: Any) -> None:
    page = await phone("en")
    await page.context.clear_cookies()
    link = str(phone.server.make_url(await district.sessions.first_link())).replace("localhost", "127.0.0.1")

    async def messenger(_request: web.Request) -> web.Response:
        return web.Response(text=f'<a href="{link}">open</a>', content_type="text/html")

    other = web.Application()
    other.router.add_get("/", messenger)
    site = await aiohttp_server(other)
    await page.goto(str(site.make_url("/")).replace("127.0.0.1", "localhost"))
    await page.click("a")
    await page.wait_for_selector(".card")
    await page.click(".nav-more")
    await page.click(".invite-open")
    await page.fill("dialog input[required]", "이민수")
    await page.click("dialog button[type=submit]")
    await playwright.expect(page.locator(".invitation input")).to_have_value(
        re.compile(r"http://127\.0\.0\.1:\d+/login\?token=[\w-]{40,}")
    )
    await keep(page, "invite")
    phone.errors.clear()


async def test_the_countdown_follows_a_fast_clock(phone: Any, district: Any) -> None:
    district.clock.run(200.0)
    page = await phone("en")
    made = await district.overrides.request("z04", "on", 480, "Snow on the road", "Kim")
    await playwright.expect(page.locator(".fast")).to_have_text("×200")
    before_s = made.expires_utc_s - district.clock.utc_s()
    await page.click(".fold")
    await page.click('[data-zone="z04"]')
    shown = await page.inner_text(".countdown")
    after_s = made.expires_utc_s - district.clock.utc_s()
    hours, minutes, seconds = (int(part) for part in shown.split(":"))
    one_wall_second = 200
    assert after_s - one_wall_second < hours * 3600 + minutes * 60 + seconds < before_s + one_wall_second


async def test_a_lost_connection_is_said_and_comes_back(phone: Any, district: Any) -> None:
    page = await phone("en")
    await page.wait_for_selector(".link.live")
    await page.context.set_offline(True)
    await close_streams(district.app)
    await playwright.expect(page.locator(".link.lost")).to_have_text(re.compile(r"Stale \d+ s"))
    district.hear("z07", -2.0, "ice", 0.3)
    await page.context.set_offline(False)
    await page.wait_for_selector(".link.live")
    await playwright.expect(page.locator('[data-zone="z07"] .sign-icy')).to_have_count(1)
    phone.errors[:] = [error for error in phone.errors if "ERR_INTERNET_DISCONNECTED" not in error]


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_an_admin_ends_a_lost_phone_and_a_link(phone: Any, district: Any, language: str) -> None:
    lost, _ = await district.sessions.invite("이민수", "crew", "상황실 1")
    session = await district.sessions.redeem(lost, "phone")
    passkey = Passkey(b"id", "이민수", b"handle", "phone", b"key", 0, int(district.clock.utc_s()) - 86_400)
    await district.store.write(lambda db: passkeys.add(db, passkey))
    await district.sessions.invite("박서연", "viewer", "상황실 1")
    page = await phone(language, role="admin")
    await page.click(".nav-more")
    await page.click(".people-open")
    await playwright.expect(page.locator("dialog .person > .row")).to_have_count(4)  # three people and a link
    assert await page.locator(".warn").is_visible()  # one administrator only
    await keep(page, f"people-{language}")
    await page.click(".person .row:has-text('이민수')")
    await keep(page, f"people-open-{language}")
    sizes = await page.eval_on_selector_all(
        "dialog button", "all => all.map(e => [e.offsetWidth, e.offsetHeight, e.innerText || e.ariaLabel])"
    )
    assert [size for size in sizes if size[0] < 48 or size[1] < 48 or not size[2]] == []
    assert await page.locator(".panel-body").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    await page.click(".devices .end")
    await playwright.expect(page.locator(".devices .end")).to_have_count(0)
    assert await district.sessions.find(session.token) is None
    await page.click(".remove-passkey")
    await playwright.expect(page.locator(".remove-passkey")).to_have_count(0)
    assert await district.store.read(passkeys.passkeys) == []
    await page.click(".cancel-link")
    await playwright.expect(page.locator(".cancel-link")).to_have_count(0)
    await page.click(".devices .remove >> nth=0")
    await page.click(".devices .danger")
    await playwright.expect(page.locator("dialog .person > .row")).to_have_count(2)
    assert [person.name for person in await district.sessions.people()] == ["Kim", "박서연"]

    await page.click(".person .row:has-text('Kim')")  # the own and only administrator: refused with a sentence
    await page.click(".devices .end")
    await page.wait_for_selector("dialog .notice.bad")
    await keep(page, f"people-last-{language}")
    phone.errors[:] = [error for error in phone.errors if "409" not in error]


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_an_admin_gives_a_program_access_and_ends_it(phone: Any, district: Any, language: str) -> None:
    await district.sessions.tokens.make("상황실 벽면", ["read"], 365, "상황실 1")
    page = await phone(language, role="admin")
    await page.click(".nav-more")
    await page.click(".people-open")
    await playwright.expect(page.locator(".token")).to_have_count(1)
    await keep(page, f"tokens-{language}")
    await page.click(".new-token-open")
    await page.fill(".new-token input[type=text]", "도로 전광판")
    await page.check(".scope-command input")
    await page.check(".days-30 input")
    await keep(page, f"token-new-{language}")
    await page.click(".new-token button[type=submit]")
    shown = await page.input_value(".new-token .invitation input")
    await keep(page, f"token-made-{language}")
    found = await district.sessions.tokens.find(shown)
    assert (found.user, found.scopes) == ("token:도로 전광판", {"read", "command"})
    assert found.expires_utc_s == pytest.approx(district.clock.utc_s() + 30 * 86_400, abs=60)
    await page.click(".new-token .round")
    await playwright.expect(page.locator(".token")).to_have_count(2)
    await page.click(".token:has-text('전광판') .end-token")
    assert await district.sessions.tokens.find(shown) is not None  # asked once more
    await page.click(".token:has-text('전광판') .end-token")
    await playwright.expect(page.locator(".token")).to_have_count(1)
    assert await district.sessions.tokens.find(shown) is None


@pytest.mark.parametrize("steady_too", [False, True])  # performance.now() stands still in sleep on most systems
async def test_a_phone_that_slept_for_two_hours_says_so_at_once_and_reconnects(
    phone: Any, district: Any, steady_too: bool
) -> None:
    page = await phone("en")
    await page.wait_for_selector(".link.live")
    asked, held = asyncio.Event(), asyncio.Event()

    async def hold(route: Any) -> None:
        asked.set()
        await held.wait()
        await route.continue_()

    await page.route("**/api/v1/stream*", hold)
    before = await page.inner_text("header p")
    await page.evaluate(
        """steady_too => {
            const [wall, steady] = [Date.now.bind(Date), performance.now.bind(performance)];
            Date.now = () => wall() + 7_200_000;
            if (steady_too) performance.now = () => steady() + 7_200_000;
            dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}));
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        steady_too,
    )
    await playwright.expect(page.locator(".link.lost")).to_have_text("Stale 2 h")
    assert await page.inner_text("header p") != before
    await asyncio.wait_for(asked.wait(), 15)
    district.hear("z07", -2.0, "ice", 0.3)
    held.set()
    await page.wait_for_selector(".link.live")
    await playwright.expect(page.locator('[data-zone="z07"] .sign-icy')).to_have_count(1)
