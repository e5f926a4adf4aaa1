"""The tariff that city.toml names: one way from configuration to prices, for service, reports, demo and benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from supervisor.domain.errors import TariffError
from supervisor.tariff.flat import FlatTariff
from supervisor.tariff.kind import District, FileSettings, Tariff, TariffSettings
from supervisor.tariff.price_series import PriceSeries
from supervisor.tariff.registry import tariff_kind

# The default price of a K·h (8,000 won) is 64 times a usual price of a kWh (125 won): so a tariff that says nothing is
# taken to be, in whatever currency, what the price of a K·h was chosen for.
KWH_PER_KELVIN_HOUR = 64.0


class Configured(District, Protocol):
    """A configuration with its `[tariff]`."""

    @property
    def tariff(self) -> TariffSettings: ...


def configured_tariff(config: Configured) -> Tariff:
    """The configured tariff; raises TariffError for anything that is wrong with it."""
    tariff: Tariff = tariff_kind(config.tariff).load(config.tariff, config)
    return tariff


def usable_tariff(config: Configured) -> tuple[Tariff, tuple[TariffError, ...]]:
    """The configured tariff as far as it can be used, and what is wrong with its file; raises TariffError."""
    load = tariff_kind(config.tariff).load_usable
    return (configured_tariff(config), ()) if load is None else load(config.tariff, config)


def tariff_file(config: Configured) -> Path | None:
    """The file that the prices are read from, again whenever it changes; None where city.toml holds them."""
    return config.resolve(config.tariff.file) if isinstance(config.tariff, FileSettings) else None


def fallback_tariff(price_per_kelvin_hour: float, currency: str) -> FlatTariff:
    """What to plan with while no price is known at all: one price for all hours."""
    return FlatTariff(price_per_kelvin_hour / KWH_PER_KELVIN_HOUR, currency)


def known_span_utc_s(tariff: Tariff) -> tuple[float, float] | None:
    """From when to when a tariff has prices of its own, None for one that has them for ever."""
    return (tariff.start_utc_s, tariff.end_utc_s) if isinstance(tariff, PriceSeries) else None
