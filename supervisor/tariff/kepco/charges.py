"""The single charges of KEPCO's supply terms, as pure functions in won.

Articles 41–43 (power factor), 67–68 (base charge) of the supply terms; fund by decree.
"""

from __future__ import annotations

import itertools
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from supervisor.tariff.billing.bill import OF_CONTRACT
from supervisor.tariff.billing.rounding import cut, nearest
from supervisor.tariff.demand import Demand, Month
from supervisor.tariff.kepco.catalogue import Steps, in_force

RATCHET: Final = Demand(ratchet=1.0, window_months=12, months=(12, 1, 2, 7, 8, 9), least_of_contract=0.3)
CONTRACT: Final = Demand(least_of_contract=1.0)  # low voltage
_PER_POINT: Final = Decimal("0.002")  # of the base charge, for each point of the power factor


@dataclass(frozen=True)
class PowerFactorRule:
    """Percent. Lagging counts from 08 to 22, leading from 22 to 08."""

    lagging_base: int
    lagging_best: int  # above which no more is refunded; equal to the base: nothing is refunded
    leading_base: int = 95
    least: int = 60  # below which no more is charged


# The base was 90 % on the bills of 2022; the supply terms since then have 92 %. The day between is not published
# where it could be checked: bills from 2024 on use the new one.
POWER_FACTOR: Final = ((date(2001, 1, 1), PowerFactorRule(90, 90)), (date(2024, 1, 1), PowerFactorRule(92, 97)))


def power_factor_rule(day: date) -> PowerFactorRule:
    """The rule for bills that end on `day`."""
    return next(rule for since, rule in reversed(POWER_FACTOR) if since <= day)


def power_factor(base: Decimal, rule: PowerFactorRule, lagging: int | None, leading: int | None) -> Decimal:
    """Surcharge, or refund below 0 [won], of the measured power factors [%]; None: without a meter, nothing.

    Both parts are added before the sum is cut below 1 won.
    """
    points = 0
    if lagging is not None:
        points += rule.lagging_base - min(max(lagging, rule.least), rule.lagging_best)
    if leading is not None:
        points += rule.leading_base - min(max(leading, rule.least), rule.leading_base)
    return cut(base * _PER_POINT * points)


def equivalent_kw(parts: Iterable[tuple[Decimal, int]]) -> Decimal:
    """One contracted power for a billing month in which it changed: (kW, days) of its parts, weighted by days."""
    kw_days, days = Decimal(0), 0
    for kw, count in parts:
        kw_days += kw * count
        days += count
    return kw_days / days if days else Decimal(0)


def base(billed_kw: Decimal, won_per_kw: Decimal, connected: int, days: int) -> Decimal:
    """Base charge [won] of a billing month of `days`, of which the supply was connected for some."""
    return cut(billed_kw * won_per_kw * connected / days)


def billed(
    month: Month, peaks_kw: Mapping[Month, Decimal], contract_kw: Decimal, rule: Demand = RATCHET
) -> tuple[Decimal, str]:
    """Billed power in whole kW, and whose it is: the month "2024-01", or "contract" for its least part."""
    if rule is CONTRACT:
        return contract_kw, OF_CONTRACT
    found, of = peaks_kw.get(month, Decimal(0)), month
    for earlier in rule.earlier(month):
        if peaks_kw.get(earlier, Decimal(0)) > found:
            found, of = peaks_kw[earlier], earlier
    least = contract_kw * Decimal(str(rule.least_of_contract))
    return (nearest(found), f"{of[0]}-{of[1]:02d}") if found >= least else (nearest(least), OF_CONTRACT)


def by_steps(steps: Steps, first: date, past: date) -> list[tuple[Decimal, int]]:
    """The values of dated steps in a period, each with its days."""
    cuts = [first, *(since for since, _ in steps if first < since < past), past]
    return [(in_force(steps, one), (two - one).days) for one, two in itertools.pairwise(cuts)]


def fund_part(steps: Steps, first: date, past: date) -> Decimal:
    """The fund as a part of the charges: it goes by the day of use, so a period over a change is weighted by days."""
    parts = by_steps(steps, first, past)
    return sum((value * days for value, days in parts), Decimal(0)) / sum(days for _, days in parts)


def period(month: Month, billing_day: int) -> tuple[date, date]:
    """First day, and the day after the last one, of a billing month. It is named after the month in which it ends;
    with `billing_day` 1 it is the calendar month. Where a month has no such day, it is its last.
    """
    year, number = month
    following = (year, number + 1) if number < 12 else (year + 1, 1)
    before = (year, number - 1) if number > 1 else (year - 1, 12)
    first, past = (month, following) if billing_day == 1 else (before, month)
    return _day_of(first, billing_day), _day_of(past, billing_day)


def _day_of(month: Month, day: int) -> date:
    return date(*month, min(day, monthrange(*month)[1]))


def connected_days(first: date, past: date, cuts: Sequence[tuple[date, date]]) -> int:
    """Days with supply. Of a cut, the first day is without and the day of reconnection is with it."""
    days = (first + timedelta(days=n) for n in range((past - first).days))
    return sum(not any(off <= day < on for off, on in cuts) for day in days)
