"""Every screen of the app, and how a person gets there; and fifty roads in a storm with people at work in it."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.metrics import Metrics
from supervisor.control.response import Response
from supervisor.control.zone_day import ZoneDays
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.override import OverrideState
from supervisor.domain.road_work import WorkKind
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Place, Site, Zone
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.provider import FileProvider
from supervisor.web import make_app
from supervisor.web.keys import SERVICES
from supervisor.web.tests import conftest, fifty
from supervisor.web.tests.conftest import NIGHT_UTC_S
from supervisor.wire.messages import Telemetry, ZoneSample

SCREENS: Final = (
    "roads", "zone", "alarms", "find", "group", "more", "shift", "history", "duty", "people", "invite", "energy",
)  # fmt: skip
IN_DIALOGS: Final = ("history", "duty", "people", "invite", "energy")
_PLACES: Final = (Place.NONE, Place.HOSPITAL, Place.BUS, Place.NONE, Place.NURSERY, Place.SCHOOL)


def fifty_roads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty in the place of `conftest`'s eight, with slopes and what they lead to."""
    made = conftest.make_zone

    def make_zone(zone_id: str, *rest: Any) -> Zone:
        n = int(zone_id[1:])
        return msgspec.structs.replace(made(zone_id, *rest), slope_percent=float(8 + n % 9), place=_PLACES[n % 6])

    monkeypatch.setattr(conftest, "ROADS", fifty.roads())
    monkeypatch.setattr(conftest, "make_zone", make_zone)


async def storm(district: Any) -> None:
    """`fifty.storm`, and what people have done and are told in it."""
    record = design_storm(NIGHT_UTC_S - 11 * 3600, hours=80)
    await with_days(district, record)
    await measured_day(district, "z01")
    weather: Any = SimpleNamespace(latest=Forecast(NIGHT_UTC_S, (record,), "storm"))
    response = Response(weather, district.store.events, district.clock)
    await response.look()
    services = replace(
        district.app[SERVICES], response=response, lines=fifty.lines(), registry=CollectorRegistry()
    )  # fmt: skip
    district.app = make_app(services)
    fifty.storm(district)
    ask, step = district.overrides.request, district.overrides.advance
    district.clock.advance(-90 * 60)
    await district.store.alarms.raise_alarm("earth-fault", "z03", "pin 5", int(district.clock.utc_s()))
    district.alarms.set(AlarmCode.EARTH_FAULT, "z03", True, "leakage 62 mA, pin 5")
    district.alarms.set(AlarmCode.CABLE_BROKEN, "z01", True, "current 0.0 A of 14 A")
    district.alarms.set(AlarmCode.SENSOR_IMPLAUSIBLE, "z02", True, "surface 81.2 °C")
    await services.works.report(["z01"], WorkKind.PLOUGHED, "Park")
    await services.works.report(["z05"], WorkKind.SALTED, "Choi")
    district.clock.advance(60 * 60)
    district.alarms.set(AlarmCode.BOARD_ABSENT, "b01", True, "last heard 23:35")
    district.alarms.set(AlarmCode.CONTRACT, "f1", True, "264 of 300 kW")
    await services.safety.desk.acknowledge("board-absent", "b01", "Choi", "가는 중")
    off = await ask("z07", "off", 120, "도로 작업", "Choi")
    for state in (OverrideState.SENT, OverrideState.ACCEPTED):
        await step(off.id, state)
    district.hear("z07", -0.9, "snow", 2.2, who=conftest.Winner.OVERRIDE, plan=district.live.zones["z07"].plan)
    await step(off.id, OverrideState.MEASURED)
    boost = await ask("z16", "boost", 120, "school", "Park")
    await district.obey(boost.id, "z16", 52_000)
    district.clock.advance(30 * 60)
    sent = await ask("z08", "on", 60, "snow", "Lee")
    await step(sent.id, OverrideState.SENT)
    accepted = await ask("z09", "on", 60, "snow", "Lee")
    for state in (OverrideState.SENT, OverrideState.ACCEPTED):
        await step(accepted.id, state)


async def with_days(district: Any, weather: WeatherSeries) -> None:
    """A forecast of five members from `weather`, of which each road's day ahead is worked out."""
    site = Site(name="Seongbuk-gu", timezone="Asia/Seoul", latitude=37.59, longitude=127.02)
    zones = tuple(live.zone for live in district.live.zones.values())
    forecasts = Forecasts(
        FileProvider(weather), site, 30 * 3600, district.clock, district.alarms, Metrics(), district.degradations
    )
    await forecasts.ask()
    assert forecasts.latest is not None
    [member] = forecasts.latest.members
    spread = (
        replace(member, air_c=np.maximum(member.air_c + k * np.arange(len(member)) / 40, member.dew_point_c))
        for k in range(5)
    )
    forecasts.latest = replace(forecasts.latest, members=tuple(spread))
    estimation = Estimation(zones, forecasts, district.live, district.store.values, district.clock)
    estimation.state.snow_mm[:], estimation.state.temperature_c[:] = 0.5, 0.5
    days = ZoneDays(district.store, district.live, estimation, forecasts, district.clock)
    district.app = make_app(replace(district.app[SERVICES], days=days, registry=CollectorRegistry()))


async def measured_day(district: Any, zone: str) -> None:
    """Telemetry of the last 24 hours, heated in the last three."""
    now, wh = int(district.clock.utc_s()), 0
    for n in range(288):
        at = now - 86_400 + 300 * n
        hour = (at - now) / 3600
        surface = 2.5 + 2.2 * math.cos((hour + 12) / 24 * 2 * math.pi)
        power = 47_000 if hour > -3 else 0
        wh += power // 12
        sample = ZoneSample(zone, round(1000 * surface), 2000, 300, 10, power, wh, 1000 if power else 0, 4, 0)
        await district.store.telemetry.commit("b01", Telemetry(1, n + 1, 0, 300 * (n + 1), 300, 0, (sample,)), at, at)


async def show(page: Any, screen: str) -> None:
    """Open a screen from the list."""
    await page.evaluate("word => { location.hash = word; }", "more" if screen in IN_DIALOGS else screen)
    if screen == "roads":
        await page.wait_for_selector("[data-zone]")
    elif screen == "zone":
        await page.evaluate("() => { location.hash = '#/z01'; }")
        await page.wait_for_selector("form.command")
    elif screen == "shift":
        await page.wait_for_selector("dialog[open] .hand-over")
    elif screen == "find":
        await page.wait_for_selector(".find")
    elif screen in IN_DIALOGS:
        await page.click(f".{screen}-open")
        await page.wait_for_selector("dialog[open]")
    else:
        await page.wait_for_selector({"more": "main.account", "group": "main.group"}.get(screen, "main"))


async def leave(page: Any, screen: str) -> None:
    """Back from it to the list."""
    if screen == "zone":
        await page.click(".panel .round")
    elif screen in (*IN_DIALOGS, "shift"):
        await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog[open]", state="detached")
