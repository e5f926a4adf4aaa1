"""`roadheat energy bill`: the bill of each supply for a billing month, from the service's own record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from rich.table import Table

from supervisor import config as configuration
from supervisor import terminal
from supervisor.domain.errors import CommandError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder
from supervisor.energy.meter_file import MeterCheck, Stamp, check, read_meter, said
from supervisor.energy.over_contract import earlier_over, over_in
from supervisor.energy.peaks import Period, Supply, find_peak, midnight
from supervisor.energy.period import YEAR_MAX, YEAR_MIN
from supervisor.energy.record import read_record
from supervisor.energy.tables import Record
from supervisor.energy.utility import Difference, compare, read_utility
from supervisor.runtime.clock import SystemClock
from supervisor.store import database, place_of
from supervisor.store.energy import hour_starts
from supervisor.tariff.billing import generic
from supervisor.tariff.billing.bill import Bill, Peak, Row
from supervisor.tariff.configured import billing_tariff, configured_demand, peak_counts
from supervisor.tariff.demand import Demand, Month
from supervisor.tariff.kepco import bill as kepco_bill
from supervisor.tariff.kepco import charges
from supervisor.tariff.kepco.catalogue import catalogue
from supervisor.tariff.kepco.excess import surcharge
from supervisor.tariff.kepco.kind import KepcoSettings, terms
from supervisor.tariff.kind import Tariff


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `roadheat energy bill` was asked for: its options by name."""

    config_path: Path
    month: str
    feeder: str | None
    utility_path: Path | None
    meter_path: Path | None
    meter_stamp: Stamp
    json_path: Path | None


def show(asked: Request) -> bool:
    """Print the bills and compare them with the utility's where given; whether all agree.

    Raises CommandError and TariffError.
    """
    config = configuration.load(asked.config_path, without_data=True)
    month = parse_month(asked.month)
    feeders = [one for one in config.feeder if asked.feeder in (None, one.id)]
    if not feeders:
        names = ", ".join(one.id for one in config.feeder)
        raise CommandError("unknown feeder", where=f"--feeder {asked.feeder!r}", remedy=f"Write one of {names}")
    theirs = read_utility(asked.utility_path) if asked.utility_path is not None else None
    timezone = ZoneInfo(config.site.timezone)
    metered = None
    if asked.meter_path is not None:
        metered = read_meter(asked.meter_path, asked.meter_stamp, feeders, timezone, SystemClock().utc_s())
    bills = make_bills(config, month, feeders)
    console = terminal.console()
    for one in bills:
        console.print(_table(one, timezone))
        for note in one.notes:
            console.print(f"  {note}", style="dim", soft_wrap=True)
    if asked.json_path is not None:
        asked.json_path.write_bytes(msgspec.json.format(msgspec.json.encode(bills), indent=1) + b"\n")
    differences = compare(bills, theirs) if theirs is not None else []
    for difference in differences:
        console.print(_said(difference), style=None if difference.within else "yellow", soft_wrap=True)
    checks = _metered(config, bills, metered, timezone) if metered is not None else []
    for checked in checks:
        for line in said(checked, timezone):
            console.print(line, style=None if checked.within else "yellow", soft_wrap=True)
    return all(difference.within for difference in differences) and all(checked.within for checked in checks)


def _metered(
    config: configuration.Config, bills: Sequence[Bill], metered: dict[str, dict[int, int]], timezone: ZoneInfo
) -> list[MeterCheck]:
    """The meter's quarters beside the record's, of each supply that the file has."""
    compared = [bill for bill in bills if bill.supply in metered]
    if not compared:
        return []
    found = []
    start, past = (midnight(day, timezone) for day in (compared[0].first_day, compared[0].past_day))  # as of all
    connection = database.connect_read_only(place_of(config))
    try:
        record = read_record(connection, start, past)
    finally:
        connection.close()
    for bill in compared:
        zones = tuple(zone for zone in config.zone if zone.feeder == bill.supply)
        supply = Supply(record, zones, timezone, np.ones(record.wh.shape[1], dtype=np.bool_))
        found.append(check(bill.supply, start, supply.rows().sum(axis=0), metered[bill.supply], timezone))
    return found


def parse_month(text: str) -> Month:
    """Year and month of "2024-02"; raises CommandError."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise CommandError("not a month", where=f"--month {text!r}", remedy="Write it like 2024-02") from None
    if not YEAR_MIN <= found.year <= YEAR_MAX:
        raise CommandError(
            f"outside the years {YEAR_MIN} to {YEAR_MAX}",
            where=f"--month {text!r}",
            remedy="Bill a month with a record",
        )
    return found.year, found.month


def make_bills(config: configuration.Config, month: Month, feeders: Sequence[Feeder]) -> list[Bill]:
    """The bill of each feeder. Raises CommandError where the record does not reach into the month."""
    timezone = ZoneInfo(config.site.timezone)
    settings = config.tariff
    billing_day = settings.billing_day if isinstance(settings, KepcoSettings) else 1
    tariff, demand = billing_tariff(config), configured_demand(config)

    def period_of(one: Month) -> Period:
        return charges.period(one, billing_day)

    earlier = list(demand.earlier(month))
    begins = min(period_of(one)[0] for one in (month, *earlier))
    from_utc_s, to_utc_s = midnight(begins, timezone), midnight(period_of(month)[1], timezone)
    connection = database.connect_read_only(place_of(config))
    try:
        reach = hour_starts(connection, from_utc_s - 3600, to_utc_s)
        record = read_record(connection, from_utc_s, to_utc_s)
    finally:
        connection.close()
    own_from_utc_s = midnight(period_of(month)[0], timezone)
    if reach is None or reach[1] < own_from_utc_s:
        raise CommandError(
            "no record of this month", where=f"--month {month[0]}-{month[1]:02d}", remedy="Bill a month with a record"
        )
    counts = peak_counts(tariff, from_utc_s, record.wh.shape[1])
    bills = []
    for feeder in feeders:
        zones = tuple(zone for zone in config.zone if zone.feeder == feeder.id)
        supply = Supply(record, zones, timezone, counts)
        missing = [one for one in earlier if not _known(record, period_of(one), timezone, reach[0])]
        bills.append(_one(config, feeder, month, supply, demand, tariff, period_of, earlier, _gap_note(missing)))
    return bills


def _known(record: Record, period: Period, timezone: ZoneInfo, first_utc_s: int) -> bool:
    """Whether the record begins before the end of a period."""
    return midnight(period[1], timezone) > first_utc_s


def _gap_note(missing: list[Month]) -> tuple[str, ...]:
    if not missing:
        return ()
    names = ", ".join(f"{year}-{month:02d}" for year, month in sorted(missing))
    return (f"no record of {names}: a higher peak of then would be billed",)


def _one(
    config: configuration.Config, feeder: Feeder, month: Month, supply: Supply, demand: Demand, tariff: Tariff,
    period_of: Callable[[Month], Period], earlier: list[Month], notes: tuple[str, ...],
) -> Bill:  # fmt: skip
    period = period_of(month)
    part = supply.inside(period)
    wh = supply.rows()[:, part].sum(axis=0)
    start = supply.record.start_utc_s + part.start * SLOT_S
    settings = config.tariff
    if isinstance(settings, KepcoSettings):
        agreed = terms(settings, feeder.id, feeder.contract_kw)
        contract = charges.equivalent_kw((agreed.contract_on(day), 1) for day in _days(period))
        peak = find_peak(supply, month, period_of, earlier, lambda kw: charges.billed(month, kw, contract, agreed.rule))
        usage = kepco_bill.Interval(start, tuple(int(one) for one in wh), supply.timezone)
        extra: tuple[Row, ...] = ()
        if over := over_in(supply, month, period, agreed):
            path = place_of(config)
            earlier_one = earlier_over(path, supply.zones, supply.timezone, month, agreed, period_of)
            option = agreed.option
            extra, sentence = surcharge(over, earlier_one, settings.excess, option.metered_peak, option.base_won_per_kw)
            notes = (*notes, sentence)
        return kepco_bill.make_bill(feeder.id, month, _with_notes(agreed, notes), catalogue(), usage, peak, extra)
    peak = find_peak(supply, month, period_of, earlier, lambda kw: _generic_billed(demand, month, kw, feeder))
    return generic.make_bill(
        feeder.id, (f"{month[0]}-{month[1]:02d}", *period), tariff.currency, wh, tariff.prices(start, wh.size), peak,
        feeder.demand_price_per_kw or demand.price_per_kw, settings.taxes, notes, getattr(settings, "vat", 0.0),
    )  # fmt: skip


def _with_notes(agreed: kepco_bill.Terms, notes: tuple[str, ...]) -> kepco_bill.Terms:
    return replace(agreed, notes=agreed.notes + notes)


def _generic_billed(
    demand: Demand, month: Month, peaks_kw: dict[Month, Decimal], feeder: Feeder
) -> tuple[Decimal, str]:
    kw = {one: float(value) for one, value in peaks_kw.items()}
    billed = demand.billed_kw(month, kw, feeder.contract_kw)
    if billed == kw.get(month):
        return Decimal(str(billed)), f"{month[0]}-{month[1]:02d}"
    owner = next((one for one in demand.earlier(month) if demand.ratchet * kw.get(one, 0.0) == billed), None)
    return Decimal(str(round(billed, 3))), f"{owner[0]}-{owner[1]:02d}" if owner else "contract"


def _days(period: Period) -> list[date]:
    return [date.fromordinal(n) for n in range(period[0].toordinal(), period[1].toordinal())]


def _table(bill: Bill, timezone: ZoneInfo) -> Table:
    last = date.fromordinal(bill.past_day.toordinal() - 1)
    table = Table(title=f"{bill.supply}, {bill.month}: {bill.first_day} to {last}", caption=_peak(bill.peak, timezone))
    table.add_column("")
    table.add_column("quantity", justify="right")
    table.add_column("rate", justify="right")
    table.add_column(bill.currency, justify="right")
    for row in bill.rows:
        quantity = "" if row.quantity is None else f"{row.quantity:,.1f} {row.unit}"
        table.add_row(row.code, quantity, "" if row.rate is None else f"{row.rate:,}", _money(row.amount))
    table.add_section()
    below = {"charges": bill.charges, "VAT": bill.vat, "fund": bill.levies, "cut": -bill.total_cut}
    for name, amount in below.items():
        if amount or name == "charges":
            table.add_row(name, "", "", _money(amount))
    table.add_section()
    table.add_row("total", f"{bill.kwh:,.1f} kWh", "", _money(bill.total), style="bold")
    return table


def _money(amount: Decimal) -> str:
    return f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.2f}"


def _peak(peak: Peak | None, timezone: ZoneInfo) -> str:
    if peak is None:
        return ""
    text = f"billed {peak.billed_kw:g} kW of {peak.of_month}; own peak {peak.own_kw:g} kW"
    if peak.at_utc_s is not None:
        zones = ", ".join(f"{name} {kw:g}" for name, kw in list(peak.zones_kw.items())[:6])
        text += f" on {datetime.fromtimestamp(peak.at_utc_s, timezone):%Y-%m-%d %H:%M} ({zones})"
    if peak.observed_kw > peak.own_kw:
        text += f"; {peak.observed_kw:g} kW in hours that do not count"
    return text


def _said(difference: Difference) -> str:
    sign = "agrees" if difference.within else "differs"
    amounts = f"ours {difference.ours:,}, utility {difference.theirs:,}"
    return f"{difference.supply} {difference.item}: {sign}, {amounts}. {difference.reason}"
