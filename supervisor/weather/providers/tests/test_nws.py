"""The National Weather Service: periods, nulls, units, phase, stations, and what is asked of the service."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Treatment
from supervisor.domain.zone import Site
from supervisor.runtime.clock import ManualClock
from supervisor.weather.gate import utc_text
from supervisor.weather.keeper import check_forecast
from supervisor.weather.providers import nws, nws_stations
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.nws import NwsProvider, parse
from supervisor.weather.providers.nws_stations import NwsStation

PITTSBURGH = Site("pittsburgh", "America/New_York", 40.44, -79.996, 300.0)
BEGIN = datetime(2026, 1, 10, 6, tzinfo=UTC).timestamp()
HOURS = 60


def layer(unit: str | None, hours: int, values: list[Any], begin: float = BEGIN) -> dict[str, Any]:
    """A variable of the grid: one value for each `hours`."""
    entries = [
        {"validTime": f"{utc_text(begin + 3600 * hours * k).replace('Z', '+00:00')}/PT{hours}H", "value": value}
        for k, value in enumerate(values)
    ]
    return {**({"uom": f"wmoUnit:{unit}"} if unit else {}), "values": entries}


def grid() -> dict[str, Any]:
    snow: list[Any] = [[{"coverage": "definite", "weather": "snow", "intensity": "moderate"}]]
    return {
        "updateTime": "2026-01-10T08:10:00+00:00",
        "temperature": layer("degC", 3, [-4.0 - 0.1 * k for k in range(HOURS // 3)]),
        "dewpoint": layer("degC", 3, [-6.0 - 0.1 * k for k in range(HOURS // 3)]),
        "relativeHumidity": layer("percent", 3, [86.0] * (HOURS // 3)),
        "windSpeed": layer("km_h-1", 6, [18.0] * (HOURS // 6)),
        "skyCover": layer("percent", 6, [90.0] * (HOURS // 6)),
        "probabilityOfPrecipitation": layer("percent", 6, [80.0] * (HOURS // 6)),
        "quantitativePrecipitation": layer("mm", 6, [0.0, 6.0, 3.0] + [0.0] * (HOURS // 6 - 3)),
        "snowfallAmount": layer("mm", 6, [0.0, 60.0, 30.0] + [0.0] * (HOURS // 6 - 3)),
        "weather": layer(None, 6, [[], *snow * 2, *[[]] * (HOURS // 6 - 3)]),
    }


def body(properties: dict[str, Any]) -> bytes:
    return json.dumps({"properties": properties}).encode()


def test_periods_become_hours_and_units_the_own_ones() -> None:
    forecast = parse(body(grid()), PITTSBURGH)
    series = forecast.members[0]
    at = {hour: int(np.searchsorted(series.time_utc_s, BEGIN + 3600 * hour)) for hour in range(HOURS + 1)}
    assert forecast.issued_utc_s == datetime(2026, 1, 10, 8, 10, tzinfo=UTC).timestamp()
    assert series.time_utc_s[0] == BEGIN
    assert series.time_utc_s[-1] == BEGIN + 3600 * HOURS
    assert series.air_c[at[2]] == -4.0
    assert series.air_c[at[3]] == pytest.approx(-4.1)
    assert series.wind_m_s[at[1]] == pytest.approx(5.0)
    assert series.cloud_fraction[at[1]] == pytest.approx(0.9)
    assert series.precipitation_mm_h[at[6]] == 0.0  # the hour that ends as the snow begins
    assert list(series.precipitation_mm_h[at[7] : at[12] + 1]) == pytest.approx([1.0] * 6)
    assert list(series.precipitation_mm_h[at[13] : at[18] + 1]) == pytest.approx([0.5] * 6)
    assert series.precipitation_mm_h[at[19]] == 0.0
    assert (series.snow_fraction[at[7] : at[18] + 1] == 1.0).all()
    assert not forecast.treated.degraded
    check_forecast(forecast, BEGIN + 3 * 3600)


def test_rain_of_the_hours_weather_is_rain_and_snow_depth_stands_in_where_it_says_nothing() -> None:
    answer = grid()
    answer["temperature"] = layer("degC", 3, [1.0] * (HOURS // 3))
    answer["dewpoint"] = layer("degC", 3, [0.0] * (HOURS // 3))
    del answer["relativeHumidity"]
    answer["weather"] = layer(None, 6, [[], [{"weather": "rain"}], [{"weather": None}], *[[]] * (HOURS // 6 - 3)])
    series = parse(body(answer), PITTSBURGH).members[0]
    assert (series.snow_fraction[7:13] == 0.0).all()
    assert (series.snow_fraction[13:19] == 1.0).all()


def test_nulls_are_estimated_and_counted_and_a_storm_goes_on() -> None:
    answer = grid()
    answer["temperature"]["values"][2]["value"] = None
    answer["quantitativePrecipitation"]["values"][1]["value"] = None
    forecast = parse(body(answer), PITTSBURGH)
    series = forecast.members[0]
    assert series.air_c[7] == pytest.approx(-4.2, abs=0.2)
    assert list(series.precipitation_mm_h[7:13]) == pytest.approx([1.0] * 6)  # from 60 mm of snow
    assert forecast.treated[Treatment.ESTIMATED, "precipitation_mm_h"] == 6
    assert forecast.treated[Treatment.ESTIMATED, "air_c"] == 3


def test_no_amount_and_hardly_a_chance_is_dry() -> None:
    answer = grid()
    answer["quantitativePrecipitation"]["values"][5]["value"] = None
    answer["probabilityOfPrecipitation"]["values"][5]["value"] = 3
    assert (parse(body(answer), PITTSBURGH).members[0].precipitation_mm_h[31:37] == 0.0).all()


def test_the_series_ends_where_the_amounts_end() -> None:
    answer = grid()
    answer["quantitativePrecipitation"]["values"] = answer["quantitativePrecipitation"]["values"][:6]
    series = parse(body(answer), PITTSBURGH).members[0]
    assert series.time_utc_s[-1] == BEGIN + 36 * 3600


@pytest.mark.parametrize(
    ("key", "unit", "values", "want"),
    [
        ("temperature", "degF", [23.0], -5.0),
        ("temperature", "K", [268.15], -5.0),
        ("windSpeed", "m_s-1", [7.0], 7.0),
    ],
)
def test_other_units_are_converted(key: str, unit: str, values: list[float], want: float) -> None:
    answer = grid()
    answer[key] = layer(unit, 3, values * (HOURS // 3))
    answer["dewpoint"] = layer("degC", 3, [-8.0] * (HOURS // 3))
    name = {"temperature": "air_c", "windSpeed": "wind_m_s"}[key]
    assert getattr(parse(body(answer), PITTSBURGH).members[0], name)[3] == pytest.approx(want)


def test_a_unit_that_is_not_known_is_dropped_or_refused_where_it_is_needed() -> None:
    answer = grid()
    answer["windSpeed"]["uom"] = "wmoUnit:furlong"
    forecast = parse(body(answer), PITTSBURGH)
    assert forecast.treated[Treatment.DROPPED, "wind_m_s"] > 0
    answer["temperature"]["uom"] = "wmoUnit:reaumur"
    with pytest.raises(WeatherError, match="reaumur") as caught:
        parse(body(answer), PITTSBURGH)
    assert "nws: temperature" in caught.value.where


@pytest.mark.parametrize(
    "period",
    ["", "2026-01-10T06:00:00+00:00", "x/PT1H", "2026-01-10T06:00:00+00:00/P", "2026-01-10T06:00:00+00:00/P999D"],
)
def test_a_period_that_cannot_be_read_is_dropped(period: str) -> None:
    answer = grid()
    answer["windSpeed"]["values"][1]["validTime"] = period
    forecast = parse(body(answer), PITTSBURGH)
    assert forecast.treated[Treatment.DROPPED, "wind_m_s"] == 1
    assert forecast.members[0].wind_m_s[8] == pytest.approx(5.0)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_wrong_gives_a_forecast_or_a_named_error(seed: int) -> None:
    rng = random.Random(seed)
    answer = grid()
    for _ in range(rng.randint(1, 6)):
        key = rng.choice(list(answer))
        if not isinstance(answer[key], dict):
            continue
        entries = answer[key].get("values")
        if not isinstance(entries, list):
            continue
        kind = rng.randrange(6)
        if kind == 0:
            del answer[key]
        elif kind == 1 and entries:
            rng.shuffle(entries)
        elif kind == 2 and entries:
            entries[rng.randrange(len(entries))]["value"] = rng.choice([None, "x", [], {}, 1e9, -9999, True])
        elif kind == 3 and entries:
            entries[rng.randrange(len(entries))] = rng.choice([None, [], "x", {"value": 1}])
        elif kind == 4:
            answer[key]["uom"] = rng.choice([None, 7, "", "wmoUnit:degF"])
        else:
            answer[key] = rng.choice([None, [], {}, {"values": None}, {"values": {"a": 1}}])
    try:
        forecast = parse(body(answer), PITTSBURGH)
    except WeatherError as error:
        where = error.where
    else:
        where = forecast.source
        series = forecast.members[0]
        assert all(np.isfinite(getattr(series, name)).all() for name in series.__dataclass_fields__)
    assert where.startswith("nws")


def report(minute_of: float, **values: Any) -> dict[str, Any]:
    usual: dict[str, tuple[Any, str]] = {
        "temperature": (-3.0, "degC"), "dewpoint": (-5.0, "degC"), "relativeHumidity": (86.0, "percent"),
        "windSpeed": (10.8, "km_h-1"), "precipitationLastHour": (None, "mm"),
    }  # fmt: skip
    quantities = {
        key: {"unitCode": f"wmoUnit:{unit}", "value": values.get(key, value)} for key, (value, unit) in usual.items()
    }
    rest = {"presentWeather": values.get("presentWeather", []), "cloudLayers": [{"amount": "FEW"}, {"amount": "OVC"}]}
    return {"properties": {"timestamp": utc_text(minute_of), **quantities, **rest}}


def reports() -> list[dict[str, Any]]:
    hours = [report(BEGIN + 3600 * k - 540) for k in range(12)]
    hours[4] = report(BEGIN + 3600 * 4 - 540, temperature=None, windSpeed=None)
    hours[8] = report(BEGIN + 3600 * 8 - 540, precipitationLastHour=1.5, presentWeather=[{"weather": "snow"}])
    return [*reversed(hours), report(BEGIN + 1800.0, temperature=9.0), {"properties": {}}, {"properties": None}]


def test_reports_some_minutes_early_are_of_the_hour_and_nulls_are_filled() -> None:
    series, treated = nws_stations.parse(json.dumps({"features": reports()}).encode(), PITTSBURGH)
    assert list(series.time_utc_s) == [BEGIN + 3600 * k for k in range(12)]
    assert series.air_c == pytest.approx(np.full(12, -3.0))
    assert series.wind_m_s == pytest.approx(np.full(12, 3.0))
    assert series.precipitation_mm_h[8] == 1.5
    assert series.precipitation_mm_h[7] == 0.0
    assert (series.cloud_fraction == 1.0).all()
    assert treated[Treatment.ESTIMATED, "air_c"] == 1


class Service:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.agents: set[str] = set()
        self.points: Any = {"properties": {"gridId": "PBZ", "gridX": 80, "gridY": 68}}
        self.stations_status = 200

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        self.agents.add(request.headers["User-Agent"])
        headers = {"Cache-Control": "max-age=600"}
        if request.path.startswith("/points/"):
            return web.json_response(self.points, status=200 if "properties" in self.points else 404, headers=headers)
        if request.path == "/gridpoints/PBZ/80,68":
            return web.json_response({"properties": grid()}, headers=headers)
        if request.path.endswith("/stations"):
            features = [{"properties": {"stationIdentifier": name}} for name in ("../x", "KPIT")]
            return web.json_response({"features": features}, status=self.stations_status, headers=headers)
        return web.json_response({"features": reports()}, headers=headers)


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Service, NwsProvider, ManualClock]]:
    service, clock = Service(), ManualClock(utc_s=BEGIN + 11 * 3600 + 600.0)
    app = web.Application()
    app.router.add_get("/{path:.*}", service.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        monkeypatch.setattr(nws, "BASE_URL", str(server.make_url("")).rstrip("/"))

        def fetcher() -> Fetcher:
            return Fetcher(session, clock, "roadheat (ops@example.org)", random.Random(1))

        yield service, NwsProvider(PITTSBURGH, fetcher(), fetcher(), NwsStation(PITTSBURGH, fetcher())), clock


async def test_the_service_is_asked_by_its_rules(service: tuple[Service, NwsProvider, ManualClock]) -> None:
    server, provider, clock = service
    now = clock.utc_s()
    forecast = await provider.forecast(now, 24 * 3600.0)
    check_forecast(forecast, now)
    assert server.asked == [
        "/points/40.4400,-79.9960", "/gridpoints/PBZ/80,68", "/gridpoints/PBZ/80,68/stations",
        "/stations/KPIT/observations",
    ]  # fmt: skip
    assert server.agents == {"roadheat (ops@example.org)"}
    past = provider.observed(now, 6 * 3600.0)
    assert past is not None
    assert past.air_c[0] == pytest.approx(-3.0)
    await provider.forecast(now, 24 * 3600.0)
    assert len(server.asked) == 4  # all are fresh


async def test_without_a_station_or_a_second_look_at_the_place_the_forecast_is_used(
    service: tuple[Service, NwsProvider, ManualClock],
) -> None:
    server, provider, clock = service
    server.stations_status = 500
    await provider.forecast(clock.utc_s(), 24 * 3600.0)
    assert provider.observed(clock.utc_s(), 3600.0) is None
    server.points = {"title": "Data Unavailable For Requested Point", "detail": "Unable to provide data"}
    clock.advance(4 * 3600.0)
    await provider.forecast(clock.utc_s(), 24 * 3600.0)


async def test_a_place_outside_the_usa_is_told(service: tuple[Service, NwsProvider, ManualClock]) -> None:
    server, provider, clock = service
    server.points = {"properties": {"gridId": "../..", "gridX": 1, "gridY": 2}}
    with pytest.raises(WeatherError) as caught:
        await provider.forecast(clock.utc_s(), 24 * 3600.0)
    assert "USA" in caught.value.remedy
