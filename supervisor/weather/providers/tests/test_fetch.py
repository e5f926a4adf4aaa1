"""Fetching against a real HTTP server: caching, validation, identification, back-off; each provider over the wire."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supervisor.domain.errors import WeatherError
from supervisor.runtime.clock import ManualClock
from supervisor.weather.design_storm import SEOUL
from supervisor.weather.keeper import LastGood
from supervisor.weather.providers import kma_asos, kma_village, openmeteo
from supervisor.weather.providers.fetch import (
    BACKOFF_MAX_S,
    FRESH_DEFAULT_S,
    FRESH_MAX_S,
    JITTER_S,
    Answer,
    Fetcher,
    freshness_s,
)
from supervisor.weather.resample import at_steps

NOW = 1_703_916_000.0
NO_MARKS = str.maketrans("", "", "-T:")


class Service:
    """A weather service whose next answers are set by the test."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b"{}"

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        if self.status == 200 and request.headers.get("If-Modified-Since") and "Last-Modified" in self.headers:
            return web.Response(status=304, headers=self.headers)
        return web.Response(status=self.status, headers=self.headers, body=self.body)


@pytest.fixture
async def service() -> AsyncIterator[tuple[Service, str]]:
    service = Service()
    app = web.Application()
    app.router.add_get("/v1", service.handle)
    async with TestServer(app) as server:
        yield service, str(server.make_url("/v1"))


@pytest.fixture
async def fetcher() -> AsyncIterator[tuple[Fetcher, ManualClock]]:
    clock = ManualClock(utc_s=NOW)
    async with aiohttp.ClientSession() as session:
        yield Fetcher(session, clock, "roadheat/0 ops@example.org", random.Random(1)), clock


async def test_answers_are_cached_until_they_expire_then_validated(
    service: tuple[Service, str], fetcher: tuple[Fetcher, ManualClock]
) -> None:
    (server, url), (fetch, clock) = service, fetcher
    server.body = b"first"
    server.headers = {
        "Date": "Mon, 20 Jul 2020 11:44:31 GMT",
        "Expires": "Mon, 20 Jul 2020 12:14:31 GMT",
        "Last-Modified": "Mon, 20 Jul 2020 11:44:31 GMT",
    }
    assert (await fetch.get(url, {"lat": "1"})).body == b"first"
    clock.advance(1799)
    await fetch.get(url, {"lat": "1"})
    assert len(server.requests) == 1
    assert server.requests[0].headers["User-Agent"] == "roadheat/0 ops@example.org"
    clock.advance(1 + JITTER_S)
    again = await fetch.get(url, {"lat": "1"})
    assert server.requests[1].headers["If-Modified-Since"] == server.headers["Last-Modified"]
    assert again.body == b"first"
    assert again.received_utc_s == NOW + 1800 + JITTER_S


async def test_trouble_backs_off_longer_each_time_and_obeys_retry_after(
    service: tuple[Service, str], fetcher: tuple[Fetcher, ManualClock]
) -> None:
    (server, url), (fetch, clock) = service, fetcher
    server.status = 503
    asked_at = []
    for _ in range(4 * 60):  # two hours, asking every 30 s
        before = len(server.requests)
        with pytest.raises(WeatherError):
            await fetch.get(url, {})
        if len(server.requests) > before:
            asked_at.append(clock.monotonic_s())
        clock.advance(30)
    waits = np.diff(asked_at)
    assert len(asked_at) < 14
    assert waits[-1] > 4 * waits[0]
    assert waits.max() <= BACKOFF_MAX_S + 30
    clock.advance(BACKOFF_MAX_S)
    server.status, server.headers = 429, {"Retry-After": "7200"}
    with pytest.raises(WeatherError, match="HTTP 429"):
        await fetch.get(url, {})
    server.status = 200
    clock.advance(7100)
    with pytest.raises(WeatherError, match="next try in 100 s"):
        await fetch.get(url, {})
    clock.advance(101)
    assert (await fetch.get(url, {})).body == b"{}"


async def test_keys_do_not_appear_in_errors(service: tuple[Service, str], fetcher: tuple[Fetcher, ManualClock]) -> None:
    (server, url), (fetch, _) = service, fetcher
    server.status, server.body = 403, b"no"
    with pytest.raises(WeatherError) as caught:
        await fetch.get(url, {"apikey": "s3cret"})
    assert "s3cret" not in str(caught.value)
    with pytest.raises(WeatherError, match="no answer"):
        await Fetcher(fetch._session, ManualClock(), "x").get("http://127.0.0.1:9/", {"apikey": "s3cret"})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, FRESH_DEFAULT_S),
        ({"Cache-Control": "public, max-age=900"}, 900),
        ({"Cache-Control": "max-age=900", "Age": "300"}, 600),
        ({"Cache-Control": "max-age=99999999"}, FRESH_MAX_S),
        ({"Expires": "0", "Date": "now"}, FRESH_DEFAULT_S),
        ({"Expires": "Mon, 20 Jul 2020 11:00:00 GMT", "Date": "Mon, 20 Jul 2020 12:00:00 GMT"}, 0),
    ],
)
def test_freshness(headers: dict[str, str], seconds: float) -> None:
    assert freshness_s(headers) == seconds


# --- providers over the wire


class Redirected(Fetcher):
    """A fetcher whose requests go to the test's server, whatever host they name."""

    def __init__(self, *args: Any, to: str) -> None:
        super().__init__(*args)
        self.to = to
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def get(self, url: str, query: Mapping[str, str]) -> Answer:
        self.asked.append((url, dict(query)))
        return await super().get(self.to, query)


def hourly_answer(start_utc_s: int, hours: int) -> bytes:
    hourly = {"time": [start_utc_s + 3600 * i for i in range(hours)]}
    units = {}
    for key, value, unit in (
        ("temperature_2m", -1.0, "°C"),
        ("relative_humidity_2m", 80, "%"),
        ("wind_speed_10m", 2.0, "m/s"),
        ("cloud_cover", 100, "%"),
        ("precipitation", 0.5, "mm"),
    ):
        hourly[key], units[key] = [value] * hours, unit
    answer = {"latitude": 37.6, "longitude": 127.0, "elevation": 60, "hourly": hourly, "hourly_units": units}
    return json.dumps(answer).encode()


async def test_open_meteo_end_to_end(service: tuple[Service, str], monkeypatch: pytest.MonkeyPatch) -> None:
    server, url = service
    server.body = hourly_answer(int(NOW) - 24 * 3600, 60)
    monkeypatch.setenv(openmeteo.API_KEY_ENV, "k1")
    async with aiohttp.ClientSession() as session:
        fetch = Redirected(session, ManualClock(utc_s=NOW), "roadheat/0", to=url)
        provider = openmeteo.OpenMeteoProvider(SEOUL, fetch)
        assert provider.observed(NOW, 3600) is None
        kept = await LastGood(provider).forecast(NOW, 30 * 3600)
        assert kept.alarm is None
        assert kept.forecast is not None
        assert kept.forecast.issued_utc_s == NOW
        at_steps(kept.forecast.members[0], NOW, 900.0, 120, SEOUL)
        past = provider.observed(NOW, 12 * 3600)
        assert past is not None
        at_steps(past, NOW - 12 * 3600, 600.0, 72)
        asked, query = fetch.asked[0]
        assert asked == "https://customer-api.open-meteo.com/v1/forecast"
        assert query["wind_speed_unit"] == "ms"
        assert server.requests[0].query["apikey"] == "k1"


async def test_a_kma_station_gives_the_past(service: tuple[Service, str], monkeypatch: pytest.MonkeyPatch) -> None:
    server, url = service
    monkeypatch.setenv(kma_village.KEY_ENV, "k1")
    monkeypatch.setenv(kma_asos.KEY_ENV, "k2")
    async with aiohttp.ClientSession() as session:
        clock = ManualClock(utc_s=NOW)  # 15:00 in Seoul
        ahead, past = (Redirected(session, clock, "roadheat/0", to=url) for _ in range(2))
        station = kma_asos.KmaAsosObservations(SEOUL, past, 108)
        provider = kma_village.KmaVillageProvider(SEOUL, ahead, station)
        server.body = asos_day()
        await station.refresh(NOW)
        assert past.asked[0][1]["tm2"] == "202312301500"
        server.body = village_answer()
        forecast = await provider.forecast(NOW + 1200, 6 * 3600)  # the station's answer is still fresh
        assert ahead.asked[0][1]["base_time"] == "1400"
        assert forecast.members[0].air_c[0] == -3.0
        observed = provider.observed(NOW + 1200, 6 * 3600)
        assert observed is not None
        at_steps(observed, NOW - 3600, 600.0, 8)  # to the minute, though the station's last hour is 15:00
        assert observed.air_c[0] == -5.0


def asos_day() -> bytes:
    rows = []
    for i in range(24):
        cells = dict.fromkeys(kma_asos.HEADER.split(), "-9")
        cells |= {"TM": f"{np.datetime64(int(NOW) + 9 * 3600 - (23 - i) * 3600, 's')}".translate(NO_MARKS)[:12]}
        cells |= {"WS": "2.0", "PA": "1008.0", "TA": "-5.0", "TD": "-9.2", "HM": "72.0", "CA_TOT": "3", "SI": "0.0"}
        rows.append(" ".join({**cells, "WW": "-", "IR": "3"}.values()))
    return "\n".join(rows).encode()


def village_answer() -> bytes:
    values = {"TMP": "-3", "REH": "50", "WSD": "1.4", "SKY": "1", "PTY": "0", "PCP": "강수없음", "SNO": "적설없음"}
    items = [
        {"baseDate": "20231230", "baseTime": "1400", "fcstDate": "20231230" if hour < 24 else "20231231",
         "fcstTime": f"{hour % 24:02d}00", "category": key, "fcstValue": value}
        for hour in range(15, 40) for key, value in values.items()
    ]  # fmt: skip
    body = {"items": {"item": items}}
    return json.dumps({"response": {"header": {"resultCode": "00"}, "body": body}}).encode()


async def test_kma_needs_a_key_and_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kma_village.KEY_ENV, raising=False)
    async with aiohttp.ClientSession() as session:
        provider = kma_village.KmaVillageProvider(SEOUL, Fetcher(session, ManualClock(utc_s=NOW), "roadheat/0"))
        with pytest.raises(WeatherError, match="KMA_SERVICE_KEY"):
            await provider.forecast(NOW, 30 * 3600)
