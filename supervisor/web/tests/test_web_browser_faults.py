"""Fifty zones in a storm with faults, and electric danger, on a phone.

ROADHEAT_SCREENSHOTS=<folder> keeps what it saw.
"""

# ruff: noqa: F811 - the fixture `phone` is another module's

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from supervisor.control.degraded import DegradedCode
from supervisor.control.sky import Sky
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.danger import DangerKind
from supervisor.domain.override import OverrideState
from supervisor.domain.plan import Reason
from supervisor.web.keys import SERVICES
from supervisor.web.tests import conftest
from supervisor.web.tests.conftest import NIGHT_UTC_S, make_plan
from supervisor.web.tests.test_web_browser import PHONE, keep, phone, playwright, pytestmark  # noqa: F401
from supervisor.wire.messages import Flag, Hello, ResultFrame, ToBoard, Winner

DESK = {"width": 1920, "height": 1080}
EARTH = Flag.EARTH_FAULT | Flag.LATCHED
STREETS = ["Solsaem-ro", "Daesagwan-ro", "Dongsomun-ro", "Dolgoji-ro", "Jongam-ro", "Seongbuk-ro"]
STREETS_KO = ["솔샘로", "대사관로", "동소문로", "돌곶이로", "종암로", "성북로"]
FAULTED = {
    "z11": {"who": Winner.INTERLOCK, "flags": EARTH},
    "z17": {"who": Winner.MAINTENANCE},
    "z23": {"who": Winner.OVERRIDE, "flags": Flag.CABLE_BROKEN},
    "z29": {"who": Winner.INTERLOCK, "flags": Flag.SENSOR_IMPLAUSIBLE},
    "z35": {"who": Winner.PLAN, "online": False},
    "z41": {"who": Winner.PLAN},  # simply not heated
}
NEVER_HEARD = "z47"


@pytest.fixture(autouse=True)
def fifty(monkeypatch: pytest.MonkeyPatch) -> None:
    roads = [
        (f"z{n:02d}", f"{STREETS[n % 6]} {n}-gil", f"{STREETS_KO[n % 6]}{n}길", 40 + n % 30, 480) for n in range(1, 51)
    ]
    monkeypatch.setattr(conftest, "ROADS", roads)
    monkeypatch.setattr(conftest.District, "snow", storm)


def storm(district: Any) -> None:
    """It snows; most roads melt it, some are clear, six are snowed in, one was never heard."""
    district.live.see(Sky("snow", True))
    preheat = Reason(0, 2400, "preheat-snow", 0.7, NIGHT_UTC_S - 300)  # planned before it began
    for n in range(1, 51):
        zone, plan = f"z{n:02d}", make_plan(f"z{n:02d}", preheat, heat=(0, 6, 900))
        if zone in FAULTED:
            district.hear(zone, -1.8, "snow", 5.0, plan=plan, **FAULTED[zone])
        elif zone == NEVER_HEARD:
            district.live.zones[zone].surface_word, district.live.zones[zone].lying_mm = "dry", 0.0
        elif n % 3:
            district.hear(zone, 0.1, "snow", 0.5 + n % 5, power_w=(40 + n % 30) * 1000, plan=plan)
        else:
            district.hear(zone, 1.4, "wet", power_w=(40 + n % 30) * 1000, plan=plan)


async def order(page: Any) -> list[str]:
    found: list[str] = await page.eval_on_selector_all(".card", "cards => cards.map(card => card.dataset.zone)")
    return found


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_snowed_in_roads_without_heat_come_first_and_nothing_is_preheated(
    phone: Any,
    district: Any,
    language: str,
) -> None:
    page = await phone(language)
    await page.wait_for_selector(".link.live")
    found = await order(page)
    assert set(found[:6]) == set(FAULTED)
    assert found[6] == NEVER_HEARD
    await keep(page, f"faults-list-{language}")
    await page.click(".fold")
    text = await page.inner_text("main")
    assert ("Preheating" if language == "en" else "예열") not in text
    assert ("Snowing, being heated" if language == "en" else "눈 오는 중, 가열 중") in text
    assert await page.locator(f'[data-zone="{NEVER_HEARD}"] .sign-unknown').count() == 1
    assert await page.locator(".sign-dry").count() == 0
    await page.click(f'[data-zone="{NEVER_HEARD}"]')
    await page.wait_for_selector("dialog .stop")
    assert await page.locator("dialog .sign-unknown").count() == 1
    await keep(page, f"faults-never-heard-{language}")


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_on_on_a_road_with_an_earth_fault_is_shown_as_not_heating(
    phone: Any,
    district: Any,
    language: str,
) -> None:
    made = await district.overrides.request("z11", "on", 120, "Snow on the road", "Park")
    for state in (OverrideState.SENT, OverrideState.ACCEPTED):
        await district.overrides.advance(made.id, state)
    page = await phone(language)
    await page.click('[data-zone="z11"]')
    heading = "Not heating: earth fault" if language == "en" else "가열 안 됨: 누전"
    await playwright.expect(page.locator(".stop h3")).to_have_text(heading)
    assert await page.locator(".todo li").count() == 3
    assert await page.locator(".steps .done").count() == 3
    assert await page.locator(".steps li").nth(3).get_attribute("class") == "failed"
    await keep(page, f"faults-earth-{language}")
    await page.click(".running .pair .big >> nth=1")  # change it
    assert await page.locator(".mode-off input").count() == 1
    assert await page.locator(".mode-on input, .mode-boost input").count() == 0
    await keep(page, f"faults-only-off-{language}")


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_electric_danger_takes_one_confirmation_and_two_people(phone: Any, district: Any, language: str) -> None:
    link = Link(district)
    page = await phone(language)
    await page.click('[data-zone="z02"]')
    await page.locator(".danger-place .big").scroll_into_view_if_needed()
    await keep(page, f"danger-button-{language}")
    await page.click(".danger-place .big")
    await page.check(".sheet input[value=feeder]")
    await keep(page, f"danger-sheet-{language}")
    await page.click(".sheet .danger")
    await page.wait_for_selector("dialog .danger-box")
    assert len(link.offs) == 50
    await link.accept()
    await keep(page, f"danger-zone-{language}")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog", state="detached")
    await playwright.expect(page.locator(".danger-box")).to_have_count(1)
    await page.click(".danger-strip")
    await keep(page, f"danger-head-{language}")
    await page.click(".danger-box .big")
    await page.click(".danger-box .outlined")
    await page.wait_for_selector(".danger-waits")
    assert await page.locator(".danger-box .outlined").count() == 0
    await district.app[SERVICES].safety.dangers.clear(DangerKind.FEEDER, "f1", "Lee")
    await playwright.expect(page.locator(".danger-box")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_alarms_say_what_to_do_and_are_counted(phone: Any, district: Any, language: str) -> None:
    page = await phone(language)
    await page.click(".nav-alarms")
    assert await page.locator(".alarm").count() == 0
    district.alarms.set(AlarmCode.LOOP_FAILED, "prices", True, "prices failed")
    district.alarms.set(AlarmCode.EARTH_FAULT, "z11", True, "Earth fault")
    district.live.touch("z11")
    await playwright.expect(page.locator(".alarm")).to_have_count(2)
    text = await page.inner_text(".alarms")
    for part in {
        "en": ["Not seen yet", "Seongbuk-ro 11-gil", "Do not touch the cabinet", "prices"],
        "ko": ["미확인", "성북로11길", "제어반을 만지지 말고", "prices"],
    }[language]:
        assert part in text
    await keep(page, f"alarms-{language}")
    district.alarms.set(AlarmCode.EARTH_FAULT, "z11", False)
    district.live.touch("z11")
    await playwright.expect(page.locator(".alarm")).to_have_count(1)
    await playwright.expect(page.locator(".nav-alarms .badge")).to_have_text("1")
    await page.click(".alarm .big")
    remedy = {"en": "tell the person in charge", "ko": "담당자에게 알리고"}[language]
    await playwright.expect(page.locator(".calm-sheet .todo-list")).to_contain_text(remedy)
    await page.check(".done-on-way input")
    await page.fill(".calm-sheet input[type=text]", "Lee 03:10")
    await keep(page, f"alarm-seen-{language}")
    await page.click(".calm-sheet .seen")
    await page.wait_for_selector(".calm-sheet", state="detached")
    [alarm] = district.alarms.standing()
    assert alarm.acknowledged_by == "Kim"
    assert alarm.comment.endswith(": Lee 03:10")
    district.live.touch("z11")
    await playwright.expect(page.locator(".nav-alarms .badge")).to_have_count(0)
    await playwright.expect(page.locator(".alarm .by")).to_contain_text("Lee 03:10")
    await keep(page, f"alarms-after-{language}")


@pytest.mark.parametrize(("language", "size"), [("en", PHONE), ("ko", PHONE), ("en", DESK), ("ko", DESK)])
async def test_what_is_degraded_stands_below_the_head_and_covers_nothing(
    phone: Any, district: Any, language: str, size: dict[str, int]
) -> None:
    page = await phone(language, size)
    assert await page.locator(".degraded").count() == 0
    district.degradations.set(DegradedCode.FORECAST_OLD, {"issued_utc_s": NIGHT_UTC_S - 5 * 3600})
    district.degradations.set(DegradedCode.PRICES, {"hours": 14})
    district.degradations.set(DegradedCode.SENSORS, {"zones": 3})
    district.live.touch("z11")
    await playwright.expect(page.locator(".lesser")).to_have_count(2)
    words = {"en": ("23:20", "14 hours estimated", "3 roads"), "ko": ("23:20", "14시간분", "3곳")}[language]
    await keep(page, f"degraded-{language}-{size['width']}")
    if size["width"] < 1200:  # a dispatcher's screen folds nothing
        await page.click(".fold")
    for zone in ("z01", "z50"):  # what is pressed is what is seen
        await page.locator(f'[data-zone="{zone}"]').click(trial=True)
    await page.evaluate("scrollTo(0, 0)")
    await page.click(".degraded-more")
    await playwright.expect(page.locator(".lesser")).to_have_count(3)
    for word in words:
        assert word in await page.inner_text(".degraded")
    await page.click('[data-degraded="prices"] summary')
    await page.wait_for_selector('[data-degraded="prices"] li >> nth=0')
    await keep(page, f"degraded-open-{language}-{size['width']}")
    assert await page.locator("html").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    sizes = await page.eval_on_selector_all(
        ".degraded summary, .degraded button", "all => all.map(e => e.offsetHeight)"
    )
    assert min(sizes) >= 48
    for code in (DegradedCode.FORECAST_OLD, DegradedCode.PRICES, DegradedCode.SENSORS):
        district.degradations.set(code, None)
    district.live.touch("z11")
    await playwright.expect(page.locator(".degraded")).to_have_count(0)


async def test_nothing_that_is_off_is_said_to_be_heated_or_planned(phone: Any, district: Any) -> None:
    full = Reason(0, 3 * 3600, "beyond-capacity", 0.9, NIGHT_UTC_S)
    district.hear("z03", 1.4, None, plan=make_plan("z03", full, heat=(0, 6, 900)))  # what lies is not known
    district.hear("z06", 1.4, "wet", plan=make_plan("z06", Reason(0, 7200, "melt-snow", 0.9, NIGHT_UTC_S)))  # it snows
    page = await phone("en")
    await page.click(".fold")
    for zone in ("z03", "z06"):
        card = await page.inner_text(f'[data-zone="{zone}"]')
        assert "not heating" in card
        assert "At full power" not in card
        assert "being heated" not in card
    for zone, plans in (("z11", 0), ("z02", 1)):  # an earth fault; one that heats
        await page.click(f'[data-zone="{zone}"]')
        await page.wait_for_selector("dialog .danger-place")
        assert await page.locator("dialog .reasons").count() == plans
        await page.keyboard.press("Escape")
        await page.wait_for_selector("dialog", state="detached")


class Link:
    """The boards' end."""

    board_id = "b01"

    def __init__(self, district: Any) -> None:
        self._dispatcher = district.dispatcher
        self.offs: list[Any] = []
        zones = tuple(district.live.zones)
        district.dispatcher.attach(self, Hello(b="b01", fw="0.1.0", boot=1, ep=0, q=0, up=100, utc=0, z=zones))

    def send(self, payload: bytes) -> None:
        command = msgspec.json.decode(payload, type=ToBoard)
        if getattr(command, "m", "") == "off":
            self.offs.append(command)

    async def accept(self) -> None:
        for command in self.offs:
            await self._dispatcher.answered(self, ResultFrame(ep=command.ep, q=command.q, rc=0))


async def test_who_is_replaced_reads_by_whom(phone: Any, district: Any) -> None:
    page = await phone("ko")
    for user, mode in (("Kim", "on"), ("Lee", "off")):
        await district.overrides.request("z05", mode, 60, "ice reported", user)
        await page.wait_for_timeout(500)  # each is to arrive by the stream
    await playwright.expect(page.locator(".notice")).to_contain_text("Lee")
    await keep(page, "replaced-ko")
