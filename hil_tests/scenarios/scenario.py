"""A scenario is data: weather, a district, what happens when, and what must then be so.

    {"title": …, "weather": {…}, "boards": 1, "hours": 16,
     "events": [{"at_s": 7200, "do": "cut_link", "board": "b01"}, {"at_s": 7300, "check": "closed", "zone": "z01"}],
     "expect": {"record": true, "no_icier_than_reactive": true}}

Invariants are checked on every tick of every scenario; `expect` and `check` add what the scenario tests.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import Struct

from supervisor.domain.errors import RoadheatError
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.design_storm import design_storm
from supervisor.weather.providers.files import read_weather_csv

AHEAD_H = 31  # of forecast behind the end: the planner's horizon and a slot
DESIGN_START_UTC_S = 1_705_384_800.0  # 2024-01-16 15:00 in Seoul


class ScenarioError(RoadheatError):
    code = "scenario"


class Weather(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`design`: the design storm. `steady`: constant. `file`: measured, from the folder of the measured data."""

    kind: Literal["design", "steady", "file"]
    snow_start_h: float = 3.0
    peak_mm_h: float = 3.0
    air_c: float = -3.0
    dew_point_c: float = -10.0
    snow_mm_h: float = 0.0
    file: str = ""
    start_utc_s: float = DESIGN_START_UTC_S


class Event(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something done, or something that must hold, at a time after the start."""

    at_s: int
    do: str = ""  # a name in hil_tests.inject
    check: str = ""  # a name in play.CHECKS
    board: str = ""
    zone: str = ""
    value: Any = None


class Expect(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What must be so at the end."""

    record: bool = False  # the service's energy equals the roads' within 0.1 % and 10 Wh
    no_icier_than_reactive: bool = False
    kwh_at_most: float | None = None
    kwh_at_least: float | None = None
    share_of_no_server: float | None = None  # at least, of the energy that the same run takes without any server
    resets_at_most: int | None = None  # of all boards together, after the flash
    ice_of_undisturbed: float | None = (
        None  # at most, times the ice minutes of the same run without events, and 5 a zone
    )


class Scenario(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: str
    weather: Weather
    hours: float
    boards: int = 1
    contract_share: float = 1.0  # of what is installed on a feeder
    seed: int = 1
    limits: dict[str, int] = {}
    fit: dict[str, tuple[str, ...]] = {}  # by board, see bench.wiring.Fit
    server: str = "service"  # what listens: the real service, `none`, or a kind of bench.hostile
    prices_h: float | None = None  # day-ahead prices that end after so many hours; default one price for all hours
    flashed: bool = True  # with mpremote, as an engineer does; else images are written
    soak: bool = False  # played in `make soak` only
    events: tuple[Event, ...] = ()
    expect: Expect = Expect()


def read_scenario(path: Path) -> Scenario:
    """Read a scenario; raises ScenarioError with the file and the place."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Scenario)
    except msgspec.MsgspecError as error:
        raise ScenarioError(str(error), where=path.name) from error


def make_weather(scenario: Scenario, site: Site, data: Path) -> WeatherSeries:
    """The weather of a scenario, with the planner's horizon behind its end."""
    weather = scenario.weather
    hours = scenario.hours + AHEAD_H
    if weather.kind == "file":
        series, _ = read_weather_csv(data / weather.file, site)
        return series
    storm = design_storm(
        weather.start_utc_s, hours, scenario.seed, snow_start_h=weather.snow_start_h, peak_mm_h=weather.peak_mm_h
    )
    return storm if weather.kind == "design" else _steady(weather, storm.time_utc_s)


def price_file(scenario: Scenario) -> str:
    """Prices by the hour from the day before the start on, dearer by day; "" where the scenario has none."""
    if scenario.prices_h is None:
        return ""
    start_utc_s = scenario.weather.start_utc_s - 86_400
    hours = range(int(24 + scenario.prices_h))
    rows = ((start_utc_s + 3600 * n, 90 + 60 * (8 <= (start_utc_s / 3600 + n + 9) % 24 < 22)) for n in hours)
    lines = (f"{datetime.fromtimestamp(utc_s, UTC):%Y-%m-%dT%H:%MZ},{price}" for utc_s, price in rows)
    return "\n".join(["time_utc,price_krw_per_kwh", *lines, ""])


def _steady(weather: Weather, time_utc_s: np.ndarray[Any, np.dtype[np.float64]]) -> WeatherSeries:
    """Overcast and still, so that only the scenario changes the road."""

    def constant(value: float) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.full(time_utc_s.shape, value)

    return WeatherSeries(
        time_utc_s=time_utc_s,
        air_c=constant(weather.air_c),
        dew_point_c=constant(weather.dew_point_c),
        wind_m_s=constant(2.0),
        pressure_pa=constant(100_600.0),
        shortwave_w_m2=constant(0.0),
        longwave_w_m2=5.67e-8 * (constant(weather.air_c) + 273.15) ** 4 * 0.93,
        cloud_fraction=constant(1.0),
        precipitation_mm_h=constant(weather.snow_mm_h),
        snow_fraction=constant(1.0 if weather.snow_mm_h else 0.0),
    )
