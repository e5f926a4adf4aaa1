"""The tariff that city.toml names: one way from configuration to prices, for service, reports and demo."""

from __future__ import annotations

from supervisor.config import Config
from supervisor.domain.errors import TariffError
from supervisor.planner.inputs import KWH_PER_KELVIN_HOUR
from supervisor.planner.price_series import PriceSeries
from supervisor.planner.spot import read_usable
from supervisor.planner.tariff import FlatTariff, Tariff, make_tariff


def configured_tariff(config: Config) -> Tariff:
    """The configured tariff; raises TariffError for anything that is wrong with it."""
    tariff = config.tariff
    return make_tariff(
        tariff.currency,
        config.site.timezone,
        flat=tariff.flat,
        bands=tariff.band,
        file=config.resolve(tariff.file) if tariff.file else None,
        holidays=tariff.holidays,
    )


def usable_tariff(config: Config) -> tuple[Tariff, tuple[TariffError, ...]]:
    """The configured tariff as far as it can be used, and what is wrong with its file; raises TariffError."""
    path = config.resolve(config.tariff.file)
    if config.tariff.file and path.suffix == ".csv":
        return read_usable(path)
    return configured_tariff(config), ()


def fallback_tariff(config: Config) -> FlatTariff:
    """What to plan with while no price is known at all: one price for all hours."""
    return FlatTariff(config.planner.price_per_kelvin_hour / KWH_PER_KELVIN_HOUR, config.tariff.currency)


def known_span_utc_s(tariff: Tariff) -> tuple[float, float] | None:
    """From when to when a tariff has prices of its own, None for one that has them for ever."""
    return (tariff.start_utc_s, tariff.end_utc_s) if isinstance(tariff, PriceSeries) else None
