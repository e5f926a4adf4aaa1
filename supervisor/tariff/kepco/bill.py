"""A bill of KEPCO for one supply and billing month, from quarters of an hour or from a meter's totals."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.billing.bill import Bill, Peak, Row, add_up
from supervisor.tariff.billing.rounding import cut, split_by_days
from supervisor.tariff.demand import Demand, Month
from supervisor.tariff.holidays import Calendar
from supervisor.tariff.kepco import charges
from supervisor.tariff.kepco.catalogue import FLAT, Catalogue, Option, in_force, season
from supervisor.tariff.kepco.hours import rate

VAT = Decimal("0.1")
# Bills in which the flat option replaces the time of use without application, where it is cheaper.
_LOWER_OF_TWO = ((2026, 6), (2026, 11))


@dataclass(frozen=True)
class Terms:
    """What a supply has agreed, and what its site has chosen."""

    option: Option
    contract_kw: Decimal
    earlier_kw: tuple[tuple[date, Decimal], ...] = ()  # (day until which, kW) of earlier contracts, oldest first
    holidays: Calendar = frozenset()
    cuts: tuple[tuple[date, date], ...] = ()  # supply cut on request: first day without, first day with
    billing_day: int = 1
    lagging: int | None = None  # power factor [%]
    leading: int | None = None
    notes: tuple[str, ...] = ()

    def contract_on(self, day: date) -> Decimal:
        return next((kw for until, kw in self.earlier_kw if day < until), self.contract_kw)

    @property
    def rule(self) -> Demand:
        return charges.RATCHET if self.option.metered_peak else charges.CONTRACT


@dataclass(frozen=True)
class Interval:
    """Energy by quarters of an hour: Wh of each slot from `start_utc_s` on."""

    start_utc_s: int
    wh: tuple[int, ...]
    timezone: ZoneInfo

    def slots(self) -> Iterator[tuple[datetime, Decimal]]:
        """Local beginning of each slot with energy, and its kWh."""
        for n, wh in enumerate(self.wh):
            if wh:
                yield datetime.fromtimestamp(self.start_utc_s + n * SLOT_S, self.timezone), Decimal(wh) / 1000


@dataclass(frozen=True)
class Meter:
    """A meter's totals of the period, where there are no quarters: whole kWh by band, or under "all"."""

    kwh: Mapping[str, int]


@dataclass
class _Energy:
    """Sums of a period, exact."""

    kwh: dict[str, Decimal] = field(default_factory=dict)
    won: dict[str, Decimal] = field(default_factory=dict)
    rates: dict[str, set[Decimal]] = field(default_factory=dict)

    def add(self, band: str, kwh: Decimal, price: Decimal) -> None:
        self.kwh[band] = self.kwh.get(band, Decimal(0)) + kwh
        self.won[band] = self.won.get(band, Decimal(0)) + kwh * price
        self.rates.setdefault(band, set()).add(price)

    def rows(self, prefix: str) -> list[Row]:
        """A row for each band, each cut below 1 won on its own."""
        return [
            Row(
                code=f"{prefix}-{band}" if band != FLAT else prefix, amount=cut(self.won[band]),
                quantity=self.kwh[band],
                unit="kWh", rate=next(iter(self.rates[band])) if len(self.rates[band]) == 1 else None,
            )
            for band in sorted(self.won, key=lambda name: (FLAT, "light", "mid", "peak").index(name))
        ]  # fmt: skip


def make_bill(
    supply: str, month: Month, terms: Terms, rates: Catalogue, usage: Interval | Meter,
    peak: Peak | None = None, credits: tuple[Row, ...] = (),
) -> Bill:  # fmt: skip
    """The bill. `peak` (as `charges.billed` finds it) is needed unless the contract is billed.

    `credits` come before tax. Energy by quarters keeps its fractions of a kWh; a meter's totals are whole.

    Raises TariffError where no rates are known, or a total by bands is given for a period in which bands changed.
    """
    first, past = charges.period(month, terms.billing_day)
    days = (past - first).days
    option, notes = terms.option, list(terms.notes)
    contract = charges.equivalent_kw((terms.contract_on(first + timedelta(days=n)), 1) for n in range(days))
    kw = peak.billed_kw if peak is not None and option.metered_peak else contract
    connected = charges.connected_days(first, past, terms.cuts)
    if connected < days:
        notes.append(f"supply connected on {connected} of {days} days")
    base = charges.base(kw, option.base_won_per_kw, connected, days)
    rows = [Row(code="base", amount=base, quantity=kw, unit="kW", rate=option.base_won_per_kw)]
    rule = charges.power_factor_rule(past - timedelta(days=1))
    if factor := charges.power_factor(base, rule, terms.lagging, terms.leading):
        rows.append(Row(code="power-factor", amount=factor))
    energy, common = _energy(option, first, past, terms.holidays, rates, usage)
    if option.or_flat and _LOWER_OF_TWO[0] <= month <= _LOWER_OF_TWO[1]:
        flat, _ = _energy(rates.option(option.or_flat), first, past, terms.holidays, rates, usage)
        if sum(row.amount for row in flat.rows("")) < sum(row.amount for row in energy.rows("")):
            energy = flat
            notes.append(f"energy by {option.or_flat}, which is cheaper: bills of June to November 2026 take the lower")
    rows += energy.rows("energy") + common.rows("")
    rows += credits
    kwh = sum(energy.kwh.values(), Decimal(0))
    totals = add_up(tuple(rows), VAT, charges.fund_part(rates.fund, first, past))
    return Bill(
        supply=supply, month=f"{month[0]}-{month[1]:02d}", first_day=first, past_day=past, currency="KRW", kwh=kwh,
        rows=tuple(rows), charges=totals.charges, vat=totals.vat, levies=totals.levies, total_cut=totals.total_cut,
        total=totals.total, peak=peak, notes=tuple(notes),
    )  # fmt: skip


class _Common(_Energy):
    """Climate and fuel: charged per kWh, whatever the band."""

    def rows(self, prefix: str) -> list[Row]:
        return [
            Row(code=name, amount=cut(self.won[name]), quantity=self.kwh[name], unit="kWh",
                rate=next(iter(self.rates[name])) if len(self.rates[name]) == 1 else None)
            for name in self.won
        ]  # fmt: skip


def _energy(
    option: Option, first: date, past: date, holidays: Calendar, rates: Catalogue, usage: Interval | Meter
) -> tuple[_Energy, _Common]:
    energy, common = _Energy(), _Common()

    def add(day: date, band: str, kwh: Decimal, price: Decimal) -> None:
        energy.add(band, kwh, price)
        common.add("climate", kwh, in_force(rates.climate, day))
        common.add("fuel", kwh, in_force(rates.fuel, day))

    if isinstance(usage, Interval):
        for local, kwh in usage.slots():
            band, price = rate(option, local, holidays)
            add(local.date(), band, kwh, price)
        return energy, common
    parts = _parts(option, first, past, rates)
    for band, whole in usage.kwh.items():
        if band not in option.rates(first):
            raise TariffError(
                f"{option.name} has no band {band!r}", where="kwh", remedy="Give kWh by the option's bands"
            )
        days = [(two - one).days for one, two in parts]
        for (one, _), share in zip(parts, split_by_days(whole, days), strict=True):
            add(one, band, Decimal(share), option.rates(one)[band][season(one.month)])
    return energy, common


def _parts(option: Option, first: date, past: date, rates: Catalogue) -> list[tuple[date, date]]:
    """The period cut where prices, season, climate or fuel change; a meter's total is shared out by days."""
    changes = [since for since, _ in (*option.versions, *rates.climate, *rates.fuel)]
    changes += [day for n in range((past - first).days) if (day := first + timedelta(days=n)).day == 1]
    moments = [first]
    for day in sorted(set(changes)):
        if first < day < past and _differ(option, rates, day):
            moments.append(day)
    moments.append(past)
    return list(itertools.pairwise(moments))


def _differ(option: Option, rates: Catalogue, day: date) -> bool:
    before = day - timedelta(days=1)
    return (
        season(day.month) != season(before.month)
        or option.rates(day) != option.rates(before)
        or in_force(rates.climate, day) != in_force(rates.climate, before)
        or in_force(rates.fuel, day) != in_force(rates.fuel, before)
    )
