"""A passkey made and used in a real browser, with its virtual authenticator; and a link that is opened again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import unused_port
from prometheus_client import CollectorRegistry

from supervisor.web import make_app
from supervisor.web.keys import SERVICES
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401

AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def district(district: Any) -> Any:
    """Under an address for which a browser allows passkeys."""
    district.port = unused_port()
    services = replace(
        district.app[SERVICES], public_url=f"http://localhost:{district.port}", registry=CollectorRegistry(),
        contact="상황실 02-2241-1000",
    )  # fmt: skip
    district.app = make_app(services)
    return district


@pytest.fixture
async def aiohttp_server(district: Any, aiohttp_server: Any) -> Any:
    """The server at that address."""

    async def start(app: Any) -> Any:
        server = await aiohttp_server(app, port=district.port)
        server.make_url = lambda path: server._root.with_host("localhost").join(type(server._root)(path))
        return server

    return start


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_a_passkey_signs_in_without_a_link(phone: Any, district: Any, language: str) -> None:  # noqa: F811
    page = await phone(language)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    await page.click(".nav-more")
    await page.click(".make-passkey")
    await playwright.expect(page.locator(".passkeys li")).to_have_count(1)
    assert await page.locator("html").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    await keep(page, f"passkey-made-{language}")
    await page.click(".notice")
    await page.click(".account > .pair >> nth=1 >> button")
    await page.wait_for_url("**/login")
    await playwright.expect(page.locator("#passkey")).to_be_visible()
    assert "02-2241-1000" in await page.inner_text("main")
    await keep(page, f"signed-out-{language}")

    await devtools.send(
        "WebAuthn.setUserVerified", {"authenticatorId": made["authenticatorId"], "isUserVerified": False}
    )
    await page.click("#passkey")  # another finger
    await playwright.expect(page.locator("#passkey-failed")).to_be_visible()
    await keep(page, f"passkey-failed-{language}")
    await devtools.send(
        "WebAuthn.setUserVerified", {"authenticatorId": made["authenticatorId"], "isUserVerified": True}
    )
    await page.click("#passkey")
    await page.wait_for_selector(".card")
    assert [(e.user, e.action) for e in await district.store.audit.entries(0, 4e9)][-1] == ("Kim", "sign-in")

    await page.click(".nav-more")
    await page.click(".remove-passkey")
    await playwright.expect(page.locator(".passkeys li")).to_have_count(0)
    await page.click(".notice")
    await page.click(".account > .pair >> nth=1 >> button")
    await page.wait_for_url("**/login")
    await page.click("#passkey")  # the device still has it, the service no longer
    await playwright.expect(page.locator("#passkey-failed")).to_be_visible()
    phone.errors[:] = [error for error in phone.errors if "401" not in error]


async def test_ones_own_link_opens_the_app_again(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("ko")
    token, _ = await district.sessions.invite("Kim", "crew", "test")
    link = f"http://localhost:{district.port}/login?token={token}"
    await page.goto(link)
    await page.wait_for_selector(".card")
    # From another site, as out of a messenger: the browser keeps the SameSite=Strict cookie back at first.
    await page.route(
        "https://chat.example/",
        lambda route: route.fulfill(content_type="text/html", body=f'<a id="link" href="{link}">{link}</a>'),
    )
    await page.goto("https://chat.example/")
    await page.click("#link")
    await page.wait_for_selector(".card")
    await page.context.clear_cookies()
    await page.goto(link)
    await page.wait_for_url("**/login?used")
    assert "사용할 수 없는 링크" in await page.inner_text("h1")
    phone.errors[:] = [error for error in phone.errors if "401" not in error]


async def test_a_revoked_phone_says_within_15_s_that_it_is_signed_out_and_whom_to_call(
    phone: Any,  # noqa: F811
    district: Any,
) -> None:
    page = await phone("ko")
    await page.wait_for_selector(".link.live")
    await district.sessions.revoke_person("Kim", "test")
    await page.wait_for_selector(".banner", timeout=15_000)
    await keep(page, "revoked-ko")
    await page.click(".banner .button")
    assert "02-2241-1000" in await page.inner_text("main")
    phone.errors[:] = [error for error in phone.errors if "401" not in error]
