"""`roadheat energy verify`: the record's hours, or its raw points, against those that InfluxDB has."""

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
from supervisor.energy.reading import HOURS, POINTS, Energies, Period, Series, read_energies
from supervisor.runtime.clock import SystemClock
from supervisor.store import database, energy, place_of, rollup, spool, telemetry

ROWS_MAX = 500  # of the table; the count is of all
PIECE_S = 3 * 3600  # of raw points in one answer: 108,000 of 100 zones


class Difference(NamedTuple):
    """An hour or a raw point of a zone that is not the same on both sides. None: it is not there."""

    zone: str
    start_utc_s: int
    record_wh: int | None
    database_wh: int | None


def compare(record: Energies, held: Energies) -> list[Difference]:
    """What differs, in order of zone and time."""
    keys = sorted(record.keys() | held.keys())
    found = (Difference(*key, record.get(key), held.get(key)) for key in keys)
    return [each for each in found if each.record_wh != each.database_wh]


class Day(NamedTuple):
    """A local day's energies on both sides."""

    date: str
    compared: int
    record_wh: int
    database_wh: int
    differing: list[Difference]


def verify(config_path: Path, start: str, end: str, *, points: bool = False) -> bool:
    """Compare what begins in a period, day by day, and print what differs; whether nothing does.

    Hours that the service has not sent yet are left out, and with `points` the days of which the record has no raw
    points any more. Raises RoadheatError.
    """
    config = configuration.load(config_path, without_data=True)
    if config.influx is None:
        raise CommandError("no [influx] in it", where=str(config_path), remedy="There is nothing to compare with")
    timezone = ZoneInfo(config.site.timezone)
    first, past = period_of(start, end, timezone)
    begun(first, SystemClock().utc_s(), f"--from {start}")
    target = configured(config.influx)
    connection = database.connect_read_only(place_of(config))
    try:
        if points:
            first = _kept_from(connection, first, past, timezone)
        day = _day_of_points if points else _day_of_hours
        found = [
            day(connection, target, Period(config.site.name, *span), timezone) for span in days(first, past, timezone)
        ]
        waiting = spool.counter(connection, "spool_points")
    except sqlite3.Error as error:
        raise CommandError(f"the record cannot be read: {error}", where=str(config.state_dir)) from error
    finally:
        connection.close()
    _print(found, timezone, "points" if points else "hours")
    if waiting:
        text = f"{waiting:,} points wait to be sent: compare again afterwards"
        terminal.console().print(text, style="yellow", soft_wrap=True)
    return not any(day.differing for day in found)


def _kept_from(db: sqlite3.Connection, first: int, past: int, timezone: ZoneInfo) -> int:
    """From when on the record has raw points of the period [UTC s]: they are kept for a while only."""
    kept = telemetry.first_start(db)
    if kept is None or kept >= past:
        remedy = "Leave out --points: hours are kept for ever"
        raise CommandError("the record has no raw points of this period any more", where="--from", remedy=remedy)
    if kept > first:
        since = datetime.fromtimestamp(kept, timezone).isoformat(" ", "seconds")
        terminal.say(f"The record has no raw points from before {since}: compared from there")
    return max(first, kept)


def _day_of_hours(db: sqlite3.Connection, target: Target, period: Period, timezone: ZoneInfo) -> Day:
    record, open_hours = energy.sent_hours(db, period.from_utc_s, period.to_utc_s)
    held = {key: wh for key, wh in _held(target, period, HOURS).items() if key not in open_hours}
    return _day([(record, held)], period, timezone)


def _day_of_points(db: sqlite3.Connection, target: Target, period: Period, timezone: ZoneInfo) -> Day:
    pieces = []
    for begin in range(period.from_utc_s, period.to_utc_s, PIECE_S):
        piece = Period(period.site, begin, min(begin + PIECE_S, period.to_utc_s))
        ticks = telemetry.ticks(db, piece.from_utc_s, piece.to_utc_s)
        record = {(zone.sample.zone, tick.start_utc_s): zone.delta_wh for tick in ticks for zone in tick.zones}
        pieces.append((record, _held(target, piece, POINTS)))
    return _day(pieces, period, timezone)


def _held(target: Target, period: Period, series: Series) -> Energies:
    return asyncio.run(read_energies(target, period, series))


def _day(pieces: list[tuple[Energies, Energies]], period: Period, timezone: ZoneInfo) -> Day:
    return Day(
        rollup.local_day(period.from_utc_s, timezone)[0],
        sum(len(record) for record, _ in pieces),
        sum(sum(record.values()) for record, _ in pieces),
        sum(sum(held.values()) for _, held in pieces),
        [each for record, held in pieces for each in compare(record, held)],
    )


def _print(found: list[Day], timezone: ZoneInfo, unit: str) -> None:
    """`unit`: what was compared, "hours" or "points"."""
    console = terminal.console()
    compared, differing = sum(day.compared for day in found), [each for day in found for each in day.differing]
    if not differing:
        text = f"{compared:,} {unit} of zones in {_days(found)} are the same in the record and in the database"
        console.print(text, soft_wrap=True)
        return
    table = Table("day")
    for name in (unit, "record kWh", "database kWh", f"{unit} that differ"):
        table.add_column(name, justify="right")
    for day in found:
        if day.differing:
            table.add_row(
                day.date, f"{day.compared:,}", _kwh(day.record_wh), _kwh(day.database_wh), f"{len(day.differing):,}"
            )
    console.print(table)
    table = Table("zone", "start")
    for name in ("record kWh", "database kWh"):
        table.add_column(name, justify="right")
    for each in differing[:ROWS_MAX]:
        start = datetime.fromtimestamp(each.start_utc_s, timezone)
        table.add_row(
            each.zone, start.isoformat(" ", "minutes" if unit == "hours" else "seconds"), _kwh(each.record_wh),
            _kwh(each.database_wh),
        )  # fmt: skip
    console.print(table)
    if len(differing) > ROWS_MAX:
        console.print(f"and {len(differing) - ROWS_MAX:,} more")
    same = sum(not day.differing for day in found)
    text = f"{len(differing):,} of {compared:,} {unit} differ; {same:,} of {_days(found)} are the same"
    console.print(text, style="red", soft_wrap=True)


def _kwh(energy_wh: int | None) -> str:
    return "missing" if energy_wh is None else f"{energy_wh / 1000:,.3f}"


def _days(found: list[Day]) -> str:
    return "1 day" if len(found) == 1 else f"{len(found):,} days"
