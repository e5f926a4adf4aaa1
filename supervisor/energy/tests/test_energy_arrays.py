"""The record read as arrays is the one that its hours, one by one, make."""

from __future__ import annotations

import random
import sqlite3
import time

import numpy as np
import pytest

from supervisor.domain.errors import CommandError
from supervisor.energy.record import read_record, read_sums
from supervisor.energy.tests.gathering import gather
from supervisor.store import database
from supervisor.store.energy import hour_starts
from supervisor.store.tests.hours import HourEnergy

T0 = 1_700_006_400  # a full hour


def stored(hours: list[HourEnergy]) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    database.migrate(db)
    db.executemany(
        "INSERT INTO zone_1h VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, NULL, 0)",
        [(hour.start_utc_s, hour.zone, *hour.quarters_wh, hour.on_s, hour.covered_s) for hour in hours],
    )
    return db


@pytest.mark.parametrize("shift_s", [0, 900, 1800, 2700])
def test_arrays_agree_with_hours_one_by_one(shift_s: int) -> None:
    """With holes, hours without some of the zones, values below zero, and ends within an hour."""
    rng = random.Random(shift_s)
    hours = [
        HourEnergy(
            T0 + n * 3600,
            zone,
            (rng.randrange(-50, 90_000), 2**31 - 1, rng.randrange(-50, 50), -1),
            rng.randrange(3601),
            rng.randrange(3601),
        )
        for n in range(-3, 60)
        for zone in ("z01", "z 02,한글", "z03")
        if rng.random() < 0.7
    ]
    start, end = T0 + shift_s, T0 + 48 * 3600 + shift_s
    record = read_record(stored(hours), start, end)
    expected = gather([one for one in hours if start - 3600 < one.start_utc_s < end], start, end)
    assert record.zones == expected.zones
    assert np.array_equal(record.wh, expected.wh)
    assert (record.on_s, record.covered_s) == (expected.on_s, expected.covered_s)
    sums = read_sums(stored(hours), start, end)
    assert np.array_equal(sums.wh, expected.wh.sum(axis=0, keepdims=True))
    assert (sums.zones, sums.on_s, sums.covered_s) == (record.zones, record.on_s, record.covered_s)


def test_the_sums_of_a_part_of_an_hour() -> None:
    hours = [HourEnergy(T0 + n * 3600, "z01", (1, 2, 3, 4), 400, 3600) for n in range(3)]
    for start, end in ((900, 2700), (900, 5400), (3600, 6300), (0, 3600)):
        sums, record = (read(stored(hours), T0 + start, T0 + end) for read in (read_sums, read_record))
        assert np.array_equal(sums.wh, record.wh), (start, end)
        assert (sums.on_s, sums.covered_s) == (record.on_s, record.covered_s), (start, end)


def test_a_record_without_hours_has_no_zones_and_a_reversed_period_is_refused() -> None:
    db = stored([])
    assert read_record(db, T0, T0 + 3600).zones == ()
    assert read_sums(db, T0, T0 + 3600).zones == ()
    assert hour_starts(db, 0, 2**40) is None
    with pytest.raises(CommandError, match="the period is empty"):
        read_record(db, T0 + 3600, T0)


def test_a_month_of_100_zones_is_read_in_a_fraction_of_a_second() -> None:
    """A thirteenth of the hours of a year; the bar of a year is 1 s (`roadheat bench energy` measures it)."""
    hours = [HourEnergy(T0 + n * 3600, f"z{zone:03}", (1, 2, 3, 4), 5, 6) for n in range(720) for zone in range(100)]
    db = stored(hours)
    before = time.process_time()
    record = read_record(db, T0, T0 + 720 * 3600)
    assert time.process_time() - before < 0.3  # measured 0.05
    assert int(record.wh.sum()) == 720 * 100 * 10
