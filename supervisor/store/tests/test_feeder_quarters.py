"""Feeders in the record: which one supplied a zone when, its load by quarters of an hour, the billed peak so far."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from supervisor.runtime.clock import ManualClock
from supervisor.store import database, feeder_quarters, labels, rollup
from supervisor.store.feeder_quarters import Billing, Quarter
from supervisor.store.labels import Labels
from supervisor.store.place import Place
from supervisor.store.store import Store
from supervisor.store.upkeep import roll_up
from supervisor.tariff.demand import Demand
from supervisor.wire.messages import Telemetry, ZoneSample

SEOUL = ZoneInfo("Asia/Seoul")
NOVEMBER = int(datetime(2023, 11, 1, tzinfo=SEOUL).timestamp())
DAY_S = 86_400
RATCHET = Billing(Demand(ratchet=1.0, window_months=12, least_of_contract=0.3), {"f1": 100.0})
ZONES = {"z01": "f1", "z02": "f1", "z03": "f2"}


@pytest.fixture
def db(place: Place) -> Iterator[sqlite3.Connection]:
    connection = database.connect(place)
    database.migrate(connection)
    yield connection
    connection.close()


def book(db: sqlite3.Connection, zone: str, start_utc_s: int, energy_wh: int) -> None:
    rollup.book(db, zone, {start_utc_s: energy_wh})


def up(db: sqlite3.Connection, now_utc_s: int, billing: Billing = RATCHET) -> list[Quarter]:
    """What a roll-up writes."""
    known = labels.learn(db, "s", ZONES, NOVEMBER)
    changed, last = rollup.due(db, now_utc_s)
    found = feeder_quarters.bring_up(db, known, billing, SEOUL, changed, last)
    rollup.roll_up(db, None, SEOUL, now_utc_s)
    return found


def test_a_quarter_is_the_sum_of_its_feeders_zones(db: sqlite3.Connection) -> None:
    for zone, energy_wh in (("z01", 10_000), ("z02", 2_500), ("z03", 700)):
        book(db, zone, NOVEMBER + 900, energy_wh)
    up(db, NOVEMBER + DAY_S)
    first, second = (feeder_quarters.between(db, NOVEMBER + n * 900, NOVEMBER + (n + 1) * 900) for n in (0, 1))
    assert [(q.feeder, q.energy_wh, q.billed_kw) for q in first] == [("f1", 0, 30.0), ("f2", 0, 0.0)]
    assert [(q.feeder, q.energy_wh, q.billed_kw) for q in second] == [("f1", 12_500, 50.0), ("f2", 700, 2.8)]
    assert feeder_quarters.line("성북 1", second[0]) == (
        rf"feeder_15m,site=성북\ 1,feeder=f1 mean_kw=50.0,energy_wh=12500i,peak_kw=50.0,billed_kw=50.0 {NOVEMBER + 900}"
    )
    assert up(db, NOVEMBER + DAY_S) == []


def test_an_earlier_months_peak_is_billed_on_and_hours_that_do_not_count_set_none(db: sqlite3.Connection) -> None:
    by_day = Billing(RATCHET.demand, {}, lambda start, n: (start + 900 * np.arange(n) + 9 * 3600) % DAY_S >= 8 * 3600)
    december = NOVEMBER + 30 * DAY_S
    book(db, "z01", NOVEMBER + 12 * 3600, 20_000)
    book(db, "z01", NOVEMBER + 2 * 3600, 90_000)  # at night: no peak is billed
    book(db, "z01", december + 12 * 3600, 5_000)
    up(db, december + DAY_S, by_day)
    [at_night] = [q for q in feeder_quarters.between(db, NOVEMBER + 7200, NOVEMBER + 7201) if q.feeder == "f1"]
    [later] = [q for q in feeder_quarters.between(db, december + 43_200, december + 43_201) if q.feeder == "f1"]
    assert (at_night.energy_wh, at_night.billed_kw) == (90_000, 0.0)
    assert (later.peak_wh, later.billed_kw) == (5_000, 80.0)


@pytest.mark.parametrize("seed", range(4))
def test_what_comes_late_ends_as_if_it_had_come_in_order(place_named: Callable[[str], Place], seed: int) -> None:
    """Any order of bookings and roll-ups gives the table of one roll-up over all of them, and writes what moved."""
    rng = random.Random(seed)
    bookings = [
        (rng.choice(("z01", "z02", "z03")), NOVEMBER + 900 * rng.randrange(100 * 96), rng.randrange(1, 20_000))
        for _ in range(120)
    ]
    end = NOVEMBER + 101 * DAY_S
    tables, written = [], {}
    for name, steps in (("once", 1), ("often", 12)):
        db = database.connect(place_named(f"{name}.db"))
        database.migrate(db)
        book(db, "z01", NOVEMBER, 1)
        for n in range(steps):
            for one in bookings[n::steps]:
                book(db, *one)
            for quarter in up(db, end):
                written[name, quarter.feeder, quarter.start_utc_s] = quarter
            for _ in range(5):  # an older record is taken up a month at a time
                for quarter in up(db, end):
                    written[name, quarter.feeder, quarter.start_utc_s] = quarter
        tables.append(feeder_quarters.between(db, 0, 2**40))
        assert sorted(tables[-1], key=repr) == sorted((q for key, q in written.items() if key[0] == name), key=repr)
        db.close()
    assert len(tables[0]) > 150
    assert tables[0] == tables[1]


def test_quarters_are_kept_five_years(db: sqlite3.Connection) -> None:
    book(db, "z01", NOVEMBER, 1)
    up(db, NOVEMBER + DAY_S)
    feeder_quarters.prune(db, NOVEMBER + 5 * 365 * DAY_S)
    assert feeder_quarters.between(db, 0, 2**40)
    feeder_quarters.prune(db, NOVEMBER + 6 * 366 * DAY_S)
    assert not feeder_quarters.between(db, 0, 2**40)


def test_a_point_written_again_keeps_the_feeder_it_had(db: sqlite3.Connection) -> None:
    assert labels.learn(db, "s", {"z01": "f1"}, 1000).feeder("z01", 5) == "f1"  # nothing is recorded: always
    db.execute("INSERT INTO zone_total VALUES ('z01', 1), ('z09', 1)")
    known = labels.learn(db, "s", {"z01": "f2", "z09": "f1"}, 2000)
    assert [known.feeder("z01", at) for at in (0, 1999, 2000)] == ["f1", "f1", "f2"]
    assert [known.feeder("z09", at) for at in (1999, 2000)] == ["", "f1"]  # its points had no such tag
    assert known.supplier("z09", 5) == "f1"
    assert known.feeder("z10", 5) == known.supplier("z10", 5) == ""
    assert labels.learn(db, "s", {"z01": "f2", "z09": "f1"}, 3000) == known == labels.read(db, "s")


async def test_the_points_of_a_moved_zone_name_its_new_feeder(place: Place) -> None:
    clock = ManualClock(NOVEMBER)
    store = Store.open(place, clock, site="s", timezone="Asia/Seoul", spool_cap_bytes=2**20)
    for n, feeder in enumerate(("f1", "f2")):
        await store.spool.supplied_by({"z01": feeder})
        clock.advance(60)
        sample = ZoneSample("z01", 1000, 5000, 0, 10, 60_000, 160 * (n + 1), 1000, 4, 0)
        frame = Telemetry(1, n + 1, 0, 10 * (n + 1), 10, 0, (sample,))
        await store.telemetry.commit("b01", frame, clock.utc_s(), clock.utc_s() - 10)
    batch = await store.spool.batch(100)
    assert batch is not None
    assert [line.split(" ")[0] for line in batch.lines.split("\n")] == [
        f"zone,site=s,zone=z01,feeder={feeder},ctl=b01" for feeder in ("f1", "f2")
    ]
    await store.close()


def test_a_roll_up_spools_the_quarters_where_there_is_a_database(db: sqlite3.Connection) -> None:
    book(db, "z01", NOVEMBER, 250)
    known = labels.learn(db, "s", ZONES, NOVEMBER)
    roll_up(db, known, Billing(), SEOUL, NOVEMBER + DAY_S, spooled=True)
    lines = "\n".join(text for (text,) in db.execute("SELECT lines FROM spool"))
    assert "feeder_15m,site=s,feeder=f1 mean_kw=1.0,energy_wh=250i,peak_kw=1.0,billed_kw=1.0" in lines
    assert isinstance(known, Labels)
