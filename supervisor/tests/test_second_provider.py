"""The whole service in virtual time over two weather services, real servers of which the first fails and returns."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supervisor.app import Service, running
from supervisor.config import Config, load
from supervisor.control.degraded import DegradedCode
from supervisor.control.forecast_record import ForecastRecord
from supervisor.control.forecasts import Forecasts
from supervisor.domain.plan import PlanLabel
from supervisor.runtime.work import held
from supervisor.tests.test_loops import T0_UTC_S, make_config, standing
from supervisor.weather.providers import registry
from supervisor.weather.providers.fetch import Answer, Fetcher
from supervisor.weather.providers.kind import ProviderKind, WeatherSettings
from supervisor.weather.providers.openmeteo import OpenMeteoProvider
from supervisor.weather.providers.tests.test_fetch import hourly_answer
from tools import skipping

CYCLE_S = 300.0


class Place:
    """One weather service: where it is, and what it does."""

    def __init__(self) -> None:
        self.manner = "good"
        self.release = asyncio.Event()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        if self.manner == "dies":
            assert request.transport is not None
            request.transport.abort()
        if self.manner == "hangs":
            await self.release.wait()
        body = hourly_answer(int(T0_UTC_S) // 3600 * 3600 - 24 * 3600, 96)
        return web.Response(
            body=b"<html>" if self.manner == "garbage" else body, headers={"Cache-Control": "max-age=1"}
        )


def kind_of(name: str, place: Place) -> ProviderKind[WeatherSettings]:
    class Here(Fetcher):
        """Asks the test's server. Its answer takes no virtual time, unless it hangs."""

        async def _ask(self, url: str, query: Any, cached: Answer | None) -> Answer:
            if place.manner == "hangs":
                return await super()._ask(place.url, query, cached)
            with held():
                return await super()._ask(place.url, query, cached)

    class Named(OpenMeteoProvider):
        async def forecast(self, now_utc_s: float, horizon_s: float) -> Any:
            return replace(await super().forecast(now_utc_s, horizon_s), source=name)

    def make(_: object, district: Any, fetcher: Callable[[], Fetcher]) -> Named:
        given = fetcher()
        return Named(district.site, Here(given._session, given._clock, "roadheat/0", random.Random(1)))

    return ProviderKind(name=name, settings=WeatherSettings, make=make)


def two_providers(folder: Path) -> Config:
    make_config(folder)
    path = folder / "city.toml"
    text = path.read_text()
    begin, end = text.index("[weather]"), text.index("[tariff]")
    path.write_text(text[:begin] + '[weather]\nproviders = ["north", "south"]\n' + text[end:])
    return load(path)


class Seen:
    """The running service, its two weather services, and its forecasts."""

    def __init__(self, service: Service, north: Place, south: Place, forecasts: Forecasts) -> None:
        self.service, self.north, self.south, self.forecasts = service, north, south, forecasts

    @property
    def planning(self) -> str:
        assert self.forecasts.latest is not None
        return self.forecasts.latest.source

    @property
    def second(self) -> dict[str, Any] | None:
        """Details of the line that a second provider plans."""
        lines = self.forecasts._degradations.now()
        return next((line.detail for line in lines if line.code is DegradedCode.FORECAST_SECOND), None)

    @property
    def shown(self) -> dict[str, float]:
        registry = self.forecasts._metrics.registry
        return {
            name: value
            for name in ("north", "south")
            if (value := registry.get_sample_value("roadheat_forecast_provider", {"provider": name})) is not None
        }

    def labels(self) -> set[PlanLabel | None]:
        return {zone.plan.label if zone.plan else None for zone in self.service.live.zones.values()}


def play(folder: Path, monkeypatch: pytest.MonkeyPatch, check: Callable[[Seen], Any], manner: str = "good") -> None:
    """Run `check` on a service that starts while the first provider has this manner."""
    made: list[Forecasts] = []
    real = Forecasts.resume

    async def resume(self: Forecasts, record: ForecastRecord) -> None:
        made.append(self)
        await real(self, record)

    monkeypatch.setattr(Forecasts, "resume", resume)

    async def main() -> None:
        north, south = Place(), Place()
        north.manner = manner
        servers = []
        for name, place in (("north", north), ("south", south)):
            monkeypatch.setitem(registry.PROVIDERS, name, kind_of(name, place))  # type: ignore[arg-type]
            app = web.Application()
            app.router.add_get("/", place.handle)
            servers.append(TestServer(app))
            await servers[-1].start_server()
            place.url = str(servers[-1].make_url("/"))
        try:
            clock = skipping.LoopClock(T0_UTC_S)
            executor = lambda: ThreadPoolExecutor(1)  # noqa: E731
            async with running(two_providers(folder), clock, planner_executor=executor) as service:
                await check(Seen(service, north, south, made[-1]))
        finally:
            north.release.set()
            for server in servers:
                await server.close()

    skipping.run(main())


@pytest.mark.parametrize("manner", ["dies", "hangs", "garbage"])
def test_the_second_plans_within_one_cycle_and_the_first_again_when_it_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    async def check(seen: Seen) -> None:
        await asyncio.sleep(60)
        assert (seen.planning, seen.second, seen.shown) == ("north", None, {"north": 1.0})
        seen.north.manner = manner
        await asyncio.sleep(CYCLE_S + 30)
        assert (seen.planning, seen.shown) == ("south", {"south": 1.0})
        assert seen.second == {"provider": "south", "first": "north"}
        assert ("forecast", "") not in standing(seen.service)  # the forecast is good: nobody needs to act at once
        await asyncio.sleep(1200)
        assert seen.planning == "south"
        assert seen.labels() == {PlanLabel.OPTIMAL}
        seen.north.manner = "good"
        seen.north.release.set()
        await asyncio.sleep(2400)  # after many failures it is asked every half an hour
        assert (seen.planning, seen.second, seen.shown) == ("north", None, {"north": 1.0})

    play(tmp_path, monkeypatch, check)


@pytest.mark.parametrize("manner", ["dies", "hangs"])
def test_the_service_starts_with_the_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: str) -> None:
    async def check(seen: Seen) -> None:
        assert seen.planning == "south"
        assert seen.second == {"provider": "south", "first": "north"}

    play(tmp_path, monkeypatch, check, manner)
