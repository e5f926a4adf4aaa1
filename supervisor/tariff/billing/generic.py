"""A bill of any other supplier: energy by its prices, the base charge by its rule, tax and levies by the kWh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import numpy as np

from supervisor.tariff.billing.bill import Bill, Peak, Row, add_up
from supervisor.tariff.billing.rounding import nearest
from supervisor.tariff.kind import Array, Taxes

_CENT = Decimal("0.01")
_WHOLE = {"KRW", "JPY"}  # currencies without smaller coins on bills


def make_bill(
    supply: str, period: tuple[str, date, date], currency: str, wh: Array, price: Array, peak: Peak | None,
    price_per_kw: float, taxes: Taxes, notes: tuple[str, ...] = (), vat_in_prices: float = 0.0,
) -> Bill:  # fmt: skip
    """The bill of quarters of an hour.

    `wh` and `price` [currency/kWh] have shape (slots,); each quarter has its own price, so that days of 23 and 25
    hours and negative prices need no rule. `vat_in_prices`, a part, is taken out of the prices before it is charged:
    prices with tax are not taxed again.
    """
    unit = Decimal(1) if currency in _WHOLE else _CENT
    kwh = Decimal(int(wh.sum())) / 1000
    # Prices have at most some six decimals, energy three: exact in decimals of the product's text.
    energy = sum(
        (Decimal(str(float(p))) * int(e) for p, e in zip(price, wh, strict=True) if e and np.isfinite(p)), Decimal(0)
    )
    vat = Decimal(str(vat_in_prices)) or Decimal(str(taxes.vat_percent)) / 100
    net = energy / 1000 / (1 + Decimal(str(vat_in_prices)))
    rows = [Row(code="energy", amount=nearest(net, unit), quantity=kwh, unit="kWh")]
    if peak is not None and price_per_kw:
        rate = Decimal(str(price_per_kw))
        rows.append(
            Row(code="base", amount=nearest(peak.billed_kw * rate, unit), quantity=peak.billed_kw, unit="kW", rate=rate)
        )
    for name, per_kwh in _levies(taxes).items():
        rows.append(Row(code=name, amount=nearest(kwh * per_kwh, unit), quantity=kwh, unit="kWh", rate=per_kwh))
    totals = add_up(
        tuple(Row(code=row.code, amount=row.amount / unit) for row in rows),
        vat, Decimal(0), total_unit=1,
    )  # fmt: skip
    month, first, past = period
    return Bill(
        supply=supply, month=month, first_day=first, past_day=past, currency=currency, kwh=kwh, rows=tuple(rows),
        charges=totals.charges * unit, vat=totals.vat * unit, levies=Decimal(0), total_cut=totals.total_cut * unit,
        total=totals.total * unit, peak=peak, notes=notes,
    )  # fmt: skip


def _levies(taxes: Taxes) -> Mapping[str, Decimal]:
    return {name: Decimal(str(value)) for name, value in taxes.per_kwh.items()}
