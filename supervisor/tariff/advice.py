"""What is allowed in `[tariff]` and probably a mistake: warnings of `check-config`."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.domain.zone import Site
from supervisor.tariff.bands import DAYS, BandTariff
from supervisor.tariff.kind import Tariff
from supervisor.tariff.worth import KWH_PER_KELVIN_HOUR, usual_per_kwh

_FACTOR = 20.0  # by which a worth may be chosen off the usual one
_HALF_YEAR_S = 183 * 86_400.0
# What a euro is in currencies of other magnitude; a kWh costs a few cents to some ten cents anywhere.
_PER_EURO = {"KRW": 1500.0, "JPY": 160.0, "HUF": 400.0, "CZK": 25.0, "SEK": 11.0, "NOK": 11.5, "DKK": 7.5, "PLN": 4.3}
_USUAL_EUR = (0.002, 3.0)  # per kWh, of a mean


def advice(tariff: Tariff, site: Site, now_utc_s: float, price_per_kelvin_hour: float | None) -> Iterator[str]:
    """Warnings about a tariff that was read without a problem."""
    differs = isinstance(tariff, BandTariff) and _holidays_differ(tariff)
    known = isinstance(tariff, BandTariff) and tariff.holidays_between(
        now_utc_s - _HALF_YEAR_S, now_utc_s + _HALF_YEAR_S
    )
    if known and not differs:
        yield "tariff.holidays changes no price: no band is for certain days only. Remove it, or give bands days"
    if differs and not known:
        country = ' such as {country = "KR"}' if site.timezone == "Asia/Seoul" else ' such as {country = "DE"}'
        yield (
            "tariff.holidays is missing: holidays have the price of Sundays or of the band that names them, and are "
            f"planned and billed as working days. Give the calendar{country}, or a list of dates"
        )
    usual = usual_per_kwh(tariff, now_utc_s)
    euro = _PER_EURO.get(tariff.currency, 1.0)
    if usual > 0.0 and not _USUAL_EUR[0] <= usual / euro <= _USUAL_EUR[1]:
        yield f"the mean price is {usual:.3g} {tariff.currency} per kWh: check its unit and tariff.currency"
    ratio = (price_per_kelvin_hour or 0.0) / usual / KWH_PER_KELVIN_HOUR if usual > 0.0 else 0.0
    if price_per_kelvin_hour is not None and usual > 0.0 and not 1 / _FACTOR <= ratio <= _FACTOR:
        yield (
            f"planner.price_per_kelvin_hour = {price_per_kelvin_hour:g} {tariff.currency} is worth "
            f"{price_per_kelvin_hour / usual:.3g} kWh; {KWH_PER_KELVIN_HOUR:g} are usual, which is what you get "
            "without this key"
        )


def _holidays_differ(tariff: BandTariff) -> bool:
    """Whether a holiday has another price than some weekday."""
    return any(
        bool((version.price[:, kind] != version.price[:, len(DAYS)]).any())
        for version in tariff.versions
        for kind in range(len(DAYS) - 1)
    )
