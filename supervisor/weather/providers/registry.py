"""All weather providers. To add one: its module with a `KIND`, a line here, its test and a row in docs/weather.md."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec

from supervisor.runtime.clock import Clock
from supervisor.weather.chain import ChainProvider, Link
from supervisor.weather.providers import kma_village, met_norway, nws, openmeteo, watched
from supervisor.weather.providers.fetch import Fetcher
from supervisor.weather.providers.kind import Attribution, District, ProviderKind, WeatherProvider, WeatherSettings

USER_AGENT = "roadheat (+https://pypi.org/project/roadheat)"  # MET Norway refuses requests without name and contact

PROVIDERS: Mapping[str, ProviderKind[Any]] = {
    kind.name: kind for kind in (watched.KIND, openmeteo.KIND, met_norway.KIND, nws.KIND, kma_village.KIND)
}


class Configured(District, Protocol):
    """A configuration with its `[weather]`."""

    @property
    def weather(self) -> WeatherSettings: ...


@dataclass(frozen=True)
class Planned:
    """A provider that can plan, with its own settings."""

    kind: ProviderKind[Any]
    settings: WeatherSettings


def settings_of(names: Sequence[str]) -> type[WeatherSettings]:
    """The struct of a `[weather]` with the keys of all these providers."""
    if len(names) == 1:
        return PROVIDERS[names[0]].settings
    own: dict[str, tuple[str, Any, Any]] = {}
    for name in names:
        for key in msgspec.structs.fields(PROVIDERS[name].settings):
            if key.name not in WeatherSettings.__struct_fields__:
                default: Any = {"default": key.default, "default_factory": key.default_factory}
                own[key.name] = key.name, key.type, msgspec.field(**default)
    struct = msgspec.defstruct(
        "Weather", own.values(), bases=(WeatherSettings,), frozen=True, forbid_unknown_fields=True, kw_only=True
    )
    return cast(type[WeatherSettings], struct)


def planned(settings: WeatherSettings) -> tuple[Planned, ...]:
    """The providers that `settings` choose, in the order in which they are to plan."""
    if not settings.providers:
        return (Planned(PROVIDERS[settings.provider], settings),)
    chosen = []
    for name in settings.providers:
        kind = PROVIDERS[name]
        own = {key: getattr(settings, key) for key in kind.settings.__struct_fields__ if key != "providers"}
        chosen.append(Planned(kind, kind.settings(**{**own, "provider": name})))
    return tuple(chosen)


def attributions(settings: WeatherSettings) -> tuple[Attribution, ...]:
    """Of all providers that can plan."""
    return tuple(attribution for one in planned(settings) for attribution in one.kind.attributions)


def weather_file(config: Configured) -> Path | None:
    """The file that the first provider replays; None where that asks a service."""
    first = planned(config.weather)[0].settings
    return config.resolve(first.file) if isinstance(first, watched.FileSettings) else None


@asynccontextmanager
async def open_weather(config: Configured, clock: Clock) -> AsyncIterator[WeatherProvider]:
    """The configured providers as one. What is wrong with a file or a service shows when it is asked."""
    import aiohttp  # here: commands that read city.toml start without it

    async with aiohttp.ClientSession() as session:
        links = [
            Link(one.kind.name, one.kind.make(one.settings, config, lambda: Fetcher(session, clock, USER_AGENT)))
            for one in planned(config.weather)
        ]
        yield links[0].provider if len(links) == 1 else ChainProvider(links)
