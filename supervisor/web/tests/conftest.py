"""A small district on a snowy night: the real application over a real store and the real live state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from supervisor import config as configuration
from supervisor.config import Config
from supervisor.config.tests.examples import banded
from supervisor.control.alarm_desk import AlarmDesk
from supervisor.control.alarms import Alarms
from supervisor.control.broken_cable import BrokenCables
from supervisor.control.danger import Dangers
from supervisor.control.degraded import Degradations
from supervisor.control.dispatch import Dispatcher
from supervisor.control.live import LiveState
from supervisor.control.metrics import Metrics
from supervisor.control.monitoring import Monitoring
from supervisor.control.overrides import Overrides
from supervisor.control.previews import Previews
from supervisor.control.road_work import RoadWorks
from supervisor.control.turns import TurnTaking
from supervisor.control.zone_day import ZoneDays
from supervisor.domain.override import Override, OverrideState
from supervisor.domain.plan import STANDBY, Plan, Reason, Slot
from supervisor.domain.weather import Forecast
from supervisor.domain.zone import Feeder, Layer, Site, Zone
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.preview import FeederPreview, preview
from supervisor.reports.desk import EnergyDesk
from supervisor.road import build_pavements, initial_state
from supervisor.runtime.background import Background
from supervisor.runtime.clock import SystemClock
from supervisor.store.store import Store
from supervisor.tariff.flat import FlatTariff
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.registry import PROVIDERS
from supervisor.web import Safety, Services, make_app
from supervisor.web.sessions import Sessions
from supervisor.web.tests import browser
from supervisor.wire.messages import Flag, Winner, ZoneSample

NIGHT_UTC_S = 1_703_878_800 - 1_200  # 30 December 2023, 04:20 in Seoul
HOUR_S = 3_600


class NightClock:
    """Real time, begun on that night; `advance` jumps, `run` makes it go faster."""

    def __init__(self) -> None:
        self._since_s = SystemClock().monotonic_s()
        self._gone_s = 0.0
        self._rate = 1.0

    def advance(self, seconds: float) -> None:
        self._gone_s += seconds

    def run(self, rate: float) -> None:
        self._gone_s, self._since_s, self._rate = self.monotonic_s(), SystemClock().monotonic_s(), rate

    def monotonic_s(self) -> float:
        return self._gone_s + (SystemClock().monotonic_s() - self._since_s) * self._rate

    def utc_s(self) -> float:
        return NIGHT_UTC_S + self.monotonic_s()


# id, name, Korean name, kW, longest override [min]
ROADS = [
    ("z01", "Bukaksan-ro 12", "북악산로 12", 62, 480),
    ("z02", "Jeongneung-ro 9-gil", "정릉로9길", 48, 480),
    ("z03", "Seongbuk-ro 31-gil", "성북로31길", 55, 480),
    ("z04", "Arirang-ro 5", "아리랑로 5", 40, 480),
    ("z05", "Gireum-ro 2-gil", "길음로2길", 71, 240),
    ("z06", "Samseon-dong steps", "삼선동 계단길", 18, 480),
    ("z07", "Bogungmun-ro 8", "보국문로 8", 52, 480),
    ("z08", "Donam Hill", "돈암언덕길", 45, 480),
]


def make_zone(zone_id: str, name: str, name_ko: str, power_kw: int, longest_min: int) -> Zone:
    return Zone(
        id=zone_id, name=name, name_ko=name_ko, board="b01", relay=int(zone_id[1:]), feeder="f1",
        power_w=power_kw * 1000, area_m2=power_kw * 4.0, layers=(Layer("asphalt", 0.1),), override_max_min=longest_min,
    )  # fmt: skip


def make_plan(zone_id: str, *reasons: Reason, heat: tuple[int, int, int] = (0, 0, 0)) -> Plan:
    """Heats `heat` = (from h, until h, ‰) and stands by otherwise, for 24 h."""
    start_h, end_h, duty = heat
    slots = [Slot(0, 0, STANDBY)] if start_h or not end_h else []
    if end_h:
        slots += [Slot(start_h * HOUR_S, 3_000, duty), Slot(end_h * HOUR_S, 0, STANDBY)]
    slots.append(Slot(24 * HOUR_S, 0, STANDBY))
    issued = NIGHT_UTC_S - 300
    return Plan(zone=zone_id, issued_utc_s=issued, start_utc_s=NIGHT_UTC_S, slots=tuple(slots), why=reasons)


@dataclass
class District:
    """Everything a test needs to look behind the interface."""

    store: Store
    live: LiveState
    overrides: Overrides
    sessions: Sessions
    clock: NightClock
    app: web.Application
    dispatcher: Dispatcher
    alarms: Alarms
    degradations: Degradations

    def hear(
        self, zone: str, surface_c: float, word: str | None, lying_mm: float = 0.0, *, power_w: int = 0,
        who: Winner = Winner.PLAN, flags: int = 0, online: bool = True, plan: Plan | None = None,
    ) -> None:  # fmt: skip
        """Telemetry, estimate and plan of a zone, as control would write them."""
        live = self.live.zones[zone]
        wet = 50 if word == "dry" else 700
        live.sample = ZoneSample(
            zone, round(surface_c * 1000), round((surface_c + power_w / 8_000) * 1000), wet, 10 if power_w else 0,
            power_w, 0, 1000 if power_w else 0, int(who), int(flags),
        )  # fmt: skip
        live.sample_utc_s, live.heard_monotonic_s = self.clock.utc_s(), self.clock.monotonic_s()
        live.online, live.surface_word, live.lying_mm, live.plan = online, word, lying_mm, plan
        self.live.touch(zone)

    async def obey(self, override_id: int, zone: str, power_w: int) -> None:
        """What board and telemetry do with an override."""
        for state in (OverrideState.SENT, OverrideState.ACCEPTED):
            await self.overrides.advance(override_id, state)
        self.hear(zone, -0.4, "wet", power_w=power_w, who=Winner.OVERRIDE, plan=self.live.zones[zone].plan)
        await self.overrides.advance(override_id, OverrideState.MEASURED)

    def snow(self) -> None:
        """The night as the crew meets it."""
        hour = HOUR_S
        at = NIGHT_UTC_S
        preheat = Reason(0, 2400, "preheat-snow", 0.7, at + 2400)
        snowfall = Reason(2400, 5 * hour, "melt-snow", 0.7, at + 2400)
        melt = Reason(0, 5 * hour, "melt-snow", 0.95, at)
        later = Reason(3 * hour, 6 * hour, "preheat-frost", 0.55, at + 5 * hour)
        self.hear(
            "z01",
            -2.3,
            "ice",
            0.6,
            power_w=62_000,
            plan=make_plan("z01", Reason(0, 4 * hour, "beyond-capacity", 0.9, at), heat=(0, 6, 1000)),
        )
        self.hear("z02", -0.4, "snow", 3.2, power_w=47_000, plan=make_plan("z02", melt, heat=(0, 5, 975)))
        self.hear("z03", 0.8, "wet", power_w=33_000, plan=make_plan("z03", preheat, snowfall, heat=(0, 7, 600)))
        self.hear("z04", 1.6, "moist", plan=make_plan("z04", later, heat=(3, 6, 450)))
        self.hear("z05", 2.4, "wet", power_w=28_000, who=Winner.OVERRIDE, plan=make_plan("z05"))
        self.hear(
            "z06", -1.1, "wet", who=Winner.INTERLOCK, flags=Flag.CABLE_BROKEN | Flag.LATCHED, plan=make_plan("z06")
        )
        self.hear("z07", 3.1, "dry", plan=make_plan("z07"))
        self.hear("z08", -0.2, None, online=False, who=Winner.LOCAL)


def city(folder: Path, live: LiveState) -> Config:
    """The example with these roads, and the record in this folder."""
    path = folder / "city.toml"
    path.write_text(banded().replace('state_dir = "state"', 'state_dir = "."', 1), encoding="utf-8")
    (folder / "weather.csv").write_text("time_utc\n")
    feeders = (Feeder("f1", 300.0, 420.0, 5_550.0), Feeder("f2", 100.0, 140.0, 5_550.0))
    zones = tuple(known.zone for known in live.zones.values())
    return msgspec.structs.replace(configuration.load(path), zone=zones, feeder=feeders)


@pytest.fixture
async def district(tmp_path: Path) -> AsyncIterator[District]:
    clock = NightClock()
    store = Store.open(tmp_path / "roadheat.db", clock)
    live = LiveState([make_zone(*road) for road in ROADS], clock)
    overrides = Overrides(store.overrides, live, clock)
    sessions = Sessions(store.access, clock)
    site = Site(name="Seongbuk-gu", timezone="Asia/Seoul", latitude=37.59, longitude=127.02)
    background, metrics = Background(), Metrics()
    alarms = Alarms(clock, metrics)
    dispatcher = Dispatcher(1, live, overrides, Monitoring(alarms, metrics), clock, background)
    dangers = Dangers(store.dangers, live, overrides, dispatcher, alarms, clock)
    safety = Safety(store.audit, dangers, BrokenCables(live, alarms), alarms, AlarmDesk(alarms, store.audit, clock))
    works = RoadWorks(store.works, live, None, clock)
    attributions = PROVIDERS["met-norway"].attributions
    degradations = Degradations(clock)
    app = make_app(
        Services(
            live, overrides, sessions, clock, site, store.answers, attributions, "", "scrape-me",
            previews=make_previews(live, overrides, clock),
            turn_taking=TurnTaking(overrides, live, (Feeder("f1", 300.0, 420.0),), store.values, clock),
            safety=safety, degradations=degradations, contract_w=400_000, works=works,
            feeders=(Feeder("f1", 300.0, 420.0), Feeder("f2", 100.0, 140.0)),
            record=store,
            energy=EnergyDesk(city(tmp_path, live), store, clock, background.spawn),
            days=ZoneDays(store, live, None, None, clock),
        )
    )  # fmt: skip
    made = District(store, live, overrides, sessions, clock, app, dispatcher, alarms, degradations)
    made.snow()
    yield made
    await background.close()
    await store.close()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the run's browser is reached."""
    with browser.running(tmp_path_factory.mktemp("chromium")) as address:
        yield address


@dataclass
class Person:
    """A signed-in program: sends the CSRF token with every request."""

    client: TestClient[web.Request, web.Application]
    csrf: str

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        headers = {"X-CSRF-Token": self.csrf, **options.pop("headers", {})}
        async with self.client.request(method, path, headers=headers, **options) as answer:
            is_json = answer.content_type in ("application/json", "application/problem+json")
            return answer.status, await (answer.json(content_type=None) if is_json else answer.text())


def make_previews(live: LiveState, overrides: Overrides, clock: NightClock) -> Previews:
    """The planner's own previews, for a night in which it snows until the morning."""
    zones = tuple(known.zone for known in live.zones.values())
    roads = build_pavements(zones)
    feeder = Feeder("f1", contract_kw=300.0, breaker_kw=420.0, demand_price_per_kw=8_230.0)
    storm = design_storm(NIGHT_UTC_S - 10 * HOUR_S, hours=48.0)
    weather = replace(storm, precipitation_mm_h=0.4 * storm.precipitation_mm_h)

    one_at_a_time = asyncio.Lock()  # as in the planner's process

    async def planned(wanted: Sequence[Override]) -> list[FeederPreview]:
        now = clock.utc_s()
        held = (overrides.live_for(zone.id) for zone in zones)
        inputs = PlanInputs(
            now_utc_s=now, zones=zones, feeders=(feeder,), roads=roads, state=initial_state(roads, 2.0, 6.0),
            forecast=Forecast(now, (weather,), "design"), tariff=FlatTariff(120.0),
            overrides=tuple(one for one in held if one is not None), peak_so_far_kw={"f1": 250.0},
        )  # fmt: skip
        async with one_at_a_time:
            return await asyncio.to_thread(preview, inputs, list(wanted))

    return Previews(live, overrides, (feeder,), planned, lambda: "KRW", clock)


SignIn = Callable[[str], Awaitable[Person]]


@pytest.fixture
async def sign_in(district: District, aiohttp_client: Any) -> SignIn:
    """`await sign_in("crew")`: a person of that role."""

    async def sign(role: str) -> Person:
        client = await aiohttp_client(district.app)
        token, _ = await district.sessions.invite(f"kim-{role}", role, "test")
        async with client.get("/login", params={"token": token}) as answer:
            assert answer.status == 200
        async with client.get("/api/v1/session") as answer:
            return Person(client, (await answer.json())["csrf"])

    return sign
