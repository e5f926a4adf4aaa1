"""Heat or brine: which is enough and cheaper, what holds a sprayer back, and that the plan follows what was spread."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from supervisor.config import InvalidConfig, load
from supervisor.config.tests.examples import EXAMPLE
from supervisor.control.estimation import lying_on
from supervisor.control.sprayers import Ahead, Lock, Sprayers
from supervisor.control.tests.conftest import START_UTC_S, ZONES, Setup
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import CommandError
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.road_work import Agent, RoadWork, WorkKind
from supervisor.domain.weather import Forecast
from supervisor.domain.zone import Feeder, Sprayer
from supervisor.planner.brine import Chosen, Why, choose
from supervisor.planner.inputs import PlanInputs, PlanSettings
from supervisor.planner.pipeline import plan_fleet
from supervisor.road import build_pavements, initial_state, spread_salt
from supervisor.road.work import as_nacl_g_m2
from supervisor.tariff.flat import FlatTariff
from supervisor.weather.design_storm import design_storm

SPRAYER = Sprayer(dose_g_m2=20.0, price_per_dose=3_000.0)
SITE = load(EXAMPLE, without_data=True).site
FROST = {"heat_kwh": 60.0, "heat_cost": 7_200.0, "low_c": -1.5, "water_mm": 0.2, "snow_mm": 0.0, "salt_g_m2": 0.0}


@pytest.mark.parametrize(
    ("changes", "sprayer", "chosen", "why"),
    [
        ({}, {}, Chosen.BRINE, Why.CHEAPER),
        ({}, {"price_per_dose": 9_000.0}, Chosen.HEAT, Why.CHEAPER),
        ({"heat_kwh": 0.0, "heat_cost": 0.0}, {}, Chosen.NOTHING, Why.NO_HAZARD),
        ({"low_c": -9.0}, {}, Chosen.HEAT, Why.TOO_COLD),
        ({"low_c": -9.0, "water_mm": 0.05}, {"least_c": -12.0, "dose_g_m2": 60.0}, Chosen.BRINE, Why.CHEAPER),
        ({"snow_mm": 1.5, "water_mm": 1.7}, {}, Chosen.HEAT, Why.SNOW),
        ({"water_mm": 3.0}, {}, Chosen.HEAT, Why.NOT_ENOUGH),
        ({"water_mm": 0.6}, {}, Chosen.HEAT, Why.NOT_ENOUGH),
        ({"water_mm": 0.6, "salt_g_m2": 20.0}, {}, Chosen.BRINE, Why.CHEAPER),  # some lies there already
        ({"water_mm": 0.4}, {"dose_g_m2": 5.0}, Chosen.HEAT, Why.NOT_ENOUGH),
        ({"water_mm": 0.45}, {"agent": Agent.SODIUM_CHLORIDE}, Chosen.BRINE, Why.CHEAPER),  # the stronger of the two
    ],
)
def test_the_cheaper_of_what_is_enough(
    changes: dict[str, float], sprayer: dict[str, Any], chosen: Chosen, why: Why
) -> None:
    found = choose(msgspec.structs.replace(SPRAYER, **sprayer), **{**FROST, **changes})
    assert (found.chosen, found.why) == (chosen, why), found


def test_the_plan_heats_less_once_it_is_spread() -> None:
    """A wet road that freezes: with the salt on it nothing is left to heat against."""
    series = design_storm(START_UTC_S - 12 * 3600, hours=60, snow_start_h=15)
    flat = np.ones(len(series))
    dry = replace(series, precipitation_mm_h=0 * flat, air_c=-2 * flat, dew_point_c=-2.2 * flat)
    roads = build_pavements(ZONES)
    wet = replace(initial_state(roads, 0.5, 4.0), water_mm=np.full(3, 0.5))

    def kwh(state: Any) -> float:
        outcome = plan_fleet(PlanInputs(
            now_utc_s=START_UTC_S, zones=ZONES, feeders=(Feeder("f1", contract_kw=180.0, breaker_kw=200.0),),
            roads=roads, state=state, forecast=Forecast(START_UTC_S, (dry,), "test"), tariff=FlatTariff(120.0),
            site=SITE, settings=PlanSettings(),
        ))  # fmt: skip
        return float(sum(outcome.traces[zone.id].duty.sum() for zone in ZONES))

    salted = spread_salt(wet, [0, 1, 2], as_nacl_g_m2(Agent.CALCIUM_CHLORIDE, 90.0))
    assert kwh(wet) > 1.0
    assert kwh(salted) < 0.2 * kwh(wet)


class Desk:
    """The use case with a plan that heats z01 against a thin film."""

    def __init__(self, setup: Setup, sprayer: Sprayer = SPRAYER) -> None:
        self.setup = setup
        live = setup.live.zones["z01"]
        live.zone = msgspec.structs.replace(live.zone, sprayer=sprayer)
        roads = build_pavements(ZONES)
        state = replace(initial_state(roads, 0.5, 4.0), water_mm=np.full(3, 0.15))
        trace = SimpleNamespace(duty=np.full(96, 0.5), unheated_c=np.full(96, -1.5))
        self.outcome: Any = SimpleNamespace(start_utc_s=START_UTC_S, traces={"z01": trace})
        series = design_storm(START_UTC_S - 12 * 3600, hours=60, snow_start_h=40)
        estimation: Any = SimpleNamespace(lying=lambda zone: lying_on(state, 0))
        forecasts: Any = SimpleNamespace(latest=Forecast(START_UTC_S, (series,), "test"))
        ahead = Ahead(estimation, forecasts, lambda: self.outcome, lambda: FlatTariff(120.0))
        self.sprayers = Sprayers(setup.live, ahead, setup.alarms, setup.clock, ZoneInfo("Asia/Seoul"))

    def fill(self, permille: int = 800, kind: str = "brine") -> None:
        self.setup.clock.advance(1)
        self.sprayers.stock("z01", kind, permille, int(self.setup.clock.utc_s()))

    def locked(self) -> Lock | None:
        [found] = self.sprayers.all()
        assert found.choice is not None
        assert found.choice.chosen is Chosen.BRINE
        assert (found.offer is None) == (found.locked is not None)
        return found.locked

    def salted(self, hours_ago: float, *, taken_back: bool = False) -> None:
        live, now = self.setup.live.zones["z01"], int(self.setup.clock.utc_s())
        work = RoadWork(
            id=len(live.works) + 1, zone="z01", kind=WorkKind.SALTED, user="token:sprayer",
            utc_s=int(now - 3600 * hours_ago), taken_back_utc_s=now if taken_back else None,
        )  # fmt: skip
        live.works = (*live.works, work)


async def test_an_offer_has_dose_agent_and_end(setup: Setup) -> None:
    desk = Desk(setup)
    assert desk.locked() is Lock.STOCK  # nobody knows what is in the tank
    desk.fill()
    [found] = desk.sprayers.all()
    assert found.offer is not None
    assert (found.offer.agent, found.offer.dose_g_m2) == (Agent.CALCIUM_CHLORIDE, 20.0)
    assert found.offer.until_utc_s == int(setup.clock.utc_s()) + 1800
    assert found.choice is not None
    assert found.choice.heat_kwh == pytest.approx(24 * 0.5 * 15)  # 60 kW at half, 6 h
    assert found.choice.heat_cost == pytest.approx(found.choice.heat_kwh * 120)
    desk.outcome = None
    assert desk.sprayers.all()[0].choice is None  # no plan yet: nothing is offered


async def test_every_interlock_holds_it_back(setup: Setup) -> None:
    desk = Desk(setup, msgspec.structs.replace(SPRAYER, lockout_min=120, doses_max_day=2))
    desk.fill()
    assert desk.locked() is None
    desk.salted(1.9)
    assert desk.locked() is Lock.JUST_TREATED
    setup.live.zones["z01"].works = ()
    desk.salted(1.0, taken_back=True)  # it was not so
    assert desk.locked() is None
    setup.clock.advance(6 * 3600)
    desk.fill()
    desk.salted(2.5)
    assert desk.locked() is None
    desk.salted(4.5)
    assert desk.locked() is Lock.DAY_FULL
    setup.live.zones["z01"].works = ()
    setup.live.zones["z01"].override = Override(
        id=1, zone="z01", mode=OverrideMode.ON, reason="ice", user="Kim", created_utc_s=0, expires_utc_s=2**31
    )  # fmt: skip
    assert desk.locked() is Lock.COMMAND
    danger: Any = object()
    setup.live.zones["z01"].dangers = (danger,)
    assert desk.locked() is Lock.DANGER
    setup.live.zones["z01"].dangers, setup.live.zones["z01"].override = (), None
    desk.fill(0)
    assert desk.locked() is Lock.STOCK
    desk.fill(500)
    setup.clock.advance(12 * 3600 + 1)
    assert desk.locked() is Lock.STOCK  # a level that old is not known any more


async def test_stocks_that_run_low_are_alarmed_and_stale_readings_refused(setup: Setup) -> None:
    desk = Desk(setup)
    desk.fill(199, "salt-box")
    assert setup.alarms.stands(AlarmCode.STOCK_LOW, "z01")
    desk.fill(900, "salt-box")
    assert not setup.alarms.stands(AlarmCode.STOCK_LOW, "z01")
    desk.fill(100)
    setup.clock.advance(12 * 3600 + 1)
    desk.sprayers.look()
    assert not setup.alarms.stands(AlarmCode.STOCK_LOW, "z01")
    now = int(setup.clock.utc_s())
    for kind, at in (("beer", now), ("brine", now - 3601), ("brine", now + 61)):
        with pytest.raises(CommandError):
            desk.sprayers.stock("z01", kind, 500, at)
    desk.sprayers.stock("z01", "brine", 500, now)
    with pytest.raises(CommandError):
        desk.sprayers.stock("z01", "brine", 500, now)


@pytest.mark.parametrize("key", ["dose_g_m2 = 0", "lockout_min = 1", "doses_max_day = 0", "least_c = 5"])
def test_a_sprayer_that_cannot_be_is_refused(tmp_path: Path, key: str) -> None:
    wanted = {"dose_g_m2": "10", "price_per_dose": "100"}
    name, value = key.split(" = ")
    keys = ", ".join(f"{one} = {what}" for one, what in {**wanted, name: value}.items())
    text = EXAMPLE.read_text().replace('id = "z01"', f'id = "z01"\nsprayer = {{ {keys} }}', 1)
    (tmp_path / "city.toml").write_text(text)
    with pytest.raises(InvalidConfig) as refused:
        load(tmp_path / "city.toml", without_data=True)
    assert f"sprayer.{name}" in refused.value.where
