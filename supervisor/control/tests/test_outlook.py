"""Ice within a day: its probability, the stage, the evening's message, and the judgement by the weather as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from supervisor.config import InvalidConfig, load
from supervisor.config.schema import OutlookConfig
from supervisor.config.tests.examples import EXAMPLE
from supervisor.control.notify.texts import Writer
from supervisor.control.outlook import ice
from supervisor.control.outlook.desk import LATE_S, Outlooks
from supervisor.control.response import Response
from supervisor.control.tests.conftest import START_UTC_S, ZONES, Setup
from supervisor.domain.outlook import DISTRICT, Checked, Outlook, verdict
from supervisor.domain.stage import SEOUL_CM, Stage
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.road import build_pavements, initial_state
from supervisor.weather.design_storm import design_storm

EVENING_S = START_UTC_S + 8.5 * 3600  # 17:30 in Seoul
IDS = tuple(zone.id for zone in ZONES)


def weather(air_c: float, mm_h: float = 0.0, snow: float = 0.0, *, wet_hours: int = 24, days: int = 3) -> WeatherSeries:
    """Steady nights without sun from half a day before the start on; `mm_h` falls in the first hours of the evening."""
    t = START_UTC_S - 12 * 3600 + 3600.0 * np.arange(1, days * 24 + 13)
    like = design_storm(START_UTC_S, hours=1)
    flat = np.ones(t.size)
    columns = {name: flat * float(np.mean(getattr(like, name))) for name in ("wind_m_s", "pressure_pa")}
    falling = (t > EVENING_S) & (t <= EVENING_S + 3600 * wet_hours)
    return WeatherSeries(
        time_utc_s=t, air_c=flat * air_c, dew_point_c=flat * (air_c - 4.0), shortwave_w_m2=flat * 0.0,
        longwave_w_m2=flat * (250.0 + 4.0 * air_c), cloud_fraction=flat * 0.5,
        precipitation_mm_h=np.where(falling, mm_h, 0.0), snow_fraction=flat * snow, **columns,
    )  # fmt: skip


DRY, SNOW, RAIN_THEN_FROST = weather(3.0), weather(-3.0, 1.0, 1.0), weather(-4.0, 0.5, 0.0, wet_hours=3)


def outlook(*members: WeatherSeries, snow_cm: float = 0.0, least: float = 0.3) -> Outlook:
    forecast = Forecast(EVENING_S, members, "test")
    roads = build_pavements(ZONES)
    site = load_example().site
    icy, black = ice.foresee(IDS, roads, initial_state(roads, 1.0, 4.0), forecast, EVENING_S, site)
    return ice.summarise(IDS, icy, black, EVENING_S, snow_cm, SEOUL_CM, least)


def load_example() -> Any:
    return load(EXAMPLE, without_data=True)


def test_the_probability_is_the_part_of_the_members_and_black_ice_is_told_from_snow() -> None:
    found = outlook(DRY, DRY, SNOW, RAIN_THEN_FROST, snow_cm=6.0)
    assert (found.members, found.until_utc_s - found.issued_utc_s) == (4, 86_400)
    for one in (found.district, *found.roads):
        assert (one.probability, one.black_ice) == (0.5, 0.25)
        assert one.onset_utc_s is not None
        assert EVENING_S <= one.onset_utc_s < EVENING_S + 12 * 3600
        assert one.stage == "two"
    dry = outlook(DRY, DRY)
    assert (dry.district.probability, dry.district.onset_utc_s, dry.district.stage) == (0.0, None, "none")


def test_ice_without_snow_calls_the_reinforced_stage_from_its_threshold_on() -> None:
    quarter = (DRY, DRY, DRY, RAIN_THEN_FROST)
    assert outlook(*quarter).district.stage == "none"
    assert outlook(*quarter, least=0.25).district.stage == "reinforced"
    assert outlook(*quarter, snow_cm=0.4).district.stage == "reinforced"  # snow alone does, for the district
    assert outlook(*quarter, snow_cm=0.4).roads[0].stage == "none"


def test_a_road_on_its_own_may_be_in_danger() -> None:
    bridge = (msgspec.structs.replace(ZONES[0], bridge=True), *ZONES[1:])
    roads = build_pavements(bridge)
    overcast = weather(-0.5, 0.4, 0.0, wet_hours=12)
    overcast = replace(overcast, longwave_w_m2=overcast.longwave_w_m2 + 58.0)
    forecast = Forecast(EVENING_S, (overcast,), "test")
    warm = initial_state(roads, 3.0, 14.0)
    icy, black = ice.foresee(IDS, roads, warm, forecast, EVENING_S, load_example().site)
    found = ice.summarise(IDS, icy, black, EVENING_S, 0.0, SEOUL_CM, 0.3)
    assert [one.probability for one in found.roads] == [1.0, 0.0, 0.0]
    assert found.district.probability == 1.0


def test_the_verdict_is_the_brier_score_and_the_four_outcomes() -> None:
    def one(probability: float, happened: bool) -> Checked:
        return Checked(
            issued_utc_s=0, zone="", stage="none", probability=probability, called=probability >= 0.3,
            happened=happened, icy_min=60 * happened,
        )  # fmt: skip

    found = verdict([one(0.9, True), one(0.4, False), one(0.2, True), one(0.0, False)])
    assert found.brier == pytest.approx((0.01 + 0.16 + 0.64 + 0.0) / 4)
    assert found.reference == pytest.approx(0.25)
    assert found.skill == pytest.approx(1 - 0.2025 / 0.25)
    assert (found.hits, found.false_alarms, found.misses, found.quiet) == (1, 1, 1, 1)
    assert verdict([]).brier is None
    assert verdict([one(0.1, False)]).skill is None  # nothing came: there is nothing to compare with


class Desk:
    """The use case over a real store and a manual clock; the forecast is replaced by hand."""

    def __init__(self, setup: Setup, **settings: Any) -> None:
        example = load_example()
        self.setup = setup
        self.config = msgspec.structs.replace(example, zone=ZONES, outlook=OutlookConfig(**settings))
        roads = build_pavements(ZONES)
        estimation: Any = SimpleNamespace(zones=ZONES, roads=roads, state=initial_state(roads, 1.0, 4.0))
        self.forecasts: Any = SimpleNamespace(latest=None)
        self.outlooks = Outlooks(self.config, estimation, self.forecasts, setup.store, setup.clock)
        self.told: list[tuple[str, str]] = []
        self.outlooks.told.append(lambda found, stage: self.told.append((found.district.stage, stage.word)))
        self.response = Response(self.forecasts, setup.store.events, setup.clock, self.config.outlook.steps)
        self.response.foreseen = self.outlooks.district

    async def at(self, utc_s: float, *members: WeatherSeries) -> None:
        self.setup.clock.advance(utc_s - self.setup.clock.utc_s())
        self.forecasts.latest = Forecast(utc_s, members, "test") if members else None
        await self.outlooks.look()
        await self.response.look()


async def test_people_are_told_in_the_evening_once_for_each_stage(setup: Setup) -> None:
    desk = Desk(setup)
    await desk.at(EVENING_S - 7200, DRY, RAIN_THEN_FROST)  # 15:30
    assert desk.told == []
    assert desk.response.now().stage == "reinforced"  # at the head of the app it is seen at once
    await desk.at(EVENING_S, DRY, RAIN_THEN_FROST)
    await desk.at(EVENING_S + 900, DRY, RAIN_THEN_FROST)
    assert desk.told == [("reinforced", "reinforced")]
    await desk.at(EVENING_S + 1800, SNOW, SNOW)
    assert desk.told[1:] == [("three", "three")]
    again = Desk(setup)  # a restart tells nothing twice
    await again.at(EVENING_S + 2700, SNOW, SNOW)
    assert again.told == []
    await again.at(EVENING_S + 86_400, DRY)
    assert again.told == []
    never = Desk(setup, tell_at="")
    await never.at(EVENING_S + 2 * 86_400, weather(-3.0, 1.0, 1.0, days=5))
    assert never.told == []


async def test_the_stage_in_force_is_the_outlooks(setup: Setup) -> None:
    desk = Desk(setup, stages_cm=(0.1, 1.0, 2.0, 30.0), ice_probability=0.5)
    await desk.at(EVENING_S, DRY, RAIN_THEN_FROST)
    now, found = desk.response.now(), desk.outlooks.now()
    assert found is not None
    assert (now.stage, now.probability) == (found.district.stage, found.district.probability) == ("reinforced", 0.5)
    await desk.at(EVENING_S + 900, DRY, SNOW)
    assert desk.response.now().stage == "two"  # 12 cm on average, with the city's own steps
    await desk.at(EVENING_S + 1800, DRY, DRY, RAIN_THEN_FROST)
    await desk.at(EVENING_S + 5460, DRY, DRY, RAIN_THEN_FROST)
    assert desk.response.now().stage == "none"  # 33 % is below this city's threshold


async def test_without_weather_for_a_day_there_is_none_and_it_says_why(setup: Setup) -> None:
    desk = Desk(setup)
    await desk.at(EVENING_S)
    assert (desk.outlooks.now(), desk.outlooks.why_not) == (None, "there is no forecast")
    short = replace(SNOW, **{name: getattr(SNOW, name)[:30] for name in SNOW.__dataclass_fields__})
    await desk.at(EVENING_S + 900, short)
    assert desk.outlooks.now() is None
    assert "does not cover" in desk.outlooks.why_not
    assert desk.response.now().probability is None
    await desk.at(EVENING_S + 1800, SNOW)
    assert desk.outlooks.now() is not None
    setup.clock.advance(2 * 3600 + 1)
    assert desk.outlooks.now() is None  # too old to be said


@pytest.mark.parametrize(("came", "members", "outcome"), [
    (SNOW, (SNOW, DRY), "hits"), (DRY, (SNOW, DRY), "false_alarms"), (RAIN_THEN_FROST, (DRY,), "misses"),
    (DRY, (DRY,), "quiet"),
])  # fmt: skip
async def test_it_is_judged_by_the_weather_as_it_was(
    setup: Setup, came: WeatherSeries, members: tuple[WeatherSeries, ...], outcome: str
) -> None:
    desk = Desk(setup)
    await desk.at(EVENING_S, *members)
    await setup.store.weather.put(came)
    await desk.at(EVENING_S + 86_400 + LATE_S - 1800, *members)
    assert (await desk.outlooks.answer(desk.response.now())).district.count == 0  # stations may report late
    await desk.at(EVENING_S + 86_400 + LATE_S + 900, *members)
    answer = await desk.outlooks.answer(desk.response.now())
    probability = 0.5 if len(members) == 2 else 0.0
    assert answer.district.count == 1
    assert getattr(answer.district, outcome) == 1
    happened = outcome in ("hits", "misses")
    assert answer.district.brier == pytest.approx((probability - happened) ** 2)
    assert (answer.roads.count, getattr(answer.roads, outcome)) == (3, 3)
    waiting = await setup.store.outlooks.waiting(2**40)
    assert EVENING_S not in [issued for issued, _, _ in waiting]  # nothing is kept of it but figures
    [district] = [one for one in await setup.store.outlooks.checked(0, 2**40) if one.zone == DISTRICT]
    assert (district.icy_min > 0) == happened


async def test_weather_that_never_comes_leaves_it_unjudged(setup: Setup) -> None:
    desk = Desk(setup)
    await desk.at(EVENING_S, SNOW)
    await desk.at(EVENING_S + 2 * 86_400, SNOW)
    assert len(await setup.store.outlooks.waiting(2**40)) == 1
    await desk.at(EVENING_S + 6 * 86_400)
    assert await setup.store.outlooks.waiting(2**40) == []
    assert await setup.store.outlooks.checked(0, 2**40) == []


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_message_says_stage_probability_snow_onset_and_roads(language: Any) -> None:
    from zoneinfo import ZoneInfo

    writer = Writer(ZoneInfo("Asia/Seoul"), "Seongbuk-gu", "https://roads.example", lambda subject, _: subject)
    found = outlook(DRY, SNOW, snow_cm=6.0)
    message = writer.ahead(found, Stage.TWO, language, EVENING_S)
    assert {"ko": "2단계", "en": "Stage 2"}[language] in message.title
    for part in ("50%", "6 cm", "z01 50%", "12-29 "):
        assert part in message.body


@pytest.mark.parametrize(("table", "key"), [
    ("stages_cm = [0.1, 1, 5]", "outlook.stages_cm"), ("stages_cm = [1, 0.1, 5, 10]", "outlook.stages_cm"),
    ("stages_cm = [0, 1, 5, 10]", "outlook.stages_cm"), ("ice_probability = 0", "outlook.ice_probability"),
    ("ice_probability = 1.2", "outlook.ice_probability"), ('tell_at = "25:00"', "outlook.tell_at"),
])  # fmt: skip
def test_what_is_no_threshold_is_refused(tmp_path: Path, table: str, key: str) -> None:
    path = tmp_path / "city.toml"
    path.write_text(EXAMPLE.read_text() + f"\n[outlook]\n{table}\n")
    with pytest.raises(InvalidConfig) as refused:
        load(path, without_data=True)
    assert key in refused.value.where
