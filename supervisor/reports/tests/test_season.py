"""A season for the app: its parts add up, peaks are billed as by the bill, what nobody knows is said."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from supervisor import config as configuration
from supervisor.config import Config, ReportsConfig
from supervisor.config.tests.examples import banded
from supervisor.domain.errors import CommandError, NotFoundError
from supervisor.energy.period import season_of
from supervisor.reports.desk import AGAIN_S, FRESH_S, EnergyDesk
from supervisor.reports.season import collect_season
from supervisor.reports.served import served
from supervisor.reports.storm import collect_storm
from supervisor.reports.tests.season_record import AFTER_H, AHEAD_H, HOUR_S, QUARTER, SEOUL, STORMS, fill, local
from supervisor.runtime.background import Background
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store, database
from supervisor.tariff.demand import Demand

NOW = local("2023-12-31T09:20")
SEASON = "2023-24"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "city.toml"
    path.write_text(banded())
    (tmp_path / "weather.csv").write_text("time_utc\n")
    return configuration.load(path)


@pytest.fixture
def db(config: Config) -> Any:
    config.state_dir.mkdir()
    connection = database.connect(config.state_dir / DATABASE_NAME)
    database.migrate(connection)
    connection.execute("BEGIN")  # one write to the disk
    fill(connection, config.zone, NOW)
    connection.commit()
    yield connection
    connection.close()


def test_parts_of_a_season_add_up(config: Config, db: sqlite3.Connection) -> None:
    found = collect_season(config, db, SEASON, NOW)
    total = found.total
    assert total.kwh > 0
    for parts in (found.months, found.zones, found.feeders):
        kwh = [getattr(part, "spent", part).kwh for part in parts]
        cost = [getattr(part, "spent", part).energy_cost for part in parts]
        assert (sum(kwh), sum(cost)) == (pytest.approx(total.kwh), pytest.approx(total.energy_cost))
    storms = [storm.spent for storm in found.storms]
    assert found.between is not None
    assert sum(one.kwh for one in (*storms, found.between)) == pytest.approx(total.kwh)
    assert sum(one.heated_h for one in (*storms, found.between)) == pytest.approx(total.heated_h)
    assert 0.98 < found.between.covered < 1.0
    assert all(month.spent.covered > 0.98 for month in found.months)  # days before the record are not missing
    months = [month.spent.heated_h for month in found.months]
    assert sum(months) == pytest.approx(total.heated_h) == pytest.approx(sum(zone.heated_h for zone in found.zones))
    assert found.base_cost == pytest.approx(sum(month.base_cost or 0 for month in found.months))
    assert found.base_cost == pytest.approx(sum(feeder.base_cost or 0 for feeder in found.feeders))
    assert (found.currency, found.seasons, found.notes) == ("KRW", [SEASON], [])


def test_storms_newest_first_with_what_people_asked_for(config: Config, db: sqlite3.Connection) -> None:
    found = collect_season(config, db, SEASON, NOW)
    assert [storm.onset_utc_s for storm in found.storms] == [begin for begin, *_ in reversed(STORMS)]
    newest, rainy = found.storms[0], found.storms[2]
    assert (newest.ongoing, rainy.ongoing, newest.rain, rainy.rain) == (False, False, False, True)
    boost_kwh = 2 * config.zone[0].power_w * QUARTER / 1000  # two hours of one road; OFF asks for no energy
    assert (newest.spent.by_hand_kwh, rainy.spent.by_hand_kwh) == (pytest.approx(boost_kwh), 0.0)
    full_kwh = sum(zone.power_w for zone in config.zone) / 1000 * (STORMS[-1][1] + AHEAD_H + AFTER_H)
    assert 0.8 * full_kwh < newest.spent.kwh < full_kwh
    during = collect_season(config, db, SEASON, STORMS[-1][0] + 10 * HOUR_S)
    assert during.storms[0].ongoing


def test_a_peak_is_billed_with_the_months_before_it(config: Config, db: sqlite3.Connection) -> None:
    rule = Demand(price_per_kw=1000.0, ratchet=1.0, months=(11,), least_of_contract=0.3)
    ratchet = msgspec.structs.replace(config.tariff, demand=rule)
    feeders = tuple(msgspec.structs.replace(one, demand_price_per_kw=0.0) for one in config.feeder)
    billed = msgspec.structs.replace(config, tariff=ratchet, feeder=feeders)
    db.execute("UPDATE zone_1h SET wh0 = wh0 / 2, wh1 = wh1 / 2, wh2 = wh2 / 2, wh3 = wh3 / 2 WHERE start_utc_s >= ?",
               (local("2023-12-01T00:00"),))  # fmt: skip
    found = {one.month: one for one in collect_season(billed, db, SEASON, NOW).months}
    assert found["2023-12"].billed_kw == pytest.approx(found["2023-11"].billed_kw)
    assert found["2023-12"].spent.peak_kw < 0.6 * found["2023-12"].billed_kw
    assert found["2023-12"].base_cost == pytest.approx(1000 * found["2023-12"].billed_kw)
    assert "2023-10" not in found  # before the record


def test_a_storm_by_quarters_forecast_and_plan_beside_it(config: Config, db: sqlite3.Connection) -> None:
    onset = STORMS[-1][0]
    found = collect_storm(config, db, onset)
    assert (found.from_utc_s, len(found.kw)) == (onset - 6 * HOUR_S, 4 * (20 + 12))
    power = sum(zone.power_w for zone in config.zone) / 1000
    assert found.planned_kw[4 * 5 - 1 : 4 * 5 + 1] == [0.0, pytest.approx(0.9 * power)]
    assert found.planned_kw[4 * 24] == 0.0  # standby: the board decides
    assert found.planned_kw[4 * 25] is None  # beyond the plan
    assert found.planned_kwh == pytest.approx(19 * 0.9 * power)
    assert (found.hazard_utc_s, found.probability) == (onset + HOUR_S, 0.7)
    assert [(one.stage, one.depth_cm) for one in found.stages] == [("one", 3.5), ("two", 8.0)]
    assert (found.snow_mm_h[4 * 6 - 1], found.snow_mm_h[4 * 6], found.snow_mm_h[4 * 26]) == (0.0, 0.9, 0.0)
    without = collect_storm(config, db, STORMS[0][0])
    assert (without.planned_kwh, without.hazard_utc_s, without.stages) == (None, None, [])
    with pytest.raises(NotFoundError):
        collect_storm(config, db, onset + 1)


def test_roads_that_were_late_by_the_ordinances_limit(config: Config, db: sqlite3.Connection) -> None:
    """The same storm with the heat that it got, and without any from its end on."""
    onset, end = STORMS[-2][0], STORMS[-2][0] + STORMS[-2][1] * HOUR_S
    heated = served(config, db, (onset, end), NOW)
    assert heated.ice_min is not None
    assert heated.longest_min is not None
    assert heated.late == ()
    db.execute("UPDATE zone_1h SET wh0 = 0, wh1 = 0, wh2 = 0, wh3 = 0 WHERE start_utc_s >= ? AND start_utc_s < ?",
               (onset - 12 * HOUR_S, end + 12 * HOUR_S))  # fmt: skip
    cold = served(config, db, (onset, end), NOW)
    assert cold.ice_min is not None
    assert cold.ice_min > heated.ice_min
    strict = msgspec.structs.replace(config, reports=ReportsConfig(clear_within_min=15))
    assert set(cold.late) <= set(served(strict, db, (onset, end), NOW).late)
    assert served(strict, db, (onset, end), NOW).limit_min == 15
    nothing = served(config, db, (local("2022-01-01T00:00"), local("2022-01-01T05:00")), NOW)
    assert (nothing.ice_min, nothing.why) == (None, nothing.why)
    assert nothing.why


@pytest.mark.parametrize(
    ("name", "message"), [("winter", "not a season"), ("2023-25", "not a season"), ("2031-32", "has not begun")]
)
def test_what_is_no_season_is_a_sentence(config: Config, db: sqlite3.Connection, name: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        collect_season(config, db, name, NOW)


def test_the_season_of_a_summer_is_the_one_that_ended() -> None:
    days = {"2024-01-05T00:00": "2023-24", "2024-07-01T00:00": "2023-24", "2024-10-01T00:00": "2024-25",
            "2099-12-31T00:00": "2099-00"}  # fmt: skip
    assert {day: season_of(local(day), SEOUL) for day in days} == days


async def test_a_season_is_worked_out_once_for_some_minutes_and_storms_beside_it(
    config: Config, db: sqlite3.Connection
) -> None:
    assert db
    clock = ManualClock(float(NOW))
    store = Store.open(config.state_dir / DATABASE_NAME, clock)
    replays: list[asyncio.Task[Any]] = []
    async with Background() as background:

        def spawn(work: Any, name: str) -> asyncio.Task[Any]:
            replays.append(background.spawn(work, name))
            return replays[-1]

        desk = EnergyDesk(config, store, clock, spawn, lambda: ThreadPoolExecutor(1))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):  # a phone whose connection is lost: the work goes on for the next
                await desk.season(None)
        first, second = await asyncio.gather(desk.season(None), desk.season(SEASON))
        assert first.energy is second.energy
        assert first.working
        await asyncio.gather(*replays)
        answer = await desk.season(None)
        assert [one.onset_utc_s for one in answer.served] == [storm.onset_utc_s for storm in answer.energy.storms]
        assert await desk.storm(STORMS[0][0]) is await desk.storm(STORMS[0][0])
        clock.advance(max(FRESH_S, AGAIN_S))
        again = await desk.season(None)
        assert again.energy is not first.energy
        assert again.working  # the newest storm is not a day old: late records may come
    await store.close()
