"""`roadheat energy correct` and `dead-letters`: what a person changes in the record, beside a running service."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.table import Table

from supervisor import config as configuration
from supervisor import terminal
from supervisor.console import BY, transaction
from supervisor.domain.errors import CommandError
from supervisor.energy.period import local_time, period_of
from supervisor.runtime.clock import Clock, SystemClock
from supervisor.store import correction, spool

RETRY_POINTS = 5_000  # in one entry of the spool, which goes in one request


def list_cases(config_path: Path, start: str, end: str) -> None:
    """Print the energy in quarantine of a period. Raises RoadheatError."""
    config = configuration.load(config_path, without_data=True)
    timezone = ZoneInfo(config.site.timezone)
    period = period_of(start, end, timezone)
    with transaction(config) as db:
        found = correction.cases(db, *period)
    table = Table("case", "local time", "board", "zone")
    table.add_column("kWh", justify="right")
    table.add_column("booked")
    for case in found:
        booked = "" if case.booked_utc_s is None else _local(case.booked_utc_s, timezone)
        at = _local(case.start_utc_s, timezone)
        table.add_row(str(case.id), at, case.board, case.zone, f"{case.excess_wh / 1000:,.3f}", booked)
    terminal.console().print(table if found else "No energy in quarantine in this period")


def book(config_path: Path, case: int, period: tuple[str, str], reason: str, clock: Clock | None = None) -> None:
    """Book a case over a local period. Raises RoadheatError; then nothing is changed."""
    config = configuration.load(config_path, without_data=True)
    timezone = ZoneInfo(config.site.timezone)
    now = int((clock or SystemClock()).utc_s())
    first, past = (local_time(text, timezone) for text in period)
    if past > now:
        raise CommandError("in the future", where=f"--to {period[1]}", remedy="Give the time in which it was drawn")
    rated_w = {zone.id: zone.power_w for zone in config.zone}
    with transaction(config) as db:
        zone = correction.zone_of(db, case)
        if zone not in rated_w:
            raise CommandError("not in city.toml", where=zone, remedy="Its rated power bounds what can be booked")
        spread = correction.Spread(first, past, round(rated_w[zone]))
        energy_wh = correction.book(db, case, spread, now, BY, _given(reason))
    terminal.say(
        f"Booked {energy_wh / 1000:,.3f} kWh to {zone}. Take it back with: roadheat energy correct revert {case}"
    )


def revert(config_path: Path, case: int, reason: str) -> None:
    """Take a correction back. Raises RoadheatError; then nothing is changed."""
    config = configuration.load(config_path, without_data=True)
    with transaction(config) as db:
        energy_wh = correction.revert(db, case, int(SystemClock().utc_s()), BY, _given(reason))
    terminal.say(f"Took back {energy_wh / 1000:,.3f} kWh: it is in quarantine again")


def list_letters(config_path: Path, limit: int) -> None:
    """Print the newest lines that InfluxDB refused. Raises RoadheatError."""
    config = configuration.load(config_path, without_data=True)
    with transaction(config) as db:
        letters = spool.dead_letters(db, limit)
    for _, utc_s, line, reason in letters:
        terminal.say(f"{_local(utc_s, ZoneInfo(config.site.timezone))}  {reason}\n  {line}")
    if not letters:
        terminal.say("InfluxDB has refused no line")


def retry_letters(config_path: Path) -> None:
    """Put all refused lines back into the spool. Raises RoadheatError."""
    config = configuration.load(config_path, without_data=True)
    if config.influx is None:
        raise CommandError("no [influx] in it", where=str(config_path), remedy="There is nothing to send them to")
    points = 0
    while True:
        with transaction(config) as db:
            moved = spool.retry_dead_letters(db, RETRY_POINTS)
        points += moved
        if not moved:
            break
    terminal.say(f"{points:,} lines wait to be sent again; the service sends them with the next telemetry")


def _given(reason: str) -> str:
    if not reason.strip():
        raise CommandError("empty", where="--reason", remedy="Say why: the audit log keeps it")
    return reason.strip()


def _local(utc_s: int, timezone: ZoneInfo) -> str:
    return datetime.fromtimestamp(utc_s, timezone).strftime("%Y-%m-%d %H:%M:%S")
