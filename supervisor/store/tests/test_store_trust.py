"""What a board's counter may book, whatever its records say of energy and time."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor.store import database, late, quarantine, rollup, spool, telemetry, uptime
from supervisor.store.labels import Labels
from supervisor.store.place import Place
from supervisor.store.telemetry import Booking, Excess
from supervisor.store.tests.hasty import connect_hasty
from supervisor.store.tick import BOOKED_OVER_GAP, EXCESS_QUARANTINED
from supervisor.wire.messages import Telemetry, ZoneSample

T0 = 1_700_000_100  # some seconds into a quarter of an hour
RATED_W = 60_000
INTERVAL_WH = 167  # of ten seconds at rated power
MOST_WH = 184 + 37  # the same with the tolerances of power and of two seconds


class Board:
    """One board's records, committed as they come."""

    def __init__(self, db: sqlite3.Connection, name: str = "b01", rated_w: int = RATED_W) -> None:
        self.db, self.name, self.rated_w = db, name, rated_w
        self.q = 0
        self.life, self.hello_boot, self.up_s = "", 1, 0

    def say(
        self, up_s: int, dev_wh: int, *, at: int | None = None, received: int | None = None, boot: int = 1,
        dt_s: int = 10, power_w: int = RATED_W, q: int | None = None, zone: str = "z01",
    ) -> Booking:  # fmt: skip
        """A record that ended at `at` (default: T0 + uptime) and came at once, unless told."""
        self.q = self.q + 1 if q is None else q
        end = T0 + up_s if at is None else at
        frame = Telemetry(
            boot, self.q, 0, up_s, dt_s, 0, (ZoneSample(zone, 1250, 9000, 300, 10, power_w, dev_wh, 500, 4, 0),)
        )
        booking = Booking({zone: self.rated_w}, self.life, self.hello_boot, self.up_s)
        self.db.execute("BEGIN")
        telemetry.commit(
            self.db, Labels("s"), self.name, frame, end if received is None else received, end - dt_s, None, booking
        )
        self.db.execute("COMMIT")
        return booking

    def total_wh(self, zone: str = "z01") -> int:
        return telemetry.total_wh(self.db, zone)


def check_books(db: sqlite3.Connection) -> None:
    """Ticks, totals and hours agree; what is set aside is what the rows of the quarantine say."""
    totals = telemetry.zone_totals(db)
    hours = dict(db.execute("SELECT zone, sum(wh0 + wh1 + wh2 + wh3) FROM zone_1h GROUP BY zone").fetchall())
    booked: dict[str, int] = {}
    aside = 0
    for tick in telemetry.ticks(db, 0, 2**40):
        for zone in tick.zones:
            booked[zone.sample.zone] = booked.get(zone.sample.zone, 0) + zone.delta_wh
            assert zone.delta_wh >= 0
            aside += zone.excess_wh
    assert hours == totals == booked
    assert sum(row.excess_wh for row in quarantine.found(db, 0, 2**40)) == aside
    assert spool.counter(db, "quarantined_wh") == aside


def quarters(db: sqlite3.Connection) -> dict[int, int]:
    return {
        hour + 900 * n: wh
        for hour, *parts in db.execute("SELECT start_utc_s, wh0, wh1, wh2, wh3 FROM zone_1h")
        for n, wh in enumerate(parts)
        if wh
    }


@pytest.fixture
def db(tmp_path: Path) -> sqlite3.Connection:
    connection = connect_hasty(tmp_path / "t.db")
    database.migrate(connection)
    return connection


@pytest.fixture
def board(db: sqlite3.Connection) -> Board:
    return Board(db)


def heat(board: Board, records: int, first_up_s: int = 10) -> int:
    """Records of full power from `first_up_s` on; returns the uptime and so the counter's last value of them."""
    for n in range(records):
        board.say(first_up_s + 10 * n, (first_up_s + 10 * n) * RATED_W // 3600)
    return first_up_s + 10 * (records - 1)


def test_a_cable_at_rated_power_is_booked_to_the_watt_hour(board: Board) -> None:
    up_s = heat(board, 1000)
    assert board.total_wh() == up_s * RATED_W // 3600
    assert quarantine.found(board.db, 0, 2**40) == []
    check_books(board.db)


def test_a_forward_spike_adds_no_phantom_and_the_true_value_goes_on(board: Board) -> None:
    up_s = heat(board, 10)
    true_wh = up_s * RATED_W // 3600
    spiked = board.say(up_s + 10, true_wh + 20_480)
    assert spiked.excess == [Excess("z01", 20_480 - MOST_WH)]
    for n in range(2, 20):
        assert board.say(up_s + 10 * n, (up_s + 10 * n) * RATED_W // 3600).excess == []
    assert board.total_wh() == (up_s + 190) * RATED_W // 3600
    check_books(board.db)


def test_a_spike_that_stays_is_set_aside_once(board: Board) -> None:
    up_s = heat(board, 10)
    for n in range(1, 20):
        board.say(up_s + 10 * n, (up_s + 10 * n) * RATED_W // 3600 + 20_480)
    truth = (up_s + 190) * RATED_W // 3600
    assert truth <= board.total_wh() <= truth + 2 * MOST_WH
    assert [row.excess_wh for row in quarantine.found(board.db, 0, 2**40)] == [20_480 + INTERVAL_WH - MOST_WH]
    check_books(board.db)


def test_a_spike_while_the_cable_is_off_adds_no_more_than_it_could_have_drawn(board: Board) -> None:
    for n in range(1, 10):
        board.say(10 * n, 20_480 if n == 5 else 0, power_w=0)
    assert board.total_wh() <= MOST_WH
    check_books(board.db)


def test_a_bounce_to_zero_of_minutes_adds_the_true_difference(board: Board) -> None:
    up_s = heat(board, 100)
    for n in range(1, 61):
        true_wh = (up_s + 10 * n) * RATED_W // 3600
        board.say(up_s + 10 * n, true_wh if n == 60 else 0)
    assert board.total_wh() == (up_s + 600) * RATED_W // 3600
    check_books(board.db)


def test_a_meter_in_steps_of_a_kilowatt_hour_is_booked_whole(board: Board) -> None:
    for n in range(1, 500):
        board.say(10 * n, 10 * n * RATED_W // 3_600_000 * 1000)
    assert board.total_wh() == 4990 * RATED_W // 3_600_000 * 1000
    assert quarantine.found(board.db, 0, 2**40) == []


def test_energy_of_a_gap_is_spread_over_its_quarters_and_flagged(board: Board) -> None:
    board.say(10, 0, power_w=0)
    gap_s = 3 * 3600
    booking = board.say(10 + gap_s, gap_s * RATED_W // 3600)
    assert booking.excess == []
    assert board.total_wh() == 180_000
    held = quarters(board.db)
    assert sum(held.values()) == 180_000
    assert max(held.values()) <= 15_000 + 1
    assert len(held) == 13
    ticks = list(telemetry.ticks(board.db, 0, 2**40))
    assert [tick.zones[0].quality for tick in ticks] == [0, BOOKED_OVER_GAP]
    assert f"q={BOOKED_OVER_GAP}i" in board.db.execute("SELECT lines FROM spool ORDER BY id DESC").fetchone()[0]
    check_books(board.db)


def test_more_than_a_gap_explains_is_set_aside_and_flagged(board: Board) -> None:
    board.say(10, 0)
    booking = board.say(10 + 3600, 10**9)
    assert board.total_wh() <= 60_000 * 1.1 + MOST_WH
    assert booking.excess == [Excess("z01", 10**9 - board.total_wh())]
    *_, last = telemetry.ticks(board.db, 0, 2**40)
    assert last.zones[0].quality == BOOKED_OVER_GAP | EXCESS_QUARANTINED
    check_books(board.db)


def test_the_journal_of_a_gap_takes_its_share_back(board: Board) -> None:
    board.say(10, 0)
    board.say(10 + 1800, 15_000)
    for minute in range(1, 30):
        wh = 15_000 if minute >= 15 else 1000 * minute  # full power for the first quarter of an hour
        board.say(10 + 60 * minute, wh, dt_s=60, q=1000 + minute, received=T0 + 1830)
    assert board.total_wh() == 15_000
    ticks = list(telemetry.ticks(board.db, 0, 2**40))
    assert [tick.zones[0].gap_s for tick in ticks[:-1]] == [0] * 30
    assert all(tick.zones[0].quality == 0 for tick in ticks)
    # As counted minute by minute: nothing of the energy is left where it was spread.
    assert sum(wh for start, wh in quarters(board.db).items() if start > T0 + 1000) == 0
    check_books(board.db)


def test_uptime_that_claims_time_which_has_not_passed_books_nothing(board: Board) -> None:
    up_s = heat(board, 10)
    before_wh = board.total_wh()
    lie = board.say(up_s + 10**7, before_wh + 10**8, at=T0 + up_s + 10)
    assert lie.excess == [Excess("z01", 10**8)]
    assert board.total_wh() == before_wh
    for n in range(2, 10):  # from there the counter is followed again
        board.say(up_s + 10**7 + 10 * n, before_wh + 10**8 + INTERVAL_WH * (n - 1), at=T0 + up_s + 10 * n)
    assert before_wh < board.total_wh() <= before_wh + 8 * MOST_WH
    check_books(board.db)


def test_records_between_a_false_and_a_true_uptime_claim_their_time_too(board: Board) -> None:
    up_s = heat(board, 10)
    before_wh = board.total_wh()
    board.say(up_s + 10**7, before_wh, at=T0 + up_s + 10)
    for n in range(1, 50):  # as if they were the journal of time that has not passed
        board.say(up_s + n * 10**5, before_wh + 10**6 * n, at=T0 + up_s + 10, dt_s=60)
    assert board.total_wh() <= before_wh + (uptime.FIRST_S + 60) * RATED_W * 1.1 / 3600
    check_books(board.db)


def test_time_that_one_zone_s_record_could_not_claim_no_other_zone_can(board: Board) -> None:
    up_s = heat(board, 10)
    before_wh = board.total_wh()
    board.say(up_s + 10**7, 0, at=T0 + up_s + 10, zone="z02")
    board.say(up_s + 10**7 + 10, before_wh + 10**8, at=T0 + up_s + 20)
    assert board.total_wh() <= before_wh + MOST_WH
    check_books(board.db)


@pytest.mark.parametrize("up_s", [0, 1, 10, 86_400, 10**8])
def test_boot_after_boot_books_no_more_than_time_has_passed(board: Board, up_s: int) -> None:
    heat(board, 5)
    before_wh = board.total_wh()
    for boot in range(2, 200):
        board.hello_boot = boot
        board.say(up_s, 10**6, at=T0 + 60, boot=boot, dt_s=min(10, up_s))
    assert board.total_wh() <= before_wh + (uptime.FIRST_S + 60) * RATED_W * 1.1 / 3600
    check_books(board.db)


def test_a_crystal_that_runs_fast_is_believed_for_years(board: Board) -> None:
    for n in range(1, 1500):  # 100 ppm: 52 s in each six days
        seconds = 6 * 86_400 * n
        board.say(seconds + 52 * n, 0, at=T0 + seconds)
    assert all(tick.believed for tick in telemetry.ticks(board.db, 0, 2**40))


def test_frames_that_share_one_uptime_book_once(board: Board) -> None:
    heat(board, 5)
    before_wh = board.total_wh()
    for n in range(300):
        board.say(60, 10_000 + 100 * n, at=T0 + 60)
    assert board.total_wh() <= before_wh + 3 * MOST_WH
    check_books(board.db)


@pytest.mark.parametrize("oldest_first", [True, False])
def test_a_day_without_link_and_a_reboot_lose_no_energy(board: Board, oldest_first: bool) -> None:
    """The journal of the boot before comes after the first live records of the new one, in either order."""
    heat(board, 5)
    dark = [(50 + 60 * n, (50 + 60 * n) * RATED_W // 3600) for n in range(1, 1440)]
    back = T0 + dark[-1][0] + 120
    board.hello_boot = 2
    for n in range(1, 4):
        board.say(10 * n, INTERVAL_WH * n, at=back + 10 * n, boot=2)
    for n, (up_s, wh) in enumerate(dark if oldest_first else reversed(dark)):
        board.say(up_s, wh, dt_s=60, q=1000 + n, received=back + 31 + n // 20)
    for n in range(4, 8):
        board.say(10 * n, INTERVAL_WH * n, at=back + 100 + 10 * n, boot=2)
    assert board.total_wh() == dark[-1][1] + 7 * INTERVAL_WH
    assert quarantine.found(board.db, 0, 2**40) == []
    check_books(board.db)


def test_a_backlog_without_a_reboot_loses_no_energy_in_its_own_order(board: Board) -> None:
    heat(board, 5)
    for n in range(1, 600):
        up_s = 50 + 60 * n
        board.say(up_s, up_s * RATED_W // 3600, dt_s=60, received=T0 + 50 + 600 * 60 + n // 20)
    assert board.total_wh() == (50 + 60 * 599) * RATED_W // 3600
    assert quarantine.found(board.db, 0, 2**40) == []


def test_a_board_that_was_dark_before_its_first_contact_is_booked_whole(board: Board) -> None:
    """Its hello says how long it has run; what it has counted since comes in its own order."""
    board.up_s = 600 * 60
    for n in range(1, 600):
        board.say(60 * n, n * 1000, dt_s=60, received=T0 + 600 * 60 + n // 20)
    assert board.total_wh() == 599_000
    assert quarantine.found(board.db, 0, 2**40) == []


def test_totals_of_all_ticks_come_right_after_a_late_tail(board: Board) -> None:
    """A late record of an earlier boot moves more ticks than one commit recomputes; the next commits go on."""
    board.say(10, 100)
    board.hello_boot = 2
    ahead = 10 * late.REPLAY_MAX
    for n in range(1, ahead):
        board.say(10 * n, 10 * n, at=T0 + 1000 + 10 * n, boot=2)
    board.say(70, 1100, dt_s=60, received=T0 + 1000 + 10 * ahead)
    board.say(100, 1500, dt_s=30, received=T0 + 1000 + 10 * ahead)
    assert board.total_wh() == 1500 + 10 * (ahead - 1)
    for n in range(ahead, ahead + 12):
        board.say(10 * n, 10 * n, at=T0 + 1000 + 10 * n, boot=2)
    assert late.boards_left(board.db) == []
    running = 0
    for tick in telemetry.ticks(board.db, 0, 2**40):
        running += tick.zones[0].delta_wh
        assert tick.zones[0].meter.total_wh == running
    assert running == board.total_wh()
    check_books(board.db)


@pytest.mark.parametrize("seed", range(6))
def test_any_order_books_the_same_under_bounds(place_named: Callable[[str], Place], seed: int) -> None:
    """Records with rising, spiking and falling counters, shuffled: the same ticks as in their own order."""
    rng = random.Random(seed)
    records, counter, up_s = [], 0, 0
    for n in range(30):
        up_s += 10
        counter = max(0, counter + rng.choice([0, 100, 167, 184, 5_000, -200, -counter]))
        records.append((up_s, counter, rng.choice([0, RATED_W]), n))
    held = []
    for shuffled in (False, True):
        connection = connect_hasty(place_named(f"{shuffled}.db"))
        database.migrate(connection)
        board = Board(connection)
        board.up_s = 300
        order = rng.sample(records, len(records)) if shuffled else records
        for up_s, wh, power_w, q in order:
            board.say(up_s, wh, power_w=power_w, q=q, received=T0 + 300)
        check_books(connection)
        held.append([(tick.q, tick.zones) for tick in telemetry.ticks(connection, 0, 2**40)])
        connection.close()
    assert held[0] == held[1]


def test_rollups_go_back_some_days_at_most(board: Board) -> None:
    """Records believed as they are, as from before the bounds: a gap of three centuries is written as its last days."""
    frames = [
        Telemetry(1, q, 0, up_s, 10, 0, (ZoneSample("z01", 0, 0, 0, 0, 0, wh, 0, 4, 0),))
        for q, (up_s, wh) in enumerate([(10, 0), (10**10, 10**6)])
    ]
    for frame in frames:
        telemetry.commit(board.db, None, "b01", frame, T0 + 10 * frame.q, T0 + 10 * frame.q, None)
    assert board.db.execute("SELECT count(*) FROM zone_1h").fetchone()[0] <= rollup.SPREAD_MAX_S / 3600 + 2
    assert board.total_wh() == 10**6
