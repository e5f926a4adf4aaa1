"""One command for many roads on a phone: chosen by supply or by hand, one preview, a result for each road."""

from __future__ import annotations

import json
from typing import Any

import pytest

from supervisor.web.stream import close_streams
from supervisor.web.tests.test_web_browser import keep, phone, playwright, pytestmark, without_signal

__all__ = ["phone", "pytestmark"]  # a fixture, and when these tests run


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_all_roads_of_a_supply_but_those_that_cannot(phone: Any, district: Any, language: str) -> None:
    page = await phone(language)
    await page.click(".nav-find")
    await page.click(".to-group")
    await page.wait_for_selector(".group-road")
    await page.check(".mode-on input")
    out = await page.eval_on_selector_all(".group-road.out b", "all => all.map(one => one.textContent)")
    assert out == ["삼선동 계단길" if language == "ko" else "Samseon-dong steps"]  # its cable is broken
    await page.uncheck(".group-road:not(.out) input >> nth=0")
    await page.wait_for_selector("[data-testid=preview-icy]")
    await page.check(".reason-snow input")
    await page.locator(".preview-box").scroll_into_view_if_needed()
    await keep(page, f"group-{language}")
    await page.click("button[type=submit]")
    await page.wait_for_selector(".group-roads svg")
    await keep(page, f"group-results-{language}")
    live = await district.store.overrides.live(district.clock.utc_s())
    assert len(live) == 6
    state = page.get_by_test_id(f"state-{live[0].zone}")
    await playwright.expect(state).to_have_text("요청됨" if language == "ko" else "Requested")
    await district.obey(live[0].id, live[0].zone, 40_000)
    await playwright.expect(state).to_have_text("측정 확인" if language == "ko" else "Measured")
    assert {one.mode.value for one in live} == {"on"}
    entries = await district.store.audit.entries(0, 4e9)
    assert [entry.action for entry in entries].count("override") == 1


async def test_off_for_picked_roads_is_asked_twice(phone: Any, district: Any) -> None:
    page = await phone("en")
    await page.goto(page.url.split("#")[0] + "#group")
    await page.check(".scope-hand input")
    await playwright.expect(page.locator(".group > form > .hint")).to_have_text("0 of 8 roads")
    for n in (0, 1):
        await page.check(f".group-road input >> nth={n}")
    await page.check(".mode-off input")
    await page.check(".reason-maintenance input")
    await page.click("button[type=submit]")
    await page.click(".twice .outlined")
    await page.wait_for_selector(".group-roads svg")
    live = await district.store.overrides.live(district.clock.utc_s())
    assert {(one.zone, one.mode.value) for one in live} == {("z01", "off"), ("z02", "off")}


async def test_a_road_that_takes_less_time_is_left_out_and_a_refusal_is_said_in_the_readers_language(
    phone: Any, district: Any
) -> None:
    page = await phone("ko")
    await page.goto(page.url.split("#")[0] + "#group")
    await page.check(".mode-on input")
    await page.check(".minutes-480 input")
    await page.wait_for_selector(".group-road.out:has-text('길음로2길') small:has-text('최대')")
    await page.check(".minutes-120 input")
    await page.check(".reason-snow input")
    await page.route("**/api/v1/overrides", lambda route: route.continue_(post_data=too_long(route.request.post_data)))
    await page.click("button[type=submit]")
    refused = page.locator(".group-roads .failed em")
    await playwright.expect(refused).to_have_text("이 도로에 허용된 시간보다 깁니다.")
    await keep(page, "group-refused-ko")


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_roads_beyond_the_contract_are_told_to_take_turns(phone: Any, district: Any, language: str) -> None:
    page = await phone(language)
    await page.goto(page.url.split("#")[0] + "#group")
    await page.check(".mode-on input")
    await page.check(".reason-snow input")
    await page.wait_for_selector(".take-turns")
    assert "₩" in await page.inner_text(".at-once")  # what all at once costs more
    await page.locator(".turns-hint").scroll_into_view_if_needed()
    await keep(page, f"group-turns-{language}")
    await page.click(".take-turns")
    await page.wait_for_selector(".group-roads svg")
    live = await district.store.overrides.live(district.clock.utc_s())
    power = {zone: known.zone.power_w for zone, known in district.live.zones.items()}
    assert 0 < sum(power[one.zone] for one in live) <= 300_000
    later = "차례 기다림" if language == "ko" else "Its turn comes later"
    await playwright.expect(page.locator(f".group-roads small:has-text('{later}')")).to_have_count(7 - len(live))
    await page.click(".group > .big")
    await playwright.expect(page.locator(".turns-standing")).to_contain_text("7")
    await keep(page, f"group-turns-standing-{language}")
    await page.click(".turns-standing .big")
    await playwright.expect(page.locator(".turns-standing")).to_have_count(0)
    assert await district.store.overrides.live(district.clock.utc_s()) == []


async def test_a_group_without_signal_is_kept_and_sent_only_by_hand(phone: Any, district: Any) -> None:
    page = await phone("ko")
    await page.goto(page.url.split("#")[0] + "#group")
    await page.wait_for_selector(".link.live")
    await page.check(".scope-hand input")
    for n in (0, 1):
        await page.check(f".group-road input >> nth={n}")
    await page.check(".mode-on input")
    await page.check(".minutes-60 input")
    await page.check(".reason-snow input")
    await page.context.set_offline(True)
    await close_streams(district.app)
    await page.click("button[type=submit]")
    await page.wait_for_selector(".notice.bad", timeout=40_000)
    await page.click(".nav-roads")
    await page.wait_for_selector(".draft-box")
    await playwright.expect(page.locator(".card .cause:has-text('신호가 오면 다시 물음')")).to_have_count(2)
    await page.context.set_offline(False)
    await page.wait_for_selector(".draft-open", timeout=40_000)
    assert await district.store.overrides.live(district.clock.utc_s()) == []  # nothing is sent by itself
    await page.click(".draft-open")
    await page.wait_for_selector("button[type=submit]:not([disabled])")
    assert await page.is_checked(".minutes-60 input")
    await page.click("button[type=submit]")
    await page.wait_for_selector(".group-roads svg")
    live = await district.store.overrides.live(district.clock.utc_s())
    assert [(one.mode.value, one.expires_utc_s - one.created_utc_s) for one in live] == [("on", 3_600)] * 2
    await page.click(".nav-roads")
    await playwright.expect(page.locator(".draft-box")).to_have_count(0)
    without_signal(phone.errors)


def too_long(body: str) -> str:
    """As from an app that does not know the road's newest limit."""
    return json.dumps(json.loads(body) | {"minutes": 300})
