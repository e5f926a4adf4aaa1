"""A city with a record of its own making, and its bills by `roadheat energy bill`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config.tests.examples import EXAMPLE
from supervisor.store import DATABASE_NAME, database

SEOUL = ZoneInfo("Asia/Seoul")


def make_city(folder: Path) -> Path:
    """The example's city.toml with an empty record: z01 and z02 are on supply f1, whose utility is "kepco"."""
    path = folder / "city.toml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "weather.csv").write_text("time_utc\n")
    (folder / "state").mkdir()
    db = database.connect(folder / "state" / DATABASE_NAME)
    database.migrate(db)
    db.close()
    return path


def add_hours(city: Path, zone: str, hours: list[tuple[str, int]]) -> None:
    """(local hour, kW) of a zone that heats evenly for that hour."""
    db = database.connect(city.parent / "state" / DATABASE_NAME)
    for text, kw in hours:
        start = int(datetime.fromisoformat(text).replace(tzinfo=SEOUL).timestamp())
        db.execute(
            "INSERT INTO zone_1h (start_utc_s, zone, wh0, wh1, wh2, wh3, on_s, covered_s, surface_mc_s, surface_s) "
            "VALUES (?, ?, ?, ?, ?, ?, 3600, 3600, 0, 0)",
            (start, zone, *(kw * 250,) * 4),
        )
    db.commit()
    db.close()


def run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["energy", "bill", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == status, result.output + repr(result.exception)
    return result.output


def bills(city: Path, month: str) -> dict[str, dict[str, Any]]:
    out = city.parent / "bills.json"
    run("--config", str(city), "--month", month, "--json", str(out))
    return {one["supply"]: one for one in json.loads(out.read_text())}
