"""A bill: its rows, and how they add up with tax and levies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from msgspec import Struct, field

from supervisor.tariff.billing.rounding import cut, nearest

OF_CONTRACT = "contract"  # in the place of a month: the least part of the contract is billed


class Row(Struct, frozen=True, kw_only=True):
    """One charge or credit, before tax."""

    code: str  # such as base, power-factor, energy-mid, climate
    amount: Decimal
    quantity: Decimal | None = None
    unit: str = ""  # of the quantity
    rate: Decimal | None = None  # None: several rates are in it


class Peak(Struct, frozen=True, kw_only=True):
    """The load that sets the base charge."""

    own_kw: Decimal  # highest mean of 15 min of the month, in hours that count
    observed_kw: Decimal  # in all hours
    billed_kw: Decimal
    of_month: str  # whose peak is billed, such as 2024-01; OF_CONTRACT where its least part is
    at_utc_s: int | None = None  # when the own peak was made
    zones_kw: dict[str, Decimal] = field(default_factory=dict)  # that heated then


class Bill(Struct, frozen=True, kw_only=True):
    """One supply and one billing month. `total` is what is to be paid."""

    supply: str
    month: str
    first_day: date
    past_day: date  # the day after the last one
    currency: str
    kwh: Decimal
    rows: tuple[Row, ...]
    charges: Decimal  # sum of the rows
    vat: Decimal
    levies: Decimal  # fund and the like, not taxed
    total_cut: Decimal  # what the total is short of the sum
    total: Decimal
    peak: Peak | None = None
    notes: tuple[str, ...] = ()  # choices and estimates that decide amounts


class Totals(Struct, frozen=True):
    """What comes below the rows."""

    charges: Decimal
    vat: Decimal
    levies: Decimal
    total_cut: Decimal
    total: Decimal


def add_up(rows: tuple[Row, ...], vat: Decimal, levy: Decimal, levy_unit: int = 10, total_unit: int = 10) -> Totals:
    """The totals of `rows`.

    `vat` is a part of the charges, rounded to the nearest 1; `levy` too, cut below `levy_unit`, and not taxed. The
    total is cut below `total_unit`. (KEPCO's printed bills: both on the same charges, VAT to the won, fund and total
    to 10 won.)
    """
    charges = sum((row.amount for row in rows), Decimal(0))
    tax, fund = nearest(charges * vat), cut(charges * levy, levy_unit)
    exact = charges + tax + fund
    total = cut(exact, total_unit)
    return Totals(charges, tax, fund, exact - total, total)
