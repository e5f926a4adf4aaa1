"""`roadheat report certification`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from supervisor import config as configuration
from supervisor import terminal
from supervisor.domain.errors import CommandError
from supervisor.reports.certification.collect import collect
from supervisor.reports.certification.page import write_page
from supervisor.runtime.clock import SystemClock
from supervisor.store import database, place_of


def write(config_path: Path, year: int, language: str, output: Path, now_utc_s: int | None = None) -> None:
    """Collect and write; the ending of its name says the form. Raises CommandError, StoreError."""
    kind = output.suffix.lower()
    if kind not in (".html", ".json"):
        raise CommandError("unknown form", where=f"--output {output}", remedy="End it with .html or .json")
    config = configuration.load(config_path, without_data=True)
    now = int(SystemClock().utc_s()) if now_utc_s is None else now_utc_s
    with closing(database.connect_read_only(place_of(config))) as db:
        database.require_current(db, str(place_of(config)))
        made = collect(config, db, year, now)
    if kind == ".json":
        output.write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    else:
        output.write_text(write_page(made, language), encoding="utf-8")
    unknown = [one.id for one in made.figures if one.value is None]
    console = terminal.console()
    if unknown:
        console.print(f"Not known: {', '.join(unknown)}", style="yellow", soft_wrap=True)
    console.print(f"{len(made.figures)} figures of {year}: {output}", soft_wrap=True)
