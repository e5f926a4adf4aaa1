"""Notifications, roster and maintenance in a real browser."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from supervisor.config import load
from supervisor.config.tests.examples import EXAMPLE
from supervisor.control.notify.opening import open_telling
from supervisor.web import make_app
from supervisor.web.keys import SERVICES
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark  # noqa: F401


@pytest.fixture
async def district(district: Any, tmp_path: Path) -> AsyncIterator[Any]:
    """With somebody who notifies people."""
    config = msgspec.structs.replace(load(EXAMPLE, without_data=True), path=tmp_path / "city.toml")
    async with open_telling(config, district.store, district.alarms, district.clock) as telling:
        district.telling = telling
        services = replace(district.app[SERVICES], telling=telling, registry=CollectorRegistry())
        district.app = make_app(services)
        yield district


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_maintenance_and_shifts_are_begun_and_ended(phone: Any, district: Any, language: str) -> None:  # noqa: F811
    page = await phone(language, role="engineer")
    await page.click(".nav-more")
    await page.click(".duty-open")
    await page.fill(".duty form >> nth=0 >> input", "케이블 교체")
    await page.click(".duty form >> nth=0 >> .send button")
    await playwright.expect(page.locator(".duty section >> nth=0 >> .people li")).to_have_count(1)
    (window,) = district.telling.duty.windows()
    assert (window.reason, window.made_by) == ("케이블 교체", "Kim")
    assert window.until_utc_s - window.from_utc_s == pytest.approx(7200, abs=30)
    form = page.locator(".duty form >> nth=1")
    await form.locator("input").nth(0).fill("이순신")
    await form.locator("input").nth(1).fill("2026-12-01T18:00")
    await form.locator("input").nth(2).fill("2026-12-02T06:00")
    await form.locator(".send button").click()
    await playwright.expect(page.locator(".duty section >> nth=1 >> .people li")).to_have_count(1)
    (shift,) = district.telling.duty.shifts()
    assert (shift.person, shift.until_utc_s - shift.from_utc_s) == ("이순신", 12 * 3600)
    assert shift.from_utc_s == datetime(2026, 12, 1, 9, tzinfo=UTC).timestamp()  # 18:00 in Seoul
    await keep(page, f"duty-{language}")
    assert await page.locator("html").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    await page.click(".duty section >> nth=0 >> .end")
    await playwright.expect(page.locator(".duty section >> nth=0 >> .people li")).to_have_count(0)


async def test_a_message_is_shown_while_the_app_is_closed(phone: Any, district: Any, tmp_path: Path) -> None:  # noqa: F811
    page = await phone("ko", profile=tmp_path / "profile")
    origin = str(phone.server.make_url("/")).rstrip("/")
    await page.context.grant_permissions(["notifications"], origin=origin)
    devtools = await page.context.new_cdp_session(page)
    registrations: dict[str, str] = {}  # by scope
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.update({one["scopeURL"]: one["registrationId"] for one in event["registrations"]}),
    )
    await devtools.send("ServiceWorker.enable")
    await page.click(".nav-more")
    await page.click(".push-switch")  # no push service can be reached from here: it is said, and nothing breaks
    await playwright.expect(page.locator(".notice")).to_be_visible(timeout=20_000)
    await keep(page, "notifications-ko")
    told = {
        "title": "긴급 · 성산로 12: 누전",
        "body": "제어반을 만지지 마세요.",
        "tag": "earth-fault/z01",
        "event": "raised",
    }
    active = """async () => {
        const registration = await navigator.serviceWorker.getRegistration("/static/");
        return registration?.active?.state === "activated";
    }"""
    await page.wait_for_function(active, timeout=60_000)  # a message to one that is still being installed is lost
    registration = registrations[f"{origin}/static/"]
    await devtools.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": registration, "data": json.dumps(told)},
    )
    shown = """async () => {
        const registration = await navigator.serviceWorker.getRegistration("/static/");
        for (let round = 0; round < 200; round++) {
            const found = await registration.getNotifications();
            if (found.length) return found.map((one) => [one.title, one.body, one.tag]);
            await new Promise((done) => setTimeout(done, 100));
        }
        return [];
    }"""
    assert await page.evaluate(shown) == [[told["title"], told["body"], told["tag"]]]


async def test_a_crew_chooses_a_road_and_is_not_offered_all_of_them(phone: Any, district: Any) -> None:  # noqa: F811
    page = await phone("en", role="crew")
    await page.click(".nav-more")
    await page.click(".duty-open")
    form = page.locator(".duty form >> nth=0")
    await form.locator("input").fill("new cable")
    await form.locator(".send button").click()  # nothing is chosen: the browser says so
    await playwright.expect(form.locator("select:invalid")).to_have_count(1)
    assert "All roads" not in await form.inner_text()
    await form.locator("select").first.select_option("z01")
    await form.locator(".send button").click()
    await playwright.expect(page.locator(".duty section >> nth=0 >> .people li")).to_have_count(1)
    assert [(one.subject, one.made_by) for one in district.telling.duty.windows()] == [("z01", "Kim")]
