"""`roadheat energy correct` and `dead-letters`: audited, reversible to the watt-hour, and never above the cable."""

from __future__ import annotations

import sqlite3
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config.tests.examples import EXAMPLE
from supervisor.store import DATABASE_NAME, database, quarantine, spool

SEOUL = ZoneInfo("Asia/Seoul")
START = int(datetime(2023, 12, 30, 3, 10, tzinfo=SEOUL).timestamp())
EXCESS_WH = 40_001
SPAN = ("--from", "2023-12-30T00:00", "--to", "2023-12-30T06:00")
DAYS = ("--from", "2023-12-30", "--to", "2023-12-31")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    path = tmp_path / "city.toml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "weather.csv").write_text("time_utc\n")
    (tmp_path / "state").mkdir()
    db = opened(path)
    database.migrate(db)
    quarantined(db, START, EXCESS_WH)
    db.execute("INSERT INTO zone_1h VALUES (?, 'z01', 1, 2, 3, 4, 5, 3600, 0, 0, NULL, 0)", (START // 3600 * 3600,))
    db.close()
    return path


def opened(city: Path) -> sqlite3.Connection:
    return database.connect(city.parent / "state" / DATABASE_NAME)


def quarantined(db: sqlite3.Connection, received_utc_s: int, excess_wh: int) -> None:
    db.execute(
        "INSERT INTO quarantine (board, life, boot, q, zone, received_utc_s, start_utc_s, excess_wh, reason) "
        "VALUES ('b01', 0, 1, ?, 'z01', ?, ?, ?, 'energy')",
        (excess_wh, received_utc_s, START, excess_wh),
    )


def run(city: Path, *arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["energy", *arguments, "--config", str(city)], env={"COLUMNS": "200"})
    assert result.exit_code == status, result.output + repr(result.exception)
    assert "Traceback" not in result.output
    return result.output


def hours(city: Path) -> list[tuple[int, int, int, int, int]]:
    db = opened(city)
    found = db.execute("SELECT start_utc_s, wh0, wh1, wh2, wh3 FROM zone_1h ORDER BY start_utc_s").fetchall()
    db.close()
    return found


def test_a_case_is_booked_evenly_and_taken_back_to_the_watt_hour(city: Path) -> None:
    before = hours(city)
    assert "40.001" in run(city, "correct", "list", *DAYS)
    run(city, "correct", "book", "1", *SPAN, "--reason", "clamp was on the wrong core")
    after = hours(city)
    assert sum(sum(row[1:]) for row in after) == EXCESS_WH + 10
    assert len(after) == 6
    assert max(wh for row in after for wh in row[1:]) <= EXCESS_WH // 24 + 1 + 4  # 24 quarters: no phantom peak
    assert "In quarantine" not in run(city, *DAYS)
    assert "booked already" in run(city, "correct", "book", "1", *SPAN, "--reason", "again", status=2)
    run(city, "correct", "revert", "1", "--reason", "it was the right core")
    assert [row for row in hours(city) if any(row[1:])] == before
    assert "In quarantine" in run(city, *DAYS)
    assert "not booked" in run(city, "correct", "revert", "1", "--reason", "twice", status=2)
    db = opened(city)
    said = db.execute("SELECT user, action, detail FROM audit ORDER BY id").fetchall()
    db.close()
    assert [(user, action) for user, action, _ in said] == [
        ("console", "energy-correct"),
        ("console", "energy-correct-revert"),
    ]
    assert said[0][2].endswith("clamp was on the wrong core")


@pytest.mark.parametrize(
    ("case", "span", "reason", "says"),
    [
        ("1", ("2023-12-30T03:00", "2023-12-30T03:15"), "x", "can draw"),
        ("1", ("2023-12-30T03:00", "2023-12-30T03:00"), "x", "the period is empty"),
        ("1", ("2023-12-30T06:00", "2023-12-30T03:00"), "x", "the period is empty"),
        ("1", ("2093-12-30T03:00", "2093-12-30T06:00"), "x", "in the future"),
        ("1", ("2023-12-30T03:05", "2023-12-30T06:00"), "x", "not a quarter of an hour"),
        ("1", ("yesterday", "2023-12-30T06:00"), "x", "not a date"),
        ("1", ("2023-12-30T03:00", "2023-12-30T06:00"), "  ", "empty"),
        ("9", ("2023-12-30T03:00", "2023-12-30T06:00"), "x", "no such energy in quarantine"),
    ],
)
def test_what_cannot_be_booked_changes_nothing(
    city: Path, case: str, span: tuple[str, str], reason: str, says: str
) -> None:
    before = hours(city)
    first, past = span
    out = run(city, "correct", "book", case, "--from", first, "--to", past, "--reason", reason, status=2)
    assert says in out
    assert hours(city) == before


def test_what_a_journal_may_still_explain_is_not_booked(city: Path) -> None:
    db = opened(city)
    quarantined(db, int(time.time()) - 3600, 500)
    db.close()
    assert "younger than two days" in run(city, "correct", "book", "2", *SPAN, "--reason", "x", status=2)


def test_refused_lines_are_listed_and_sent_again_in_order(city: Path) -> None:
    assert "no [influx]" in run(city, "dead-letters", "retry", status=2)
    with city.open("a", encoding="utf-8") as file:
        file.write('\n[influx]\napi = "v1"\nurl = "http://127.0.0.1:1"\ndatabase = "d"\n')
    assert "refused no line" in run(city, "dead-letters", "list")
    db = opened(city)
    spool.delivered(db, 0, [("zone a=1i 1", "400 type conflict"), ("zone a=2i 2", "400 [b]")], START)
    out = run(city, "dead-letters", "list")
    assert "400 type conflict" in out
    assert "zone a=2i 2" in out
    assert "2 lines wait" in run(city, "dead-letters", "retry")
    batch = spool.batch(db, 10)
    assert batch is not None
    assert (batch.lines, batch.points) == ("zone a=1i 1\nzone a=2i 2", 2)
    assert spool.dead_letters(db, 10) == []
    assert quarantine.found(db, 0, 1) == []
    db.close()
