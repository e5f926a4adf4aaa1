"""KEPCO's options with their dated rates, read from `rates.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from supervisor.domain.errors import TariffError

BANDS = ("light", "mid", "peak")
FLAT = "all"
SUMMER, SPRING_AUTUMN, WINTER = 0, 1, 2
_SEASONS = {6: SUMMER, 7: SUMMER, 8: SUMMER, 11: WINTER, 12: WINTER, 1: WINTER, 2: WINTER}

Rates = dict[str, tuple[Decimal, ...]]  # by band: summer, spring and autumn, winter [won/kWh]
Steps = tuple[tuple[date, Decimal], ...]  # from the day on


def season(month: int) -> int:
    """Summer June to August, winter November to February, else spring and autumn."""
    return _SEASONS.get(month, SPRING_AUTUMN)


def in_force(steps: Steps, day: date) -> Decimal:
    """The value on `day`; 0 before the first."""
    return next((value for since, value in reversed(steps) if since <= day), Decimal(0))


@dataclass(frozen=True)
class Option:
    """One of KEPCO's options. `versions` are (first day, rates), oldest first; the rates hold until the next."""

    name: str
    title: str
    base_won_per_kw: Decimal
    metered_peak: bool  # False: the contract is billed, whatever the peak
    versions: tuple[tuple[date, Rates], ...]
    reform: date | None  # from when the bands of 2026 hold
    weekend_half: bool
    or_flat: str = ""  # an option whose energy is billed instead while it is cheaper

    def rates(self, day: date) -> Rates:
        """Rates on `day`; raises TariffError before the first that is known."""
        found = [rates for since, rates in self.versions if since <= day]
        if not found:
            raise TariffError(
                f"no rates of {self.name} before {self.versions[0][0]}",
                where=str(day),
                remedy="Bill a later month, or give the bands of that time in a tariff file",
            )
        return found[-1]

    @property
    def flat(self) -> bool:
        return FLAT in self.versions[0][1]


@dataclass(frozen=True)
class Catalogue:
    """All options, and what is the same for all of them."""

    options: dict[str, Option]
    climate: Steps  # won/kWh
    fuel: Steps  # won/kWh
    fund: Steps  # part of the charges

    def option(self, name: str, reform_deferred_until: date | None = None) -> Option:
        """An option; raises TariffError for an unknown one. Industrial (B) could put the reform of 2026 off."""
        if name not in self.options:
            raise TariffError(
                f"unknown option {name[:40]!r}", where="tariff.option", remedy=f"Write one of {', '.join(self.options)}"
            )
        found = self.options[name]
        return found if reform_deferred_until is None else _deferred(found, reform_deferred_until)


def _deferred(option: Option, until: date) -> Option:
    if option.reform is None or until <= option.reform:
        return option
    versions = tuple((until if since == option.reform else since, rates) for since, rates in option.versions)
    return Option(
        option.name, option.title, option.base_won_per_kw, option.metered_peak, versions, until, option.weekend_half,
        option.or_flat,
    )  # fmt: skip


def _raised(rates: Rates, by: dict[str, tuple[Decimal, ...]]) -> Rates:
    none = (Decimal(0),) * 3
    return {band: tuple(a + b for a, b in zip(value, by.get(band, none), strict=True)) for band, value in rates.items()}


def _option(table: dict[str, Any]) -> Option:
    rates: Rates = {band: tuple(map(Decimal, table[band])) for band in (FLAT, *BANDS) if band in table}
    versions = [(table["from"], rates)]
    for since, step in table.get("steps", ()):
        rates = _raised(rates, dict.fromkeys(rates, (Decimal(step),) * 3))
        versions.append((date.fromisoformat(since), rates))
    reform = table.get("reform")
    if steps := table.get("reform_steps"):
        rates = _raised(rates, {band: tuple(map(Decimal, step)) for band, step in steps.items()})
        versions.append((reform, rates))
    return Option(
        table["name"], table["title"], Decimal(table["base_won_per_kw"]), table.get("metered_peak", True),
        tuple(versions), reform, table.get("weekend_half", False), table.get("or_flat", ""),
    )  # fmt: skip


@cache
def catalogue() -> Catalogue:
    """The shipped rates."""
    text = (resources.files(__package__) / "rates.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    common = {
        name: tuple((date.fromisoformat(since), Decimal(value)) for since, value in steps)
        for name, steps in table["common"].items()
    }
    return Catalogue({one["name"]: _option(one) for one in table["option"]}, **common)
