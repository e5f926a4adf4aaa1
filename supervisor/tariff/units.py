"""Currency and unit of a column of prices, as its heading or a service names them."""

from __future__ import annotations

import re
from typing import NamedTuple

# Names of money that are no ISO code: the currencies that they can stand for, the likeliest first, and the factor.
_MONEY: dict[str, tuple[tuple[str, ...], float]] = {
    "€": (("EUR",), 1.0), "euro": (("EUR",), 1.0), "£": (("GBP",), 1.0), "$": (("USD", "AUD", "CAD", "NZD"), 1.0),
    "₩": (("KRW",), 1.0), "원": (("KRW",), 1.0), "won": (("KRW",), 1.0), "zł": (("PLN",), 1.0), "kč": (("CZK",), 1.0),
    "ft": (("HUF",), 1.0), "lei": (("RON",), 1.0), "kr": (("SEK", "NOK", "DKK"), 1.0),
    "ct": (("EUR", "USD", "AUD", "CAD", "NZD"), 0.01), "cent": (("EUR", "USD", "AUD", "CAD", "NZD"), 0.01),
    "cents": (("EUR", "USD", "AUD", "CAD", "NZD"), 0.01), "c": (("EUR", "USD", "AUD", "CAD", "NZD"), 0.01),
    "¢": (("USD", "AUD", "CAD", "NZD"), 0.01), "snt": (("EUR",), 0.01), "eurocent": (("EUR",), 0.01),
    "öre": (("SEK",), 0.01), "øre": (("DKK", "NOK"), 0.01), "ore": (("SEK", "DKK", "NOK"), 0.01),
    "p": (("GBP",), 0.01), "pence": (("GBP",), 0.01), "gr": (("PLN",), 0.01), "grosz": (("PLN",), 0.01),
    "rp": (("CHF",), 0.01), "rappen": (("CHF",), 0.01), "fillér": (("HUF",), 0.01), "bani": (("RON",), 0.01),
}  # fmt: skip
_ENERGY = {"mwh": 1e-3, "mwhe": 1e-3, "kwh": 1.0, "gwh": 1e-6, "wh": 1e3}
_BY = re.compile(r"(?P<money>[^\W\d_]+|[€£$₩¢])\s*(?:/|\bper\b|\bpr\b\.?)\s*(?P<energy>mwhe|[kmg]?wh)\b", re.IGNORECASE)
_CODE = re.compile(r"\b(AUD|BGN|CAD|CHF|CZK|DKK|EUR|GBP|HUF|JPY|KRW|NOK|NZD|PLN|RON|SEK|USD)\b")


class PriceUnit(NamedTuple):
    """`factor` turns a number of the column into `currency` per kWh."""

    currency: str
    factor: float


def price_unit(heading: str, currency: str = "", energy: str = "") -> PriceUnit | None:
    """What a heading such as `price_eur_per_mwh`, `Price (ct/kWh)` or `SE3 Price (EUR)` says; None: nothing.

    `currency` decides what an ambiguous name stands for, `energy` ("mwh") what a heading without one means.
    """
    words = re.sub(r"[_\[\](){}]+", " ", heading)
    if found := _BY.search(words):
        name, factor = found["money"].lower(), _ENERGY[found["energy"].lower()]
        if name in _MONEY:
            known, minor = _MONEY[name]
            return PriceUnit(currency if currency in known else known[0], minor * factor)
        return PriceUnit(name.upper(), factor) if re.fullmatch("[a-z]{3}", name) else None
    if energy and (found := _CODE.search(words)):
        return PriceUnit(found[1], _ENERGY[energy])
    return None
