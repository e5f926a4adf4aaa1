"""Local days in zones whose midnight lies within an hour of UTC, or that skip or repeat it: rollup, report, tariff."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from supervisor.domain.plan import SLOT_S
from supervisor.energy import tables
from supervisor.energy.period import local_time
from supervisor.energy.tests.gathering import gather
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store
from supervisor.store.rollup import local_day
from supervisor.store.tests.hours import HourEnergy
from supervisor.tariff.bands import Band, BandTariff

ZONES = (
    "Asia/Seoul", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Chatham",
    "Europe/Tallinn", "America/Santiago", "Atlantic/Azores", "America/Havana", "Asia/Beirut", "Africa/Cairo",
)  # fmt: skip
HOUR_S = 3600
CHANGES = (  # zone, local day on which the clocks change, its hours
    ("Australia/Lord_Howe", "2026-04-05", 24.5),
    ("Australia/Lord_Howe", "2026-10-04", 23.5),
    ("America/St_Johns", "2026-03-08", 23.0),
    ("Europe/Tallinn", "2026-10-25", 25.0),
    ("Asia/Kathmandu", "2026-02-01", 24.0),
    ("Asia/Kolkata", "2026-02-01", 24.0),
)


@pytest.mark.parametrize("name", ZONES)
def test_local_days_follow_one_another_without_a_gap_and_hold_their_own_quarters(name: str) -> None:
    zone = ZoneInfo(name)
    utc_s = local_day(int(datetime(2025, 1, 1, 12, tzinfo=zone).timestamp()), zone)[1]
    for n in range(730):
        text, start, end = local_day(utc_s, zone)
        assert start == utc_s == local_time(text, zone)
        assert text == (date(2025, 1, 1) + timedelta(days=n)).isoformat()
        assert (end - start) / HOUR_S in (23, 23.5, 24, 24.5, 25)
        for quarter in (start, end - SLOT_S):
            assert datetime.fromtimestamp(quarter, zone).date().isoformat() == text
            assert local_day(quarter, zone) == (text, start, end)
        utc_s = end


@pytest.mark.parametrize(("name", "day", "hours"), CHANGES)
async def test_a_day_of_the_rollup_is_that_of_the_report(tmp_path: Path, name: str, day: str, hours: float) -> None:
    """No two quarters have the same energy, so that none can stand for another."""
    zone = ZoneInfo(name)
    first = local_time(day, zone) // HOUR_S * HOUR_S - 30 * HOUR_S
    rows = [
        HourEnergy(first + n * HOUR_S, "z01", (4 * n, 4 * n + 1, 4 * n + 2, 4 * n + 3), 1800, 3600) for n in range(90)
    ]
    clock = ManualClock(first + 100 * HOUR_S)
    store = Store.open(tmp_path / DATABASE_NAME, clock, site="s", timezone=name, spool_cap_bytes=2**20)
    await store.write(
        lambda db: db.executemany(
            "INSERT INTO zone_1h VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, NULL, 1)",
            [(row.start_utc_s, row.zone, *row.quarters_wh, row.on_s, row.covered_s) for row in rows],
        )
    )
    await store.upkeep.roll_up()
    found = await store.read(
        lambda db: db.execute("SELECT day, energy_wh, covered_s FROM zone_1d ORDER BY day").fetchall()
    )
    await store.close()
    record = gather(rows, first, first + 90 * HOUR_S)
    reported = {row.what: row.kwh for row in tables.report(record, "day", zone)}
    assert {text: energy_wh / 1000 for text, energy_wh, _ in found} == {
        text: kwh for text, kwh in reported.items() if text != "all"
    }
    assert {text: covered for text, _, covered in found}[day] == hours * HOUR_S
    assert sum(covered for _, _, covered in found) == 90 * HOUR_S


@pytest.mark.parametrize(("name", "day", "hours"), CHANGES)
def test_the_hours_of_a_tariff_are_local_on_such_days(name: str, day: str, hours: float) -> None:
    zone = ZoneInfo(name)
    tariff = BandTariff((Band("night", 50.0, ("22-08",)), Band("day", 150.0, ("08-22",))), name)
    start = local_time(day, zone)
    prices = tariff.prices(start, int(hours * 4))
    night = [datetime.fromtimestamp(start + n * SLOT_S, zone).hour in (*range(8), 22, 23) for n in range(len(prices))]
    assert prices.tolist() == [50.0 if dark else 150.0 for dark in night]
    assert (prices == 150.0).sum() == 14 * 4  # the clocks change at night
