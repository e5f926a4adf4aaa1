"""What is allowed in `[tariff]` and probably a mistake: warnings of `check-config`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from supervisor.domain.zone import Site
from supervisor.tariff.bands import DAYS, BandTariff
from supervisor.tariff.kind import Tariff
from supervisor.tariff.worth import DEMAND_MAX_KWH, KWH_PER_ICE_FREE_HOUR, usual_per_kwh, worth_of

_FACTOR = 20.0  # by which a worth may be chosen off the usual one
_HALF_YEAR_S = 183 * 86_400.0
# What a euro is in currencies of other magnitude; a kWh costs a few cents to some ten cents anywhere.
_PER_EURO = {"KRW": 1500.0, "JPY": 160.0, "HUF": 400.0, "CZK": 25.0, "SEK": 11.0, "NOK": 11.5, "DKK": 7.5, "PLN": 4.3}
_USUAL_EUR = (0.002, 3.0)  # per kWh, of a mean


def advice(
    tariff: Tariff,
    site: Site,
    now_utc_s: float,
    price_per_ice_free_hour: float | None,
    demand_prices: Mapping[str, float] = MappingProxyType({}),
) -> Iterator[str]:
    """Warnings about a tariff that was read without a problem; `demand_prices` are those of the feeders."""
    if isinstance(tariff, BandTariff):
        yield from _holidays(tariff, site, now_utc_s)
    usual = usual_per_kwh(tariff, now_utc_s)
    euro = _PER_EURO.get(tariff.currency, 1.0)
    if usual > 0.0 and not _USUAL_EUR[0] <= usual / euro <= _USUAL_EUR[1]:
        yield f"the mean price is {usual:.3g} {tariff.currency} per kWh: check its unit and tariff.currency"
    ratio = (price_per_ice_free_hour or 0.0) / usual / KWH_PER_ICE_FREE_HOUR if usual > 0.0 else 0.0
    if price_per_ice_free_hour is not None and usual > 0.0 and not 1 / _FACTOR <= ratio <= _FACTOR:
        yield (
            f"planner.price_per_ice_free_hour = {price_per_ice_free_hour:g} {tariff.currency} is worth "
            f"{price_per_ice_free_hour / usual:.3g} kWh; {KWH_PER_ICE_FREE_HOUR:g} are usual, which is what you get "
            "without this key"
        )
    worth = worth_of(tariff, now_utc_s, tariff.currency, price_per_ice_free_hour)
    for feeder, price in demand_prices.items():
        if usual > 0.0 and price > worth.demand(price):
            yield (
                f"feeder {feeder}: a base charge of {price:g} {tariff.currency} per kW is worth {price / usual:,.0f} "
                f"kWh; plans count {DEMAND_MAX_KWH:g}. Check its currency, and that it is for a month"
            )


def _holidays(tariff: BandTariff, site: Site, now_utc_s: float) -> Iterator[str]:
    ahead = tariff.holidays_between(now_utc_s, now_utc_s + _HALF_YEAR_S)
    given = ahead or tariff.holidays_between(now_utc_s - 4 * _HALF_YEAR_S, now_utc_s)
    differs = _holidays_differ(tariff)
    if given and not differs:
        yield "tariff.holidays changes no price: no band is for certain days only. Remove it, or give bands days"
    if differs and not ahead:
        fault = "has no day of the coming half year" if given else "is missing"
        country = "KR" if site.timezone == "Asia/Seoul" else "DE"
        yield (
            f"tariff.holidays {fault}: holidays have the price of Sundays or of the band that names them, and are "
            f'planned and billed as working days. Give the calendar, such as {{country = "{country}"}}, or dates'
        )


def _holidays_differ(tariff: BandTariff) -> bool:
    """Whether a holiday has another price than some weekday."""
    return any(
        bool((version.price[:, kind] != version.price[:, len(DAYS)]).any())
        for version in tariff.versions
        for kind in range(len(DAYS) - 1)
    )
