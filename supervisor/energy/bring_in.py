"""`roadheat energy import`: the energy of an older system's CSV becomes hours of the record, all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from supervisor import config as configuration
from supervisor import terminal
from supervisor.config import Config
from supervisor.console import BY, transaction
from supervisor.domain.errors import CommandError
from supervisor.domain.plan import SLOT_S
from supervisor.energy.old_csv import Bad, Form, Found, read
from supervisor.energy.period import named_zone
from supervisor.energy.respool import roll_up_all
from supervisor.runtime.clock import Clock, SystemClock
from supervisor.runtime.single import alone_in
from supervisor.store import imported, journal
from supervisor.store.imported import Hour
from supervisor.store.rollup import HOUR_S

SHOWN_MAX = 50  # bad lines that are printed; the count is of all


class Request(Struct, frozen=True):
    """What is asked for."""

    config_path: Path
    file: Path
    form: Form
    timezone: str = ""  # of the file's times; "": the site's
    skip_bad: bool = False
    dry_run: bool = False


def bring_in(request: Request, clock: Clock | None = None) -> bool:
    """Import and print what came of each row; False where bad rows prevent it. Raises RoadheatError.

    The service must not run: all hours come in one transaction, which may take seconds.
    """
    config = configuration.load(request.config_path, without_data=True)
    now = (clock or SystemClock()).utc_s()
    rated_w = {zone.id: zone.power_w for zone in config.zone}
    if request.form.zone and request.form.zone not in rated_w:
        raise CommandError("not in city.toml", where=f"--zone {request.form.zone}", remedy="Give the id of a zone")
    timezone = named_zone(request.timezone or config.site.timezone)
    found = read(request.file, request.form, timezone, rated_w, now)
    _print_bad(found.bad)
    if found.bad and not request.skip_bad:
        terminal.say(f"{len(found.bad):,} of {found.rows:,} rows are bad: nothing imported. Mend them, or --skip-bad")
        return False
    hours = _hours(found, rated_w)
    with alone_in(config.state_dir), transaction(config) as db:
        new = imported.missing(db, hours)
        if not request.dry_run and new:
            _put(db, config, new, request.file.name, now)
    kept = sum(hour.energy_wh for hour in new) / 1000
    terminal.say(
        f"{'Would import' if request.dry_run else 'Imported'} {kept:,.1f} kWh in {len(new):,} hours of zones. "
        f"Rows: {found.rows:,}, repeated {found.repeated:,}, bad {len(found.bad):,}. "
        f"Hours that the record has already, left as they are: {len(hours) - len(new):,}"
    )
    return True


def _put(db: sqlite3.Connection, config: Config, new: list[Hour], name: str, now_utc_s: float) -> None:
    imported.put(db, new)
    energy_wh = sum(hour.energy_wh for hour in new)
    journal.append_audit(db, int(now_utc_s), BY, "import", f"{name}: {energy_wh} Wh in {len(new)} hours")
    if not roll_up_all(db, config, now_utc_s, len(new)):
        terminal.say("The spool has no room for its points: send them by and by with `energy export --influx`")


def _hours(found: Found, rated_w: Mapping[str, float]) -> list[Hour]:
    """Quarters by hours; the time on is that at rated power."""
    quarters: dict[tuple[str, int], dict[int, int]] = {}
    for (zone, start_utc_s), energy_wh in found.energy_wh.items():
        hour = start_utc_s - start_utc_s % HOUR_S
        quarters.setdefault((zone, hour), {})[(start_utc_s - hour) // SLOT_S] = energy_wh
    return [
        Hour(
            zone,
            start_utc_s,
            tuple(parts.get(n, 0) for n in range(HOUR_S // SLOT_S)),
            round(min(sum(parts.values()) / rated_w[zone] * 3600, len(parts) * SLOT_S)),
            len(parts) * SLOT_S,
        )
        for (zone, start_utc_s), parts in sorted(quarters.items())
    ]


def _print_bad(bad: list[Bad]) -> None:
    for one in bad[:SHOWN_MAX]:
        terminal.say(f"line {one.number}: {one.why}")
    if len(bad) > SHOWN_MAX:
        terminal.say(f"and {len(bad) - SHOWN_MAX:,} more bad lines")


def request_of(options: dict[str, Any]) -> Request:
    """The request from the command's options. Raises CommandError."""
    zones = {}
    for pair in options["renamed"]:
        old, equals, new = pair.partition("=")
        if not (old and equals and new):
            raise CommandError("not OLD=NEW", where=f"--rename {pair}", remedy="Write the file's name = the zone's id")
        zones[old] = new
    if bool(options["zone"]) == bool(options["zone_column"]):
        raise CommandError("needs one of them", where="--zone-column, --zone", remedy="Say of which zone a row is")
    delimiter = "\t" if options["delimiter"] == "tab" else options["delimiter"]
    if len(delimiter) != 1 or delimiter == options["decimal"] or delimiter in '"\r\n':
        raise CommandError(
            f"{delimiter!r} cannot stand between columns", where="--delimiter",
            remedy="Give one character other than the decimal sign, such as ;, or tab",
        )  # fmt: skip
    named = ("time", "energy", "zone_column", "zone", "unit", "decimal", "encoding", "time_format")
    form = Form(
        **{name: options[name] for name in named},
        zones=zones,
        delimiter=delimiter,
        interval_s=60 * int(options["interval_min"]),
        stamped_at_end=options["stamp"] == "end",
    )
    return Request(
        options["config_path"], options["file"], form, options["timezone"], options["skip_bad"], options["dry_run"]
    )
