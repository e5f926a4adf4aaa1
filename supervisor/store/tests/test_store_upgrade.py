"""A database of the release before goes on with a copy of it beside; a newer one is refused; nothing is half done."""

from __future__ import annotations

import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from supervisor.domain.errors import StoreError
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store, backup, database, telemetry
from supervisor.store.telemetry import Booking
from supervisor.wire.messages import Telemetry, ZoneSample

T0 = 1_700_000_000
SCHEMA_BEFORE = 4
TICKS = 200


def make_old(path: Path, power_w: int = 60_000) -> None:
    """A database as the first release wrote it: its schema by its own steps, its blobs field by field."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    for _, step in database.migrations()[:SCHEMA_BEFORE]:
        db.executescript(step.read_text(encoding="utf-8"))
    db.execute(f"PRAGMA user_version = {SCHEMA_BEFORE}")
    db.execute("BEGIN")
    for q in range(1, TICKS + 1):
        meter = [160 * q, 0, 1, 10 * q, 160 * q, 160 * q, -1]
        sample = ["z01", 1250, 9000, 300, 10, power_w, 160 * q, 500, 4, 0]
        zones = msgspec.msgpack.encode([[sample, 160, meter]])
        db.execute(
            "INSERT INTO tick (board, life, boot, up_s, q, start_utc_s, dt_s, received_utc_s, air_mc, zones) "
            "VALUES ('b01', 0, 1, ?, ?, ?, 10, ?, -3500, ?)",
            (10 * q, q, T0 + 10 * q - 10, T0 + 10 * q, zones),
        )
    db.execute("INSERT INTO meter VALUES ('b01', 'z01', 0, 1, ?, ?, ?)",
               (10 * TICKS, TICKS, msgspec.msgpack.encode(meter)))  # fmt: skip
    db.execute("INSERT INTO zone_total VALUES ('z01', ?)", (160 * TICKS,))
    db.execute("INSERT INTO zone_1h VALUES (?, 'z01', ?, 0, 0, 0, 0, 2000, 0, 0, NULL, 1)", (T0, 160 * TICKS))
    db.execute("INSERT INTO kv VALUES ('epoch', '7')")
    db.execute("COMMIT")
    db.close()


def frame(q: int, up_s: int, wh: int, boot: int = 1) -> Telemetry:
    return Telemetry(boot, q, 0, up_s, 10, 0, (ZoneSample("z01", 1250, 9000, 300, 10, 60_000, wh, 500, 4, 0),))


def version(path: Path) -> int:
    db = sqlite3.connect(path)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(db.execute("PRAGMA user_version").fetchone()[0])
    finally:
        db.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / DATABASE_NAME
    make_old(made)
    return made


def copy_of(path: Path, number: str = "") -> Path:
    return path.with_name(f"{path.name}.before-{SCHEMA_BEFORE + 1}{number}")


async def test_a_database_of_the_release_before_goes_on_with_a_checked_copy_beside(path: Path) -> None:
    store = Store.open(path, ManualClock(T0 + 3000), site="s", spool_cap_bytes=2**20)
    assert await store.telemetry.zone_totals() == {"z01": 160 * TICKS}
    booking = Booking({"z01": 60_000}, "", 1)
    known = frame(TICKS, 10 * TICKS, 160 * TICKS)
    at = T0 + 10 * TICKS
    assert not await store.telemetry.commit("b01", known, at + 5, at - 10, None, booking)
    assert await store.telemetry.commit("b01", frame(500, 3000, 160 * 300), T0 + 3000, T0 + 2990, None, booking)
    assert await store.telemetry.commit("b01", frame(401, 2500, 160 * 250), T0 + 3001, T0 + 2490, None, booking)
    assert await store.telemetry.zone_totals() == {"z01": 160 * 300}
    assert booking.excess == []
    assert await store.epochs.next() == 8
    await store.close()
    assert version(path) == len(database.migrations())
    assert version(copy_of(path)) == SCHEMA_BEFORE
    old = sqlite3.connect(copy_of(path))
    assert old.execute("SELECT count(*), max(q) FROM tick").fetchone() == (TICKS, TICKS)
    assert old.execute("SELECT total_wh FROM zone_total").fetchone() == (160 * TICKS,)
    old.close()


def test_the_copy_can_take_the_database_s_place(path: Path) -> None:
    Store.open(path, ManualClock(T0))
    restored = path.with_name("restored.db")
    restored.write_bytes(copy_of(path).read_bytes())
    db = database.connect(restored)
    assert database.migrate(db) == len(database.migrations())
    assert telemetry.total_wh(db, "z01") == 160 * TICKS
    db.close()


def test_values_that_no_board_may_say_any_more_are_still_read(tmp_path: Path) -> None:
    """The record of before may hold a number that is out of range now; late records are inserted beside it."""
    path = tmp_path / DATABASE_NAME
    make_old(path, power_w=2**40)
    db = database.connect(path)
    database.migrate(db)
    db.execute("BEGIN")
    assert telemetry.commit(db, None, "b01", frame(900, 995, 160 * 99 + 80), T0 + 3000, T0 + 985, None)
    db.execute("COMMIT")
    assert telemetry.total_wh(db, "z01") == 160 * TICKS
    assert len(list(telemetry.ticks(db, 0, 2**40))) == TICKS + 1


def test_a_copy_that_is_there_is_not_overwritten(path: Path) -> None:
    copy_of(path).write_bytes(b"somebody's own file")
    database.migrate(database.connect(path))
    assert copy_of(path).read_bytes() == b"somebody's own file"
    assert version(copy_of(path, "-2")) == SCHEMA_BEFORE


def test_a_start_that_fails_again_and_again_makes_one_copy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(database, "statements", lambda _: ["CREATE TABLE made_on_the_way (x)", "SELECT nonsense"])
        for _ in range(5):
            with pytest.raises(StoreError, match="the database is as it was"):
                database.migrate(database.connect(path))
    assert sorted(found.name for found in path.parent.glob("*before*")) == [copy_of(path).name]
    assert version(path) == SCHEMA_BEFORE
    tables = sqlite3.connect(path).execute("SELECT name FROM sqlite_master WHERE name = 'made_on_the_way'").fetchall()
    assert tables == []
    database.migrate(database.connect(path))
    assert version(path) == len(database.migrations())


def test_too_many_copies_are_said_and_nothing_is_changed(path: Path) -> None:
    for number in ("", *(f"-{n}" for n in range(2, backup.COPIES_MAX + 1))):
        copy_of(path, number).write_bytes(b"x")
    with pytest.raises(StoreError, match="Move backups"):
        Store.open(path, ManualClock())
    assert version(path) == SCHEMA_BEFORE


def test_a_disk_that_is_full_while_copying_leaves_the_database_as_it_was(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))  # enough to open it, not for a copy
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(StoreError, match="nothing was changed") as refused:
            Store.open(path, ManualClock())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Free at least" in refused.value.remedy
    assert version(path) == SCHEMA_BEFORE
    assert list(path.parent.glob("*before*")) == []


def test_a_newer_schema_is_refused_with_a_sentence_and_no_copy(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 9999")
    db.close()
    with pytest.raises(StoreError, match="schema 9999") as refused:
        Store.open(path, ManualClock())
    assert "newer roadheat" in refused.value.remedy
    assert list(path.parent.glob("*before*")) == []


CUT = """
import os, signal, sys
from pathlib import Path
from supervisor.store import backup, database
at = sys.argv[2]
count = 0
def dies(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if at == "copy":
    backup.to_disk = dies
db = database.connect(Path(sys.argv[1]))
def trace(statement):
    global count
    count += count > 0 or statement == "BEGIN IMMEDIATE"
    if str(count) == at or statement == at:
        dies()
db.set_trace_callback(trace)
database.migrate(db, sys.argv[1])
os.write(1, b"done")
"""


@pytest.mark.parametrize("at", ["copy", "1", "4", "8", "COMMIT"])
def test_a_cut_while_upgrading_leaves_the_old_or_the_new(path: Path, at: str) -> None:
    child = subprocess.run(
        [sys.executable, "-c", CUT, str(path), at],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    assert version(path) in (SCHEMA_BEFORE, len(database.migrations()))
    db = database.connect(path)
    assert database.migrate(db) == len(database.migrations())
    assert telemetry.total_wh(db, "z01") == 160 * TICKS
    assert db.execute("SELECT count(*) FROM tick").fetchone() == (TICKS,)
    assert version(copy_of(path)) == SCHEMA_BEFORE
    assert list(path.parent.glob("*.tmp")) == []


def test_the_changelog_names_the_schema_that_a_database_gets() -> None:
    text = (Path(__file__).parents[3] / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = text.split("## Unreleased")[1].split("\n## ")[0]
    assert re.findall(r"schema (\d+)", newest) == [str(len(database.migrations()))]
