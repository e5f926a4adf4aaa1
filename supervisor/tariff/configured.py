"""The tariff that city.toml names: one way from configuration to prices, for service, reports, demo and benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from supervisor.domain.errors import TariffError
from supervisor.tariff.bands import BandTariff
from supervisor.tariff.day_ahead import SpotTariff
from supervisor.tariff.demand import Demand
from supervisor.tariff.flat import FlatTariff
from supervisor.tariff.kind import District, PeakRule, PriceFetcher, Tariff, TariffSettings
from supervisor.tariff.price_series import PriceSeries
from supervisor.tariff.registry import tariff_kind
from supervisor.tariff.worth import KWH_PER_ICE_FREE_HOUR

UNKNOWN_MONEY = ""  # currency of prices that only say that all hours cost the same


class Configured(District, Protocol):
    """A configuration with its `[tariff]`."""

    @property
    def tariff(self) -> TariffSettings: ...


def configured_tariff(config: Configured) -> Tariff:
    """The configured tariff; raises TariffError for anything that is wrong with it."""
    tariff: Tariff = tariff_kind(config.tariff).load(config.tariff, config)
    if problem := currency_problem(config, tariff):
        raise problem
    return tariff


def usable_tariff(config: Configured) -> tuple[Tariff, tuple[TariffError, ...]]:
    """The configured tariff as far as it can be used, and what is wrong with its file; raises TariffError.

    Prices in another currency than the configured one are used: their shape is right (see `worth`).
    """
    load = tariff_kind(config.tariff).load_usable
    return (configured_tariff(config), ()) if load is None else load(config.tariff, config)


def billing_tariff(config: Configured) -> Tariff:
    """The configured tariff for a report: what is wrong with a price file matters only where a report needs the price.

    Raises TariffError for a tariff that cannot be read; its `prices` for times without a price of their own.
    """
    series, _ = usable_tariff(config)
    if not isinstance(series, PriceSeries):
        return configured_tariff(config)
    if problem := currency_problem(config, series):
        raise problem
    return SpotTariff(series, str(tariff_file(config)))


def currency_problem(config: Configured, tariff: Tariff) -> TariffError | None:
    """What is wrong where prices are not in the configured currency."""
    if tariff.currency == config.tariff.currency:
        return None
    return TariffError(
        f"prices in {tariff.currency}, and tariff.currency is {config.tariff.currency}",
        where=str(tariff_file(config) or "tariff"),
        remedy=f'Write currency = "{tariff.currency}" with all amounts of city.toml in it, or supply other prices',
    )


def configured_demand(config: Configured) -> Demand:
    """How the base charge is found; raises TariffError for a file that cannot be read, or impossible values."""
    demand: Demand = tariff_kind(config.tariff).demand(config.tariff, config)
    if problem := demand.problem():
        raise TariffError(problem, where="tariff.demand", remedy="See docs/configuration.md")
    return demand


def tariff_file(config: Configured) -> Path | None:
    """The file that the prices are read from, again whenever it changes; None where city.toml holds them."""
    path: Path | None = tariff_kind(config.tariff).path(config.tariff, config)
    return path


def price_fetcher(config: Configured) -> PriceFetcher | None:
    """What brings that file up to date, where a service gives the prices; raises TariffError."""
    fetch = tariff_kind(config.tariff).fetch
    return fetch(config.tariff, config) if fetch is not None else None


def fallback_tariff(price_per_ice_free_hour: float | None, currency: str) -> FlatTariff:
    """What to plan with while no price is known at all: one price for all hours."""
    if price_per_ice_free_hour is None:
        return FlatTariff(1.0, UNKNOWN_MONEY)
    return FlatTariff(price_per_ice_free_hour / KWH_PER_ICE_FREE_HOUR, currency)


def peak_counts(tariff: Tariff, start_utc_s: float, n_slots: int) -> npt.NDArray[np.bool_]:
    """Whether a peak in those slots sets the base charge, shape (n_slots,): in the hours of some bands it does not."""
    return tariff.counts_peak(start_utc_s, n_slots) if isinstance(tariff, PeakRule) else np.ones(n_slots, dtype=bool)


def known_span_utc_s(tariff: Tariff) -> tuple[float, float] | None:
    """From when to when a tariff has prices of its own, None for one that has them for ever."""
    if isinstance(tariff, BandTariff):
        return tariff.span_utc_s()
    return (tariff.start_utc_s, tariff.end_utc_s) if isinstance(tariff, PriceSeries) else None
