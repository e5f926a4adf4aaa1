"""`roadheat energy rebuild` and `export`: days made anew from their hours, and a period put back to be sent."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from supervisor import config as configuration
from supervisor import terminal
from supervisor.config import Config
from supervisor.console import transaction
from supervisor.domain.errors import CommandError
from supervisor.energy.period import begun, days, local_time, period_of
from supervisor.runtime.clock import Clock, SystemClock
from supervisor.store import events, feeder_quarters, labels, rollup, spool, telemetry, upkeep
from supervisor.store.spool_cap import spool_cap_bytes
from supervisor.store.tick import tick_lines
from supervisor.tariff.configured import billing_tariff, configured_demand, peak_counts

FILL_MAX = 0.5  # of the cap: live points must still find room, and none may be dropped for old ones
HOUR_BYTES = 200  # of the lines of an hour of a zone, with its parts of its day's and its feeder's
PIECE_S = 3 * 3600  # of raw records in one transaction: 100 zones are 108,000 points, a fraction of a second


def rebuild(config_path: Path, start: str, end: str, clock: Clock | None = None) -> int:
    """Make the days of a local period anew from the hours, and send both again; returns the hours.

    Raises RoadheatError; days before stay made anew.
    """
    config = configuration.load(config_path, without_data=True)
    timezone = ZoneInfo(config.site.timezone)
    now = (clock or SystemClock()).utc_s()
    first, past = period_of(start, end, timezone)
    hours = 0
    for begin, finish in days(first, min(past, int(now)), timezone):
        with transaction(config) as db:
            hours += _mark(db, begin, finish)
            _roll_up(db, config, now)
    terminal.say(f"{hours:,} hours of zones and their days made anew")
    return hours


def export(config_path: Path, start: str, end: str | None, clock: Clock | None = None) -> bool:
    """Put the points of a local period back into the spool, hours and days as well; whether all found room.

    Raises RoadheatError.
    """
    config = configuration.load(config_path, without_data=True)
    if config.influx is None:
        raise CommandError("no [influx] in it", where=str(config_path), remedy="Add the database to send to")
    timezone = ZoneInfo(config.site.timezone)
    now = (clock or SystemClock()).utc_s()
    first, past = period_of(start, end, timezone) if end else (local_time(start, timezone), int(now))
    begun(first, now, f"--from {start}")
    most_bytes = FILL_MAX * spool_cap_bytes(config)
    points = 0
    for begin, finish in days(first, min(past, int(now)), timezone):
        for piece in range(begin, finish, PIECE_S):
            with transaction(config) as db:
                full = spool.counter(db, "spool_bytes") > most_bytes
                if not full:
                    points += _put_ticks(db, labels.read(db, config.site.name), piece, min(finish, piece + PIECE_S))
            if full:
                day = rollup.local_day(begin, timezone)[0]
                terminal.say(
                    f"{points:,} points wait to be sent. The spool is half full: go on later with --from {day}"
                )
                return False
        with transaction(config) as db:
            _mark(db, begin, finish)
            _roll_up(db, config, now)
            quarters = feeder_quarters.between(db, begin, finish)
            spool.put_all(db, [feeder_quarters.line(config.site.name, quarter) for quarter in quarters])
            told = events.lines(db, config.site.name, begin, finish)
            spool.put_all(db, told)
            points += len(quarters) + len(told)
    terminal.say(f"{points:,} points wait to be sent, and the hours and days with them. Then: roadheat energy verify")
    return True


def roll_up_all(db: sqlite3.Connection, config: Config, now_utc_s: float, hours: int) -> bool:
    """Bring days up to date from hours that changed, so many of zones, as a part of a transaction.

    Their points are spooled where the spool has room for all, and none otherwise; returns whether they found room.
    """
    needed = spool.counter(db, "spool_bytes") + hours * HOUR_BYTES
    fits = config.influx is None or needed <= FILL_MAX * spool_cap_bytes(config)
    _roll_up(db, config, now_utc_s, spooled=fits and config.influx is not None)
    return fits


def _roll_up(db: sqlite3.Connection, config: Config, now_utc_s: float, *, spooled: bool | None = None) -> None:
    """`spooled` None: where there is an InfluxDB."""
    contract_kw = {feeder.id: feeder.contract_kw for feeder in config.feeder}
    counts = partial(peak_counts, billing_tariff(config))
    billing = feeder_quarters.Billing(configured_demand(config), contract_kw, counts)
    known = labels.read(db, config.site.name)
    timezone = ZoneInfo(config.site.timezone)
    if spooled is None:
        spooled = config.influx is not None
    upkeep.roll_up(db, known, billing, timezone, now_utc_s, spooled=spooled)


def _mark(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> int:
    return db.execute(
        "UPDATE zone_1h SET dirty = 1 WHERE start_utc_s > ? AND start_utc_s < ?", (from_utc_s - rollup.HOUR_S, to_utc_s)
    ).rowcount


def _put_ticks(db: sqlite3.Connection, known: labels.Labels, from_utc_s: int, to_utc_s: int) -> int:
    points = 0
    for tick in telemetry.ticks(db, from_utc_s, to_utc_s):
        spool.put(db, tick_lines(known, tick, tick.zones), len(tick.zones))
        points += len(tick.zones)
    return points
