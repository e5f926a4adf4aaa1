"""`roadheat energy verify`: the record's hours against those that InfluxDB has."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rich.table import Table

from supervisor import config as configuration
from supervisor import terminal
from supervisor.domain.errors import CommandError
from supervisor.energy.endpoint import Target, configured
from supervisor.energy.period import begun, days, period_of
from supervisor.energy.reading import Hours, Period, read_hours
from supervisor.runtime.clock import SystemClock
from supervisor.store import DATABASE_NAME, database, energy, rollup, spool

ROWS_MAX = 500  # of the table; the count is of all


class Difference(NamedTuple):
    """An hour of a zone that is not the same on both sides. None: it is not there."""

    zone: str
    start_utc_s: int
    record_wh: int | None
    database_wh: int | None


def compare(record: Hours, held: Hours) -> list[Difference]:
    """What differs, in order of zone and time."""
    keys = sorted(record.keys() | held.keys())
    found = (Difference(*key, record.get(key), held.get(key)) for key in keys)
    return [each for each in found if each.record_wh != each.database_wh]


class Day(NamedTuple):
    """A local day's hours on both sides."""

    date: str
    hours: int
    record_wh: int
    database_wh: int
    differing: list[Difference]


def verify(config_path: Path, start: str, end: str) -> bool:
    """Compare the hours that begin in a period, day by day, and print what differs; whether nothing does.

    Hours that the service has not sent yet are left out. Raises RoadheatError.
    """
    config = configuration.load(config_path, without_data=True)
    if config.influx is None:
        raise CommandError("no [influx] in it", where=str(config_path), remedy="There is nothing to compare with")
    zone_info = ZoneInfo(config.site.timezone)
    first, past = period_of(start, end, zone_info)
    begun(first, SystemClock().utc_s(), f"--from {start}")
    target = configured(config.influx)
    connection = database.connect_read_only(config.state_dir / DATABASE_NAME)
    try:
        found = [
            _day(connection, target, Period(config.site.name, *day), zone_info) for day in days(first, past, zone_info)
        ]
        waiting = spool.counter(connection, "spool_points")
    except sqlite3.Error as error:
        raise CommandError(f"the record cannot be read: {error}", where=str(config.state_dir)) from error
    finally:
        connection.close()
    _print(found, zone_info)
    if waiting:
        text = f"{waiting:,} points wait to be sent: compare again afterwards"
        terminal.console().print(text, style="yellow", soft_wrap=True)
    return not any(day.differing for day in found)


def _day(db: sqlite3.Connection, target: Target, period: Period, timezone: ZoneInfo) -> Day:
    record, open_hours = energy.sent_hours(db, period.from_utc_s, period.to_utc_s)
    held = asyncio.run(read_hours(target, period))
    held = {key: wh for key, wh in held.items() if key not in open_hours}
    date = rollup.local_day(period.from_utc_s, timezone)[0]
    return Day(date, len(record), sum(record.values()), sum(held.values()), compare(record, held))


def _print(found: list[Day], timezone: ZoneInfo) -> None:
    console = terminal.console()
    hours, differing = sum(day.hours for day in found), [each for day in found for each in day.differing]
    if not differing:
        text = f"{hours:,} hours of zones in {len(found):,} days are the same in the record and in the database"
        console.print(text, soft_wrap=True)
        return
    table = Table("day")
    for name in ("hours", "record kWh", "database kWh", "hours that differ"):
        table.add_column(name, justify="right")
    for day in found:
        if day.differing:
            table.add_row(
                day.date, f"{day.hours:,}", _kwh(day.record_wh), _kwh(day.database_wh), f"{len(day.differing):,}"
            )
    console.print(table)
    table = Table("zone", "hour")
    for name in ("record kWh", "database kWh"):
        table.add_column(name, justify="right")
    for each in differing[:ROWS_MAX]:
        hour = datetime.fromtimestamp(each.start_utc_s, timezone).isoformat(" ", "minutes")
        table.add_row(each.zone, hour, _kwh(each.record_wh), _kwh(each.database_wh))
    console.print(table)
    if len(differing) > ROWS_MAX:
        console.print(f"and {len(differing) - ROWS_MAX:,} more")
    same = sum(not day.differing for day in found)
    text = f"{len(differing):,} of {hours:,} hours differ; {same:,} of {len(found):,} days are the same"
    console.print(text, style="red", soft_wrap=True)


def _kwh(energy_wh: int | None) -> str:
    return "missing" if energy_wh is None else f"{energy_wh / 1000:,.3f}"
