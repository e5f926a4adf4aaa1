"""Whatever an authenticated board sends, one commit takes a bounded number of SQLite's steps and rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor.store import database, lives, quarantine, telemetry
from supervisor.store.labels import Labels
from supervisor.store.telemetry import Booking
from supervisor.wire.messages import Telemetry, ZoneSample

T0 = 1_700_000_000
STEPS_MAX = 60_000  # instructions of SQLite's machine: about 5 ms; a live frame of the same zones takes some 700
ZONES = tuple(f"z{n}" for n in range(8))


class Bench:
    """Commits frames of one board and counts what the costliest of them took."""

    def __init__(self, path: Path) -> None:
        self.db = database.connect(path)
        self.db.execute("PRAGMA synchronous = OFF")
        database.migrate(self.db)
        self.worst = self.steps = 0
        self.life, self.boot = "", 50
        self.q = 0

    def _count(self) -> int:
        self.steps += 1
        return 0

    def say(self, up_s: int, wh: int = 0, *, boot: int | None = None, q: int | None = None, at: int | None = None,
            zones: tuple[str, ...] = ZONES, dt_s: int = 10, now: int | None = None) -> Booking:  # fmt: skip
        self.q = self.q + 1 if q is None else q
        end = T0 + up_s if at is None else at
        samples = tuple(ZoneSample(zone, 1000, 1000, 0, 0, 60_000, wh, 0, 4, 0) for zone in zones)
        frame = Telemetry(self.boot if boot is None else boot, self.q, 0, up_s, dt_s, 0, samples)
        booking = Booking(dict.fromkeys(ZONES, 60_000), self.life, self.boot)
        self.steps = 0
        self.db.execute("BEGIN")
        self.db.set_progress_handler(self._count, 100)
        received = end if now is None else now
        telemetry.commit(self.db, Labels("s"), "b01", frame, received, end - dt_s, None, booking)
        self.db.set_progress_handler(None, 1)
        self.db.execute("COMMIT")
        self.worst = max(self.worst, self.steps * 100)
        return booking


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path / "t.db")
    for n in range(1, 300):
        made.say(10 * n, 160 * n)
    made.worst = 0
    return made


def shared_uptime(bench: Bench) -> None:
    for n in range(600):
        bench.say(3000, 48_000 + n)


def shared_second_of_an_earlier_boot_without_clock(bench: Bench) -> None:
    for n in range(300):
        bench.say(60 * n, 160 * n, boot=49, at=T0 + 3000, q=n)


def lower_boots(bench: Bench) -> None:
    for n in range(300):
        bench.say(10 * n, 160 * n, boot=n % 50, q=10_000 + n, at=T0 + 3000 + n)


def one_zone_a_frame(bench: Bench) -> None:
    for n in range(300):
        bench.say(5 + 7 * n % 2900, 100 * n, q=20_000 + n, zones=(ZONES[n % 8],), at=T0 + 3000)


def jumping_uptime(bench: Bench) -> None:
    for n in range(300):
        bench.say((10**9, 10, 10**6, 3000)[n % 4] + n, 10**9, at=T0 + 3000 + n)


def the_same_number_again(bench: Bench) -> None:
    for n in range(300):
        bench.say(3000 + n, n, q=7, at=T0 + 3000 + n)


def a_life_for_each_frame(bench: Bench) -> None:
    for n in range(300):
        bench.life = f"{n:016x}"
        bench.say(3000 + n, n, q=8, at=T0 + 3000 + n)


def a_swapped_board(bench: Bench) -> None:
    bench.boot = 3
    for n in range(1, 400):
        bench.say(10 * n, 160 * n, at=T0 + 4000 + 10 * n)


def long_gaps(bench: Bench) -> None:
    for n in range(1, 10):
        bench.say(3000 + n * 30 * 86_400, 10**9)


ATTACKS = (
    shared_uptime, shared_second_of_an_earlier_boot_without_clock, lower_boots, one_zone_a_frame, jumping_uptime,
    the_same_number_again, a_life_for_each_frame, a_swapped_board, long_gaps,
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_commit_is_bounded_whatever_a_board_sends(bench: Bench, attack: Callable[[Bench], None]) -> None:
    attack(bench)
    assert bench.worst < STEPS_MAX
    before = bench.worst
    bench.worst = 0
    attack(bench)  # a longer record costs no more
    assert bench.worst < max(STEPS_MAX / 2, 1.5 * before)


def test_a_swapped_board_replays_nothing_and_loses_nothing(bench: Bench) -> None:
    before = telemetry.total_wh(bench.db, "z0")
    bench.boot = 3
    for n in range(1, 100):
        bench.say(10 * n, 160 * n, at=T0 + 4000 + 10 * n)
    assert bench.worst < 10_000
    assert lives.newest(bench.db, "b01") == 1
    assert telemetry.total_wh(bench.db, "z0") == before + 99 * 160


def test_a_life_that_a_board_names_keeps_its_records_apart(bench: Bench) -> None:
    """The same boots and numbers in two lives; the late record of the first life still is inserted where it belongs."""
    first, second = "00000000000000aa", "00000000000000bb"
    bench.life = first
    bench.say(3000, 48_000, q=300)  # the firmware's update: its boots go on, and so does the life
    assert lives.newest(bench.db, "b01") == 0
    bench.life, bench.boot = second, 50
    bench.say(10, 150, q=1, at=T0 + 5000)
    assert lives.newest(bench.db, "b01") == 1
    bench.life = first
    bench.say(3020, 48_320, q=302, at=T0 + 5200)
    bench.say(3010, 48_160, q=301, at=T0 + 5190, now=T0 + 5200)
    rows = bench.db.execute("SELECT life, q FROM tick WHERE id > 299 ORDER BY life, boot, up_s").fetchall()
    assert rows == [(0, 300), (0, 301), (0, 302), (1, 1)]
    assert telemetry.total_wh(bench.db, "z0") == 48_320 + 150
    assert quarantine.found(bench.db, 0, 2**40) == []


def test_the_journal_of_a_life_before_finds_its_place(bench: Bench) -> None:
    """A board whose state was made anew counts its boots from 1 and still sends what it kept of boot 50."""
    bench.life, bench.boot = "00000000000000bb", 1
    bench.say(10, 160, q=1, at=T0 + 4000)
    bench.say(3050, 48_800, boot=50, q=305, now=T0 + 4001)
    assert bench.say(10, 160, boot=51, q=306, at=T0 + 4000).refused
    rows = bench.db.execute("SELECT life, boot, q FROM tick WHERE id > 299 ORDER BY life, boot, up_s").fetchall()
    assert rows == [(0, 50, 305), (1, 1, 1)]
    assert telemetry.total_wh(bench.db, "z0") == 48_800 + 160


def test_a_number_again_with_other_content_is_set_aside_where_the_life_is_named(bench: Bench) -> None:
    bench.life = "00000000000000aa"
    bench.say(3000, 48_000, q=300)
    again = bench.say(3010, 48_160, q=300)
    assert again.refused
    assert lives.newest(bench.db, "b01") == 0
    (row,) = quarantine.found(bench.db, 0, 2**40)
    assert row.board == "b01"


def test_the_quarantine_of_a_board_is_bounded_and_counted(bench: Bench) -> None:
    for n in range(2 * quarantine.KEPT_PER_BOARD):
        quarantine.put_frame(bench.db, "b01", (1, n), T0, "noise", b"{}")
    quarantine.put_frame(bench.db, "b02", (1, 1), T0, "noise", b"{}")
    rows = quarantine.found(bench.db, 0, 2**40)
    assert len(rows) <= quarantine.KEPT_PER_BOARD + 64 + 1
    assert {row.board for row in rows} == {"b01", "b02"}


def test_a_record_whose_every_second_is_taken_is_set_aside(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "free_second", lambda *_: None)
    assert bench.say(3000, 0).refused


def test_a_damaged_limit_of_pruning_refuses_no_record(bench: Bench) -> None:
    bench.db.execute("INSERT OR REPLACE INTO kv VALUES ('pruned_before_utc_s', 'x')")
    count: Callable[[], int] = lambda: bench.db.execute("SELECT count(*) FROM tick").fetchone()[0]  # noqa: E731
    before = count()
    bench.say(3000, 48_000)
    assert count() == before + 1
    assert isinstance(bench.db, sqlite3.Connection)
