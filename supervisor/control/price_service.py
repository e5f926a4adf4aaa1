"""How the service of the prices is asked: by HTTP, with the cache and back-off that weather services get."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from supervisor.domain.errors import RoadheatError, TariffError, WeatherError
from supervisor.runtime.clock import Clock
from supervisor.tariff.kind import Get, Query
from supervisor.tariff.rows import Rows
from supervisor.weather.providers.fetch import Answer, Fetcher
from supervisor.weather.providers.registry import USER_AGENT


@asynccontextmanager
async def open_price_service(clock: Clock) -> AsyncIterator[Get]:
    """A way to ask, with its connections."""
    async with aiohttp.ClientSession() as session:
        fetcher = Fetcher(session, clock, USER_AGENT)

        async def get(query: Query, read: Callable[[bytes], Rows]) -> Rows:
            try:
                return await fetcher.read(*query, lambda answer: _read(answer, read))
            except WeatherError as error:
                remedy = "The last prices are kept; the service is asked again"
                raise TariffError(error.message, where=error.where, remedy=remedy) from error

        yield get


def _read(answer: Answer, read: Callable[[bytes], Rows]) -> Rows:
    """What `read` makes of the answer. The fetcher drops an answer for a WeatherError only."""
    try:
        return read(answer.body)
    except RoadheatError as error:
        raise WeatherError(error.message, where=error.where, remedy=error.remedy) from error
