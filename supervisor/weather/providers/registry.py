"""All weather providers. To add one: its module with a `KIND`, a line here, its test and a row in docs/weather.md."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from supervisor.runtime.clock import Clock
from supervisor.weather.providers import kma_village, met_norway, openmeteo, watched
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.kind import District, ProviderKind, WeatherProvider, WeatherSettings

USER_AGENT = "roadheat (+https://pypi.org/project/roadheat)"  # MET Norway refuses requests without name and contact

PROVIDERS: Mapping[str, ProviderKind[Any]] = {
    kind.name: kind for kind in (watched.KIND, openmeteo.KIND, met_norway.KIND, kma_village.KIND)
}


class Configured(District, Protocol):
    """A configuration with its `[weather]`."""

    @property
    def weather(self) -> WeatherSettings: ...


def provider_kind(settings: WeatherSettings) -> ProviderKind[Any]:
    """The kind that `settings` choose; `settings` are of its type."""
    return PROVIDERS[settings.provider]


def weather_file(config: Configured) -> Path | None:
    """The file that the configured provider replays; None for one that asks a service."""
    return config.resolve(config.weather.file) if isinstance(config.weather, watched.FileSettings) else None


@asynccontextmanager
async def open_weather(config: Configured, clock: Clock) -> AsyncIterator[WeatherProvider]:
    """The configured provider. What is wrong with its file or its service shows when it is asked."""
    kind = provider_kind(config.weather)
    async with aiohttp.ClientSession() as session:
        yield kind.make(config.weather, config, lambda: Fetcher(session, clock, USER_AGENT))
