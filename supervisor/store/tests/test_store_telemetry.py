"""Telemetry is kept exactly once, and energy is right in whatever order it comes."""

from __future__ import annotations

import random
import sqlite3
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.store import database, rollup, spool, telemetry
from supervisor.store.labels import Labels
from supervisor.store.place import Place
from supervisor.store.tests.hasty import connect_hasty
from supervisor.wire.messages import NO_READING_MC, Flag, Telemetry, ZoneSample

T0 = 1_700_000_000
POWER_W = 60_000


def sample(zone: str, dev_wh: int, power_w: int = POWER_W, flags: int = 0) -> ZoneSample:
    return ZoneSample(zone, 1250, 9000, 300, 10, power_w, dev_wh, 500, 4, flags)


def frame(boot: int, q: int, up_s: int, dt_s: int, *zones: ZoneSample) -> Telemetry:
    return Telemetry(boot=boot, q=q, utc=0, up=up_s, dt=dt_s, bad=0, z=zones)


@pytest.fixture
def db(place: Place) -> sqlite3.Connection:
    connection = database.connect(place)
    database.migrate(connection)
    return connection


def commit(db: sqlite3.Connection, tel: Telemetry, start_utc_s: int, board: str = "b01") -> bool:
    db.execute("BEGIN")
    kept = telemetry.commit(db, Labels("seongbuk"), board, tel, start_utc_s + tel.dt, start_utc_s, -3.5)
    db.execute("COMMIT")
    return kept


def deltas(db: sqlite3.Connection, zone: str) -> list[int]:
    return [
        found.delta_wh for tick in telemetry.ticks(db, 0, 2**40) for found in tick.zones if found.sample.zone == zone
    ]


def points(db: sqlite3.Connection) -> dict[tuple[str, int], dict[str, float]]:
    """What InfluxDB would hold of the zones: the last line of each series and stamp."""
    held: dict[tuple[str, int], dict[str, float]] = {}
    for (lines,) in db.execute("SELECT lines FROM spool ORDER BY id"):
        for line in lines.split("\n"):
            if line.startswith("event,"):
                continue
            series, fields, stamp = line.split(" ")
            held[series, int(stamp)] = {
                name: float(value.rstrip("i")) for name, value in (field.split("=") for field in fields.split(","))
            }
    return held


def check_books(db: sqlite3.Connection) -> None:
    """Sum of deltas = movement of the totals, in the ticks, the hours and the points alike."""
    totals = telemetry.zone_totals(db)
    hours = dict(db.execute("SELECT zone, sum(wh0 + wh1 + wh2 + wh3) FROM zone_1h GROUP BY zone").fetchall())
    assert hours == totals
    by_zone: dict[str, list[tuple[int, dict[str, float]]]] = defaultdict(list)
    for (series, stamp), fields in points(db).items():
        by_zone[series.split("zone=")[1].split(",")[0]].append((stamp, fields))
    for zone, total in totals.items():
        assert sum(deltas(db, zone)) == total
        history = [fields for _, fields in sorted(by_zone[zone], key=lambda point: point[0])]
        assert sum(fields["delta_wh"] for fields in history) == total
        running = 0.0
        for fields in history:
            running += fields["delta_wh"]
            assert fields["total_wh"] == running
            assert fields["delta_wh"] >= 0


def test_a_frame_is_kept_once(db: sqlite3.Connection) -> None:
    tel = frame(1, 1, 10, 10, sample("z01", 160), sample("z02", 0))
    assert commit(db, tel, T0)
    assert not commit(db, tel, T0)
    assert not commit(db, tel, T0 + 7)  # the caller worked out another time: the same frame all the same
    assert telemetry.zone_totals(db) == {"z01": 160, "z02": 0}
    check_books(db)


def test_a_long_record_does_not_slow_a_commit(tmp_path: Path) -> None:
    db = connect_hasty(tmp_path / "t.db")
    database.migrate(db)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def cost(q: int) -> int:
        nonlocal steps
        steps = 0
        db.set_progress_handler(count, 1)  # each instruction of SQLite's machine
        commit(db, frame(1, q, 10 * q, 10, sample("z01", 160 * q)), T0 + 10 * q)
        db.set_progress_handler(None, 1)
        return steps

    for q in range(1, 10):
        commit(db, frame(1, q, 10 * q, 10, sample("z01", 160 * q)), T0 + 10 * q)
    early = cost(10)
    for q in range(11, 500):
        commit(db, frame(1, q, 10 * q, 10, sample("z01", 160 * q)), T0 + 10 * q)
    assert cost(500) < 1.5 * early


def test_the_line_is_as_the_schema_says(db: sqlite3.Connection) -> None:
    commit(db, frame(1, 1, 10, 10, sample("z01", 160), sample("z02", 5, flags=Flag.SENSOR_IMPLAUSIBLE)), T0)
    lines = spool.batch(db, 10)
    assert lines is not None
    assert lines.lines.split("\n") == [
        "zone,site=seongbuk,zone=z01,ctl=b01 power_w=60000,delta_wh=160i,total_wh=160i,dev_wh=160i,"
        f"surf_c=1.25,air_c=-3.5,duty=0.5,q=0i {T0}",
        "zone,site=seongbuk,zone=z02,ctl=b01 power_w=60000,delta_wh=5i,total_wh=5i,dev_wh=5i,"
        f"air_c=-3.5,duty=0.5,q=2i {T0}",
    ]


def test_a_temperature_that_is_not_known_is_no_field_and_no_minimum(db: sqlite3.Connection) -> None:
    unknown = ZoneSample("z01", NO_READING_MC, NO_READING_MC, -1, 10, POWER_W, 160, 500, 5, 0)
    commit(db, frame(1, 1, 10, 10, unknown), T0)
    commit(db, frame(1, 2, 20, 10, sample("z01", 320)), T0 + 10)
    assert ["surf_c" in fields for _, fields in sorted(points(db).items())] == [False, True]
    assert db.execute("SELECT surface_min_mc, surface_mc_s, surface_s FROM zone_1h").fetchall() == [(1250, 12500, 10)]


def test_two_records_of_one_second_stay_two_points(db: sqlite3.Connection) -> None:
    commit(db, frame(1, 1, 10, 10, sample("z01", 100)), T0)
    commit(db, frame(1, 2, 60, 60, sample("z01", 900)), T0)
    assert {stamp for _, stamp in points(db)} == {T0, T0 + 1}
    check_books(db)


def test_a_bounce_to_zero_adds_nothing(db: sqlite3.Connection) -> None:
    """Differences of the raw counter gave 1,323 for 240 kWh."""
    readings = [239_000, 239_500, 0, 0, 0, 240_000, 240_100]
    for n, dev_wh in enumerate(readings):
        commit(db, frame(1, n + 1, 10 * (n + 1), 10, sample("z01", dev_wh)), T0 + 10 * n)
    assert telemetry.zone_totals(db) == {"z01": 240_100}
    check_books(db)


def test_a_reset_goes_on_counting(db: sqlite3.Connection) -> None:
    for n, dev_wh in enumerate([100, 260, 420, 30, 190, 350, 510, 670]):
        commit(db, frame(1, n + 1, 10 * (n + 1), 10, sample("z01", dev_wh)), T0 + 10 * n)
    assert telemetry.zone_totals(db) == {"z01": 420 + 670}
    check_books(db)


def test_a_board_that_ran_before_the_record_began_is_not_counted_for_it(db: sqlite3.Connection) -> None:
    commit(db, frame(3, 900, 9_000, 10, sample("z01", 50_000)), T0)
    commit(db, frame(3, 901, 9_010, 10, sample("z01", 50_160)), T0 + 10)
    assert telemetry.zone_totals(db) == {"z01": 167 + 160}
    commit(db, frame(3, 899, 8_990, 10, sample("z01", 49_833)), T0 - 10)  # from the journal
    assert telemetry.zone_totals(db) == {"z01": 167 + 167 + 160}
    check_books(db)


def test_a_tail_of_the_last_boot_lifts_every_later_total(db: sqlite3.Connection) -> None:
    commit(db, frame(1, 1, 10, 10, sample("z01", 100)), T0)
    for n in range(5):
        commit(db, frame(2, n + 1, 10 * (n + 1), 10, sample("z01", 10 * (n + 1))), T0 + 1000 + 10 * n)
    for n in reversed(range(3)):
        commit(db, frame(1, n + 2, 70 + 60 * n, 60, sample("z01", 1100 + 1000 * n)), T0 + 10 + 60 * n)
    assert telemetry.zone_totals(db) == {"z01": 3100 + 50}
    assert deltas(db, "z01") == [100, 1000, 1000, 1000, 10, 10, 10, 10, 10]
    check_books(db)


def test_a_board_provisioned_anew_is_not_taken_for_a_replay(db: sqlite3.Connection) -> None:
    commit(db, frame(1, 1, 10, 10, sample("z01", 100)), T0)
    assert commit(db, frame(1, 1, 20, 10, sample("z01", 70)), T0 + 50_000)
    assert not commit(db, frame(1, 1, 10, 10, sample("z01", 100)), T0)
    assert telemetry.zone_totals(db) == {"z01": 170}
    check_books(db)


def test_a_zone_moved_to_another_board_goes_on(db: sqlite3.Connection) -> None:
    commit(db, frame(1, 1, 10, 10, sample("z01", 100)), T0)
    commit(db, frame(1, 1, 10, 10, sample("z01", 40)), T0 + 100, board="b02")
    assert telemetry.zone_totals(db) == {"z01": 140}
    check_books(db)


def test_pruned_ticks_do_not_come_back(db: sqlite3.Connection) -> None:
    tel = frame(1, 1, 10, 10, sample("z01", 100))
    commit(db, tel, T0)
    commit(db, frame(1, 2, 20, 10, sample("z01", 150)), T0 + 10)
    assert rollup.prune(db, T0 + 10) == 1
    assert not commit(db, tel, T0)
    assert telemetry.zone_totals(db) == {"z01": 150}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), boots=st.integers(1, 3), shuffle=st.floats(0, 1))
def test_any_order_with_duplicates_gives_the_same_record(
    tmp_path_factory: pytest.TempPathFactory, seed: int, boots: int, shuffle: float
) -> None:
    """A day of records, shuffled and repeated, books what the meters counted, interval by interval."""
    rng = random.Random(seed)
    records: list[tuple[Telemetry, int]] = []
    truth: dict[tuple[str, int], int] = {}
    start_utc_s = T0
    for boot in range(1, boots + 1):
        up_s = 0
        counters = {"z01": 0, "z02": 0}
        for q in range(1, rng.randint(2, 13)):
            dt_s = rng.choice([10, 60])
            up_s += dt_s
            zones = []
            for zone in counters:
                used_wh = rng.choice([0, 0, rng.randint(0, POWER_W * dt_s // 3600)])
                counters[zone] += used_wh
                truth[zone, start_utc_s] = used_wh
                zones.append(sample(zone, counters[zone], used_wh * 3600 // dt_s))
            records.append((frame(boot, q, up_s, dt_s, *zones), start_utc_s))
            start_utc_s += dt_s
        start_utc_s += rng.randint(30, 5000)  # dark until the next boot
    sent = records + rng.choices(records, k=len(records) // 2)
    if rng.random() < shuffle:
        rng.shuffle(sent)
    connection = database.connect(tmp_path_factory.mktemp("db") / "t.db")
    connection.execute("PRAGMA synchronous = OFF")
    database.migrate(connection)
    kept = sum(commit(connection, tel, start) for tel, start in sent)
    assert kept == len(records)
    held = {
        (zone.sample.zone, tick.start_utc_s): zone.delta_wh
        for tick in telemetry.ticks(connection, 0, 2**40)
        for zone in tick.zones
    }
    assert held == truth
    check_books(connection)
    connection.close()


@settings(max_examples=60, deadline=None)
@given(
    readings=st.lists(
        st.tuples(st.booleans(), st.integers(0, 3000), st.sampled_from([0, 1000, 60_000, 200_000])),
        min_size=1,
        max_size=25,
    ),
    order=st.randoms(use_true_random=False),
)
def test_garbage_from_a_meter_books_the_same_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    readings: list[tuple[bool, int, int]],
    order: random.Random,
) -> None:
    """Whatever a counter shows (resets, bounces, leaps, reboots), nothing falls, and late records change nothing."""
    records: list[tuple[Telemetry, int]] = []
    boot, up_s = 1, 0
    for n, (reboot, dev_wh, power_w) in enumerate(readings):
        if reboot and n % 5 == 4:
            boot, up_s = boot + 1, 0
        up_s += 10
        records.append((frame(boot, n, up_s, 10, sample("z01", dev_wh, power_w)), T0 + 10 * n))
    shuffled = records.copy()
    order.shuffle(shuffled)
    held = []
    for sent in (records, shuffled):
        connection = database.connect(tmp_path_factory.mktemp("db") / "t.db")
        connection.execute("PRAGMA synchronous = OFF")
        database.migrate(connection)
        for tel, start in sent:
            assert commit(connection, tel, start)
        check_books(connection)
        held.append([(tick.q, tick.zones) for tick in telemetry.ticks(connection, 0, 2**40)])
        head = connection.execute("SELECT q FROM meter").fetchone()
        assert head == (len(records) - 1,)
        connection.close()
    assert held[0] == held[1]
