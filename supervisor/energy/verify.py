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
from supervisor.energy.endpoint import configured
from supervisor.energy.period import local_time
from supervisor.energy.reading import Hours, Period, read_hours
from supervisor.store import DATABASE_NAME, database, spool
from supervisor.store.energy import sent_hours

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


def verify(config_path: Path, start: str, end: str) -> bool:
    """Compare the hours that begin in a period and print what differs; whether nothing does.

    Hours that the service has not sent yet are left out. Raises RoadheatError.
    """
    config = configuration.load(config_path, without_data=True)
    if config.influx is None:
        raise CommandError("no [influx] in it", where=str(config_path), remedy="There is nothing to compare with")
    zone_info = ZoneInfo(config.site.timezone)
    period = Period(config.site.name, local_time(start, zone_info), local_time(end, zone_info))
    connection = database.connect_read_only(config.state_dir / DATABASE_NAME)
    try:
        record, open_hours = sent_hours(connection, period.from_utc_s, period.to_utc_s)
        waiting = spool.counter(connection, "spool_points")
    except sqlite3.Error as error:
        raise CommandError(f"the record cannot be read: {error}", where=str(config.state_dir)) from error
    finally:
        connection.close()
    held = asyncio.run(read_hours(configured(config.influx), period))
    differing = compare(record, {key: wh for key, wh in held.items() if key not in open_hours})
    _print(differing, len(record), zone_info)
    console = terminal.console()
    if waiting:
        console.print(f"{waiting:,} points wait to be sent: compare again afterwards", style="yellow", soft_wrap=True)
    return not differing


def _print(differing: list[Difference], hours: int, timezone: ZoneInfo) -> None:
    console = terminal.console()
    if not differing:
        console.print(f"{hours:,} hours of zones are the same in the record and in the database", soft_wrap=True)
        return
    table = Table("zone", "hour")
    for name in ("record kWh", "database kWh"):
        table.add_column(name, justify="right")
    for each in differing[:ROWS_MAX]:
        hour = datetime.fromtimestamp(each.start_utc_s, timezone).isoformat(" ", "minutes")
        table.add_row(each.zone, hour, _kwh(each.record_wh), _kwh(each.database_wh))
    console.print(table)
    if len(differing) > ROWS_MAX:
        console.print(f"and {len(differing) - ROWS_MAX:,} more")
    console.print(f"{len(differing):,} of {hours:,} hours differ", style="red", soft_wrap=True)


def _kwh(energy_wh: int | None) -> str:
    return "missing" if energy_wh is None else f"{energy_wh / 1000:,.3f}"
