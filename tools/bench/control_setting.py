"""What a closed loop is given: weather, fleet, forecasts, chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Feeder, Site, Zone
from supervisor.tariff.kind import Tariff
from supervisor.weather.resample import between
from tools.bench.control_plant import SPREAD

HOUR_S = 3600
Forecaster = Callable[[float, float], Forecast]


@dataclass(frozen=True)
class Stretch:
    """The weather that is replayed, from the full hour before `start_utc_s`, and where it was."""

    weather: WeatherSeries
    start_utc_s: float
    end_utc_s: float
    site: Site | None = None


@dataclass(frozen=True)
class Fleet:
    """What is heated and what it pays."""

    zones: Sequence[Zone]
    feeders: Sequence[Feeder]
    tariff: Tariff


@dataclass(frozen=True)
class Chance:
    """What no controller knows: how far each road is from its data sheet, and when sensors are wrong."""

    seed: int = 1
    spread: float = SPREAD
    faults_per_zone_month: float = 0.0


def perfect(weather: WeatherSeries) -> Forecaster:
    """The true weather as forecast."""

    def forecast(now_utc_s: float, horizon_s: float) -> Forecast:
        return Forecast(
            now_utc_s, (between(weather, now_utc_s - HOUR_S, now_utc_s + horizon_s + 2 * HOUR_S),), "perfect"
        )

    return forecast
