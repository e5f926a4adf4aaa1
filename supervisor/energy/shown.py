"""The report of `roadheat energy` in a terminal: energy by zone, day or feeder, and its cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from rich.table import Table

from supervisor import config as configuration
from supervisor import terminal
from supervisor.domain.errors import CommandError, TariffError
from supervisor.energy import aside, tables
from supervisor.energy.base_charge import BaseCharge
from supervisor.energy.period import begun, named_zone, period_of
from supervisor.energy.record import read_record, read_sums
from supervisor.runtime.clock import Clock, SystemClock
from supervisor.store import DATABASE_NAME, database, place_of, quarantine
from supervisor.store.energy import span
from supervisor.tariff.bands import BandTariff
from supervisor.tariff.configured import billing_tariff, configured_demand, usable_tariff
from supervisor.tariff.demand import Demand, Month
from supervisor.tariff.kepco import charges
from supervisor.tariff.kepco.kind import KepcoSettings

SYSTEM = SystemClock()


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `roadheat energy` was asked for: its options by name."""

    config_path: Path | None
    state_dir: Path | None
    start: str
    end: str  # exclusive
    by: tables.By
    timezone: str  # without a configuration only
    csv_path: Path | None


def show(asked: Request, clock: Clock = SYSTEM) -> None:
    """Print the report and write it to the CSV file where one is given.

    Raises CommandError for a period, a time zone or an invalid grouping.
    """
    by, state_dir, csv_path = asked.by, asked.state_dir, asked.csv_path
    config_path = asked.config_path or (Path("city.toml") if state_dir is None else None)
    config = configuration.load(config_path, without_data=True) if config_path is not None else None
    if config is None and by == "feeder":
        raise CommandError("feeders are defined in the configuration", where="--by feeder", remedy="Give --config")
    place = state_dir / DATABASE_NAME if state_dir is not None else place_of(cast("configuration.Config", config))
    zone_info = named_zone(config.site.timezone if config else asked.timezone)
    from_utc_s, to_utc_s = period_of(asked.start, asked.end, zone_info)
    begun(from_utc_s, clock.utc_s(), f"--from {asked.start}")
    base_charge = base_charge_of(config, zone_info) if config is not None else None
    since_utc_s = base_charge.first_needed_utc_s(from_utc_s) if base_charge is not None else from_utc_s
    connection = database.connect_read_only(place)
    try:
        read = read_sums if by == "day" else read_record
        record = replace(read(connection, from_utc_s, to_utc_s), now_utc_s=clock.utc_s())
        since = None
        if by == "feeder" and since_utc_s < from_utc_s and record.zones:
            since = read_record(connection, since_utc_s, to_utc_s)
        reach = span(connection)
        found_aside = quarantine.found(connection, from_utc_s, to_utc_s)
    finally:
        connection.close()
    console = terminal.console()
    if found_aside:
        console.print(aside.summary(found_aside), style="yellow", soft_wrap=True)
        console.print(aside.table(found_aside, zone_info))
        console.print(aside.REMEDY, soft_wrap=True)
    if not record.zones:
        console.print(f"No record in this period: {_reach(reach, zone_info)}", style="yellow", soft_wrap=True)
        if csv_path is not None:
            tables.write_csv(csv_path, [], by, "")
        return
    try:
        tariff = billing_tariff(config) if config else None
        price, currency = tables.prices(record, tariff), tariff.currency if tariff else ""
    except TariffError as error:
        tariff, price, currency = None, None, ""
        console.print(f"no cost: {error}", style="yellow", soft_wrap=True)
    rows = tables.report(
        record,
        by,
        zone_info,
        price,
        tables.Places(config.zone, config.feeder, base_charge, since) if config else tables.NOWHERE,
    )
    console.print(_table(rows, by, currency, f"{asked.start} to {asked.end}, {zone_info.key}"))
    silent = [f"{zone} {1 - share:.1%}" for zone, share in _covered(record).items() if share < 0.99]
    if isinstance(tariff, BandTariff) and (days := tariff.holidays_between(from_utc_s, to_utc_s)):
        named = ", ".join(f"{day:%a %Y-%m-%d}" for day in days)
        console.print(f"Counted as holidays: {named}", soft_wrap=True)
    if silent:
        console.print(
            f"Without telemetry part of the time (energy is counted when a board comes back): {', '.join(silent)}",
            style="yellow",
            soft_wrap=True,
        )
    if csv_path is not None:
        tables.write_csv(csv_path, rows, by, currency)


def base_charge_of(config: configuration.Config, zone_info: ZoneInfo) -> BaseCharge:
    """How base charges are found; where the tariff cannot be read, by the peaks alone."""
    try:
        rule, tariff = configured_demand(config), usable_tariff(config)[0]
        return BaseCharge(rule, tariff, zone_info, partial(_connected, config))
    except TariffError:  # said with the cost
        return BaseCharge(Demand(), None, zone_info)


def _connected(config: configuration.Config, month: Month) -> float:
    """Part of a calendar month with supply: KEPCO cuts it on request outside of the season."""
    if not isinstance(config.tariff, KepcoSettings):
        return 1.0
    first, past = charges.period(month, 1)
    cuts = [(cut.since, cut.until) for cut in config.tariff.cut]
    return charges.connected_days(first, past, cuts) / (past - first).days


def _reach(reach: tuple[int, int] | None, timezone: ZoneInfo) -> str:
    if reach is None:
        return "no board has sent anything yet"
    first, last = (datetime.fromtimestamp(utc_s, timezone).isoformat(" ", "minutes") for utc_s in reach)
    return f"it reaches from {first} to {last}"


def _covered(record: tables.Record) -> dict[str, float]:
    return {zone: record.covered_s[zone] / 3600 / record.hours for zone in record.zones}


def _table(rows: list[tables.Row], by: str, currency: str, title: str) -> Table:
    table = Table(title=title)
    table.add_column(by)
    based = any(row.base_cost is not None for row in rows)
    timed = any(row.on_h is not None for row in rows[:-1])
    money = [f"energy {currency}"] if currency else []
    money += [f"demand {currency}"] if currency and based else []
    for name in ("kWh", "peak kW", *money, *(["hours on", "covered"] if timed else [])):
        table.add_column(name, justify="right")
    for row in rows:
        cells = [f"{row.kwh:,.2f}", f"{row.peak_kw:,.1f}"]
        if currency:
            cells.append(_amount(row.cost))
            if based:
                cells.append(_amount(row.base_cost))
        if timed:
            cells += [
                "" if row.on_h is None else f"{row.on_h:,.1f}",
                "" if row.covered is None else f"{row.covered:.1%}",
            ]
        last = row is rows[-1]
        table.add_row(row.what, *cells, style="bold" if last else "")
        if len(rows) > 1 and row is rows[-2]:
            table.add_section()
    return table


def _amount(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
