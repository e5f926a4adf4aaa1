"""`roadheat energy rebuild` and `export --influx`: the same lines as before, and room left for live points."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config.tests.examples import EXAMPLE
from supervisor.energy import respool
from supervisor.store import DATABASE_NAME, database, feeder_quarters, labels, spool, telemetry, upkeep
from supervisor.wire.messages import Telemetry, ZoneSample

SEOUL = ZoneInfo("Asia/Seoul")
START = int(datetime(2023, 12, 30, 22, tzinfo=SEOUL).timestamp())
INFLUX = '\n[influx]\napi = "v1"\nurl = "http://127.0.0.1:1"\ndatabase = "d"\nspool_mib = 16\n'
ALL = ("--from", "2023-12-30", "--to", "2024-01-01")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Four hours of a zone around midnight, all sent."""
    path = tmp_path / "city.toml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8") + INFLUX, encoding="utf-8")
    (tmp_path / "state").mkdir()
    db = opened(path)
    database.migrate(db)
    known = labels.learn(db, site(path), {"z01": "f1"}, START)
    for q in range(1, 241):
        frame = Telemetry(
            boot=1,
            dt=60,
            bad=0,
            q=q,
            up=q * 60,
            utc=START + q * 60,
            z=(ZoneSample("z01", -1000, 6000, 0, 60, 6000, q * 100, 1000, 4, 0),),
        )
        db.execute("BEGIN")
        telemetry.commit(db, known, "b01", frame, START + q * 60, START + (q - 1) * 60, None)
        db.execute("COMMIT")
    upkeep.roll_up(db, known, feeder_quarters.Billing(), SEOUL, START + 10 * 86_400, spooled=True)
    db.close()
    return path


def site(city: Path) -> str:
    from supervisor.config import load

    return load(city, without_data=True).site.name


def opened(city: Path) -> sqlite3.Connection:
    return database.connect(city.parent / "state" / DATABASE_NAME)


def drained(city: Path) -> list[str]:
    db = opened(city)
    batch = spool.batch(db, 10**6)
    if batch is not None:
        spool.delivered(db, batch.last_id, [], 0)
    db.close()
    return sorted(batch.lines.split("\n")) if batch else []


def run(city: Path, *arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["energy", *arguments, "--config", str(city)], env={"COLUMNS": "200"})
    assert result.exit_code == status, result.output + repr(result.exception)
    return result.output


def test_an_export_puts_every_line_back_as_it_was(city: Path) -> None:
    before = drained(city)
    assert len({line.split(",")[0] for line in before}) == 4
    assert "256 points" in run(city, "export", "--influx", *ALL)
    assert set(drained(city)) == set(before)


def test_days_are_made_anew_from_the_hours(city: Path) -> None:
    drained(city)
    db = opened(city)
    days = db.execute("SELECT * FROM zone_1d ORDER BY day").fetchall()
    assert len(days) == 2
    db.execute("UPDATE zone_1d SET energy_wh = 7, on_s = 7")
    db.execute("DELETE FROM zone_1d WHERE day = '2023-12-31'")
    run(city, "rebuild", *ALL)
    assert db.execute("SELECT * FROM zone_1d ORDER BY day").fetchall() == days
    db.close()


def test_an_export_stops_where_live_points_would_lose_their_room(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drained(city)
    monkeypatch.setattr(respool, "FILL_MAX", 10_000 / 16 / 1024**2)
    out = run(city, "export", "--influx", *ALL, status=1)
    assert "go on later with --from 2023-12-31" in out


def test_a_reversed_period_and_no_database_are_sentences(city: Path) -> None:
    assert "the period is empty" in run(
        city, "export", "--influx", "--from", "2024-01-01", "--to", "2023-01-01", status=2
    )
    assert "the period is empty" in run(city, "rebuild", "--from", "2024-01-01", "--to", "2023-01-01", status=2)
    city.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    assert "no [influx]" in run(city, "export", "--influx", *ALL, status=2)
    assert "Missing option '--influx'" in run(city, "export", *ALL, status=2)
