"""`roadheat report health` and `roadheat report inspection`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from supervisor import config as configuration
from supervisor import terminal
from supervisor.domain.errors import CommandError
from supervisor.reports.health import collect, inspection, page
from supervisor.runtime.clock import SystemClock
from supervisor.store import database, place_of

KINDS: Final = (".html", ".json", ".csv")


def write(config_path: Path, month: str | None, language: str, output: Path, now_utc_s: int | None = None) -> None:
    """The inspection of `month`, without one the health of all parts; the ending of its name says the form."""
    kind = output.suffix.lower()
    if kind not in KINDS:
        raise CommandError("unknown form", where=f"--output {output}", remedy=f"End it with {', '.join(KINDS)}")
    config = configuration.load(config_path, without_data=True)
    now = int(SystemClock().utc_s()) if now_utc_s is None else now_utc_s
    path = place_of(config)
    with closing(database.connect_read_only(path)) as db:
        database.require_current(db, str(path))
        made: collect.Health | inspection.Inspection
        if month is None:
            made = collect.collect(config, db, now)
            rows = page.health_rows(made, language)
            said = f"{sum(one.replace for one in made.parts)} of {len(made.parts)} parts to replace before the season"
        else:
            made = inspection.collect(config, db, month)
            rows = page.inspection_rows(made, language)
            failed = sum(one.passed is False for one in made.rows)
            said = f"{failed} roads failed, {sum(one.passed is None for one in made.rows)} not measured"
    if kind == ".json":
        output.write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    elif kind == ".csv":
        output.write_text(page.to_csv(rows), encoding="utf-8-sig", newline="")
    else:
        output.write_text(page.to_page(*page.titles(made, language), rows, language), encoding="utf-8")
    terminal.console().print(f"{said}: {output}", soft_wrap=True)
