"""Faults that meters have: what the counter shows beyond what power explains is in quarantine, not in the record."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from supervisor.store import database, quarantine, telemetry
from supervisor.store.meter import BOUNCE_S
from supervisor.store.tests.test_store_trust import INTERVAL_WH, MOST_WH, RATED_W, T0, Board, check_books, heat
from supervisor.store.tick import EXCESS_QUARANTINED
from supervisor.wire.reports import Damaged, decode_report

SPARE_WH = 37  # two seconds at rated power and its tolerance


@pytest.fixture
def board(tmp_path: Path) -> Board:
    connection = database.connect(tmp_path / "t.db")
    connection.execute("PRAGMA synchronous = OFF")
    database.migrate(connection)
    return Board(connection)


def aside_wh(db: sqlite3.Connection) -> int:
    return sum(row.excess_wh for row in quarantine.found(db, 0, 2**40))


@pytest.mark.parametrize("power_w", [RATED_W, 0])
@pytest.mark.parametrize("records", [1, 3, BOUNCE_S // 10 - 1])
def test_a_bounce_to_zero_adds_the_true_difference_whatever_power_it_shows(
    board: Board, records: int, power_w: int
) -> None:
    """29,470 → 0 → 29,637: a meter that does not answer shows neither its counter nor, perhaps, the power."""
    up_s = heat(board, 177)
    for n in range(1, records + 1):
        board.say(up_s + 10 * n, 0, power_w=power_w)
    back_s = up_s + 10 * (records + 1)
    board.say(back_s, back_s * RATED_W // 3600)
    assert board.total_wh() == back_s * RATED_W // 3600
    assert aside_wh(board.db) == 0
    check_books(board.db)


def test_a_counter_that_is_zero_for_long_books_nothing_for_the_time_that_no_power_was_measured(board: Board) -> None:
    up_s = heat(board, 100)
    before_wh = board.total_wh()
    for n in range(1, 360):
        board.say(up_s + 10 * n, 0, power_w=0)
    board.say(up_s + 3600, before_wh + 60_000, power_w=0)
    assert board.total_wh() <= before_wh + SPARE_WH
    assert aside_wh(board.db) >= 60_000 - SPARE_WH
    check_books(board.db)


def test_a_spike_of_an_all_ones_frame_leaves_nothing_behind(board: Board) -> None:
    """+20,480 Wh in 10 s on a 60 kW cable, then the true value."""
    up_s = heat(board, 50)
    board.say(up_s + 10, (up_s + 10) * RATED_W // 3600 + 20_480)
    *_, spiked = telemetry.ticks(board.db, 0, 2**40)
    assert spiked.zones[0].delta_wh <= MOST_WH
    assert spiked.zones[0].quality & EXCESS_QUARANTINED
    for n in range(2, 10):
        board.say(up_s + 10 * n, (up_s + 10 * n) * RATED_W // 3600)
    assert board.total_wh() == (up_s + 90) * RATED_W // 3600
    assert 20_480 - MOST_WH <= aside_wh(board.db) <= 20_480
    check_books(board.db)


def test_a_counter_that_rises_while_no_power_is_measured_is_not_booked(board: Board) -> None:
    """The contactor is open. What a welded contactor lets through is measured as power, and is booked."""
    up_s = heat(board, 50)
    true_wh = board.total_wh()
    for n in range(1, 361):
        board.say(up_s + 10 * n, true_wh + 150 * n, power_w=0)
    assert board.total_wh() <= true_wh + SPARE_WH
    assert board.total_wh() + aside_wh(board.db) == true_wh + 150 * 360
    for n in range(361, 721):
        board.say(up_s + 10 * n, true_wh + 150 * n, power_w=54_000)
    assert board.total_wh() == pytest.approx(true_wh + 150 * 360, abs=SPARE_WH)
    check_books(board.db)


@pytest.mark.parametrize("power_w", [1, 500, 2_000, 33_333, RATED_W])
def test_any_true_power_is_booked_whole(board: Board, power_w: int) -> None:
    """Mean power is rounded down to watts and the counter to watt-hours, independently."""
    for n in range(1, 2_000):
        board.say(10 * n, 10 * n * power_w // 3600, power_w=power_w)
    assert board.total_wh() == 19_990 * power_w // 3600
    assert aside_wh(board.db) == 0


def test_a_cable_that_is_switched_within_the_interval_is_booked_whole(board: Board) -> None:
    """On for 1 to 9 s of each record, the uptime a second late or early now and then."""
    watt_s = 0
    for n in range(1, 3_000):
        on_s = n * 7 % 10
        watt_s += on_s * RATED_W
        board.say(10 * n + (n % 3 == 0), watt_s // 3600, power_w=on_s * RATED_W // 10, at=T0 + 10 * n)
    assert board.total_wh() == watt_s // 3600
    assert aside_wh(board.db) == 0


@pytest.mark.parametrize("first_wh", [0, 5, 12_000, 900_000, 2**32 - 1_000_000])
def test_a_meter_that_was_replaced_goes_on_from_its_own_reading(board: Board, first_wh: int) -> None:
    """In the middle of a boot, whatever the new meter has counted before."""
    up_s = heat(board, 300)
    before_wh = board.total_wh()
    for n in range(1, 600):
        board.say(up_s + 10 * n, first_wh + 10 * n * RATED_W // 3600)
    assert board.total_wh() == pytest.approx(before_wh + 5990 * RATED_W // 3600, abs=2 * MOST_WH)
    check_books(board.db)


@pytest.mark.parametrize("modulus", [2**16, 100_000, 2**32])
def test_a_counter_that_wraps_goes_on(board: Board, modulus: int) -> None:
    start_wh = modulus - 20_000
    board.say(10_000, start_wh, power_w=0)
    for n in range(1, 400):
        board.say(10_000 + 10 * n, (start_wh + 10 * n * RATED_W // 3600) % modulus)
    assert board.total_wh() == pytest.approx(3990 * RATED_W // 3600, abs=INTERVAL_WH)
    assert aside_wh(board.db) == 0
    check_books(board.db)


def test_a_jump_after_hours_offline_is_booked_up_to_the_cable(board: Board) -> None:
    up_s = heat(board, 50)
    before_wh, dark_s = board.total_wh(), 3 * 3600
    board.say(up_s + dark_s, before_wh + 5_000_000, power_w=0)
    assert board.total_wh() <= before_wh + 1.1 * RATED_W * dark_s / 3600 + SPARE_WH
    assert board.total_wh() + aside_wh(board.db) == before_wh + 5_000_000
    check_books(board.db)


def test_the_journal_of_the_dark_hours_takes_back_what_no_power_explains(board: Board) -> None:
    """The cable was off all the time, says the journal; the counter had jumped once."""
    up_s = heat(board, 50)
    before_wh = board.total_wh()
    board.say(up_s + 3600, before_wh + 50_000, power_w=0)
    for minute in range(1, 60):
        wh = before_wh + (50_000 if minute >= 30 else 0)
        board.say(up_s + 60 * minute, wh, power_w=0, dt_s=60, q=1000 + minute, received=T0 + up_s + 3605)
    assert board.total_wh() <= before_wh + SPARE_WH
    assert board.total_wh() + aside_wh(board.db) == before_wh + 50_000
    check_books(board.db)


@pytest.mark.parametrize("counter", ["-5", "4294967296", "1e99", "1.5", '"7"', "null", "NaN"])
def test_a_counter_that_is_no_count_is_not_kept(counter: str) -> None:
    zone = f'["z01",1250,9000,300,10,60000,{counter},500,4,0]'
    frame = f'{{"t":"tel","boot":1,"q":7,"utc":0,"up":100,"dt":10,"bad":0,"z":[{zone}]}}'.encode()
    try:
        found = decode_report(frame)
    except msgspec.MsgspecError:  # not JSON at all: the session ends
        assert counter == "NaN"
        return
    assert isinstance(found, Damaged)
    assert found.kept is None or not found.kept.z
