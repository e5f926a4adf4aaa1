"""A list of providers over real servers that die, hang, answer garbage, answer little, and return."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.runtime.clock import ManualClock
from supervisor.weather import chain
from supervisor.weather.chain import LACK_CLEARLY_H, LACK_MAX_H, ChainProvider, Link, lack_h
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.providers.openmeteo import OpenMeteoProvider
from supervisor.weather.providers.provider import FileProvider
from supervisor.weather.providers.tests.test_fetch import NOW, Redirected, hourly_answer

HORIZON_S = 30 * 3600.0
CYCLE_S = 900.0  # longer than an answer is fresh, and than a first back-off


class Server:
    """An Open-Meteo whose manners the test sets."""

    def __init__(self) -> None:
        self.manner = "good"
        self.asked = 0
        self.hours = 60
        self.release = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.manner == "dies":
            assert request.transport is not None
            request.transport.abort()
        if self.manner == "hangs":
            await self.release.wait()
        if self.manner == "fails":
            return web.Response(status=500)
        body = hourly_answer(int(NOW) - 24 * 3600, self.hours + 24)
        if self.manner == "garbage":
            body = b"<html>" + body[:200]
        if self.manner == "full of holes":
            answer = json.loads(body)
            answer["hourly"]["temperature_2m"][26:60:2] = [None] * 17
            answer["hourly"]["precipitation"][26:60:2] = [None] * 17
            answer["hourly"]["wind_speed_10m"] = [None] * len(answer["hourly"]["time"])
            body = json.dumps(answer).encode()
        return web.Response(body=body)


@asynccontextmanager
async def served(clock: ManualClock, count: int = 2) -> AsyncIterator[tuple[list[Server], ChainProvider]]:
    servers, links, running = [], [], []
    async with aiohttp.ClientSession() as session:
        for name in ("first", "second", "third")[:count]:
            server = Server()
            app = web.Application()
            app.router.add_get("/v1", server.handle)
            test_server = TestServer(app)
            await test_server.start_server()
            running.append(test_server)
            fetch = Redirected(session, clock, "roadheat/0", random.Random(1), to=str(test_server.make_url("/v1")))
            servers.append(server)
            links.append(Link(name, OpenMeteoProvider(SEOUL, fetch)))
        try:
            yield servers, ChainProvider(links)
        finally:
            for server in servers:
                server.release.set()
            for test_server in running:
                await test_server.close()


@pytest.mark.parametrize("manner", ["dies", "hangs", "fails", "garbage", "full of holes"])
async def test_the_second_plans_within_the_cycle_and_the_first_once_it_is_good_again(
    manner: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(chain, "ASKED_MAX_S", 0.3)
    caplog.set_level(logging.INFO)
    clock = ManualClock(utc_s=NOW)
    async with served(clock) as ((first, second), provider):
        assert (await provider.forecast(clock.utc_s(), HORIZON_S)).instead_of == ""
        assert second.asked == 0  # not asked without need
        first.manner = manner
        clock.advance(CYCLE_S)
        forecast = await provider.forecast(clock.utc_s(), HORIZON_S)
        assert (forecast.instead_of, provider.planning) == ("first", "second")
        assert any("second is used now" in record.message and "first:" in record.message for record in caplog.records)
        first.manner = "good"
        first.release.set()
        clock.advance(CYCLE_S)
        assert (await provider.forecast(clock.utc_s(), HORIZON_S)).instead_of == "first"  # good once may be chance
        clock.advance(CYCLE_S)
        assert (await provider.forecast(clock.utc_s(), HORIZON_S)).instead_of == ""
        assert any("first is used again" in record.message for record in caplog.records)
        asked = second.asked
        clock.advance(CYCLE_S)
        await provider.forecast(clock.utc_s(), HORIZON_S)
        assert second.asked == asked


async def test_a_shorter_answer_than_the_seconds_does_not_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(utc_s=NOW)
    async with served(clock) as ((first, second), provider):
        first.hours = 10
        assert (await provider.forecast(clock.utc_s(), HORIZON_S)).instead_of == "first"
        second.hours = 8
        clock.advance(CYCLE_S)
        assert (await provider.forecast(clock.utc_s(), HORIZON_S)).instead_of == ""


async def test_all_that_fail_are_named() -> None:
    clock = ManualClock(utc_s=NOW)
    async with served(clock, 3) as (servers, provider):
        for server, manner in zip(servers, ("fails", "garbage", "dies"), strict=True):
            server.manner = manner
        with pytest.raises(WeatherError) as caught:
            await provider.forecast(clock.utc_s(), HORIZON_S)
        for part in (
            "first: http",
            "HTTP 500",
            "second: ",
            "is not whole JSON",
            "third: ",
            "no answer (ServerDisconnected",
        ):
            assert part in str(caught.value)


class Odd(FileProvider):
    """Does what no provider should."""

    def __init__(self, does: Callable[[], object]) -> None:
        super().__init__(design_storm(NOW - 24 * 3600, hours=96, snow_start_h=30))
        self.does = does
        self.asked = 0

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        self.asked += 1
        self.does()
        return await super().forecast(now_utc_s, horizon_s)

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        self.does()
        return super().observed(now_utc_s, back_s)


def raises(error: BaseException) -> Callable[[], object]:
    def do() -> object:
        raise error

    return do


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError(), RecursionError(), MemoryError(), TimeoutError(), OSError(5, "io"),
              asyncio.CancelledError(), StopIteration(), AssertionError()], ids=repr,
)  # fmt: skip
async def test_whatever_the_first_raises_the_second_plans(error: BaseException) -> None:
    good = FileProvider(design_storm(NOW - 24 * 3600, hours=96, snow_start_h=30))
    provider = ChainProvider([Link("odd", Odd(raises(error))), Link("good", good)])
    assert (await provider.forecast(NOW, HORIZON_S)).instead_of == "odd"
    if isinstance(error, Exception):
        assert provider.observed(NOW, 3600.0) is not None


async def test_one_that_cannot_be_cancelled_delays_nobody_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "ASKED_MAX_S", 0.1)
    release = asyncio.Event()

    class Stubborn(Odd):
        async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
            self.asked += 1
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue
            raise WeatherError("late")

    stubborn = Stubborn(lambda: None)
    good = FileProvider(design_storm(NOW - 24 * 3600, hours=96, snow_start_h=30))
    provider = ChainProvider([Link("stubborn", stubborn), Link("good", good)])
    assert (await provider.forecast(NOW, HORIZON_S)).instead_of == "stubborn"
    begin = time.monotonic()
    assert (await provider.forecast(NOW, HORIZON_S)).instead_of == "stubborn"
    assert time.monotonic() - begin < 0.1
    assert stubborn.asked == 1
    release.set()


async def test_a_cancelled_caller_leaves_no_request_behind() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    class Slow(Odd):
        async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            raise AssertionError

    provider = ChainProvider([Link("slow", Slow(lambda: None)), Link("other", Slow(lambda: None))])
    asking = asyncio.ensure_future(provider.forecast(NOW, HORIZON_S))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(ended.wait(), 5.0)


def test_what_a_forecast_lacks_is_counted_in_hours() -> None:
    series = design_storm(NOW, hours=30, snow_start_h=3)
    whole = Forecast(NOW, (series,) * 20, "test")
    reach_h = (float(series.time_utc_s[-1]) - NOW) / 3600.0
    assert lack_h(whole, NOW, reach_h * 3600) == 0.0
    assert lack_h(whole, NOW + 2 * 3600, (reach_h - 2) * 3600) == pytest.approx(2.0)
    assert lack_h(whole, NOW, (reach_h + 4) * 3600) == pytest.approx(4.0)
    missing = replace(
        whole, members=(series,) * 18, members_offered=20, treated=Tally({(Treatment.DROPPED, "member"): 2})
    )
    assert lack_h(missing, NOW, reach_h * 3600) == pytest.approx(0.1 * reach_h)
    assert lack_h(missing, NOW, reach_h * 3600) < LACK_MAX_H
    issue = replace(whole, treated=Tally({(Treatment.DROPPED, "issue"): 1, (Treatment.REPAIRED, "unit"): 9999}))
    assert lack_h(issue, NOW, reach_h * 3600) == 0.0
    everything = replace(whole, treated=Tally({(Treatment.ESTIMATED, "hour"): 10**6}))
    assert lack_h(everything, NOW, reach_h * 3600) == pytest.approx(reach_h)


async def test_two_that_lack_alike_do_not_take_turns() -> None:
    """The one that plans goes on unless another lacks clearly less."""

    class Aged(Odd):
        age_h = 0.0

        async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
            self.asked += 1
            whole = await FileProvider(self.series).forecast(now_utc_s, horizon_s)
            return replace(whole, issued_utc_s=now_utc_s - 3600.0 * self.age_h)

    first, second = Aged(lambda: None), Aged(lambda: None)
    provider = ChainProvider([Link("first", first), Link("second", second)])
    planning = []
    for ages in [(8.0, 7.0), (7.0, 8.0), (9.0, 6.0), (8.0, 7.0), (7.0, 8.0), (6.0, 8.5), (1.0, 9.0), (1.0, 9.0)]:
        first.age_h, second.age_h = ages
        await provider.forecast(NOW, HORIZON_S)
        planning.append(provider.planning)
    assert LACK_CLEARLY_H == 2.0
    assert planning == ["first", "first", "second", "second", "second", "first", "first", "first"]
