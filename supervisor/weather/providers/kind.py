"""What the module of a weather provider declares: its keys of `[weather]`, environment, attribution, check, factory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from supervisor.domain.treatment import Tally
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.providers.fetch import Fetcher


class WeatherProvider(Protocol):
    """A source of forecasts and, where it has them, observations."""

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        """Weather from now on, as far as `horizon_s` or as far as is known; raises WeatherError."""
        ...

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        """The last `back_s` until now, None where the source has no past."""
        ...


class WeatherSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[weather]` of city.toml. A provider with keys of its own adds them in a subclass.

    Either `provider`, or `providers` in the order in which they are to plan.
    """

    provider: str = "open-meteo"
    providers: tuple[str, ...] = ()


class District(Protocol):
    """The parts of the configuration that a provider uses besides its settings."""

    @property
    def site(self) -> Site: ...

    def resolve(self, name: str) -> Path:
        """The path of a file that the configuration names."""
        ...


@dataclass(frozen=True)
class Attribution:
    """What a licence demands to be shown wherever the data are shown."""

    source: str  # the name that the licence asks for
    url: str  # of the source
    licence: str
    licence_url: str


S = TypeVar("S", bound=WeatherSettings)


@dataclass(frozen=True)
class ProviderKind(Generic[S]):
    """One provider.

    `make` gets a function that returns a new `Fetcher`, one per service that is asked. `variables` gives pairs of
    (key of `[weather]`, environment variable that it needs). `check` reads what the settings name and returns what
    became of its parts; it raises WeatherError. `files` are the keys that name a file, needed and read again when it
    changes.
    """

    name: str
    settings: type[S]
    make: Callable[[S, District, Callable[[], Fetcher]], WeatherProvider]
    attributions: tuple[Attribution, ...] = ()
    variables: Callable[[S], Iterable[tuple[str, str]]] = lambda _: ()
    check: Callable[[S, District], Tally] = lambda _, __: Tally()
    files: tuple[str, ...] = ()
