"""A real InfluxDB 1.6 holds exactly what the store holds, whatever happens to it on the way."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from supervisor.energy.endpoint import Target, connect
from supervisor.energy.shipper import ALARM_DEAD, ALARM_HELD, HOLD_S, Shipper
from supervisor.energy.tests.spooling import Standing
from supervisor.store import DATABASE_NAME, SPOOL_CAP_BYTES, Store
from tools import skipping
from tools.bench.telemetry_load import DT_S, T0_UTC_S, Load
from tools.servers import Influxd

pytestmark = pytest.mark.influx

LOAD = Load(boards=4, zones=3)


standing = Standing()


@asynccontextmanager
async def opened(folder: Path, influxd: Influxd, database: str) -> AsyncIterator[tuple[Store, Shipper]]:
    """A store and its shipper on virtual time."""
    clock = skipping.LoopClock(T0_UTC_S)
    store = Store.open(folder / DATABASE_NAME, clock, site="seongbuk", spool_cap_bytes=SPOOL_CAP_BYTES)
    standing.codes = set()
    endpoint = connect(Target(api="v1", url=influxd.url, database=database))
    try:
        yield store, Shipper(store.spool, endpoint, clock, standing.set, random.Random(1))
    finally:
        await endpoint.close()
        await store.close()


async def check_equal(store: Store, influxd: Influxd, database: str) -> None:
    """Sums of delta_wh, last totals and the number of points, to the Wh."""
    totals = await store.telemetry.zone_totals()
    assert influxd.sums(database) == totals
    last = influxd.query('SELECT last("total_wh") FROM "zone" GROUP BY "zone"', database)
    assert {found["tags"]["zone"]: found["values"][0][1] for found in last} == totals
    ticks = await store.read(lambda db: db.execute("SELECT count(*) FROM tick").fetchone()[0])
    counted = influxd.query('SELECT count("q") FROM "zone"', database)[0]["values"][0][1]
    assert counted == ticks * LOAD.zones


def test_ten_minutes_without_influxdb_lose_nothing(influxd: Influxd, database: str, tmp_path: Path) -> None:
    """Half an hour of telemetry; SIGKILL for influxd after 5 min, back after 15; boards 2 and 3 dark meanwhile."""

    async def main() -> None:
        async with opened(tmp_path, influxd, database) as (store, shipper):
            shipping = asyncio.create_task(shipper.run())
            away = range(30, 90)
            recovered_s = None
            for q in range(1, 181):
                if q == away.start:
                    influxd.kill()
                if q == away.stop:
                    influxd.start()
                    recovered_s = asyncio.get_running_loop().time()
                    assert (await store.spool.state()).points == 60 * 2 * LOAD.zones
                dark = (2, 3) if q in away else ()
                await asyncio.gather(
                    *(LOAD.commit(store, board, q) for board in range(LOAD.boards) if board not in dark)
                )
                if q >= 120:  # the journals of the dark boards, newest first, one record for each live one
                    late = away.stop - 1 - (q - 120)
                    await asyncio.gather(*(LOAD.commit(store, board, late) for board in (2, 3)))
                await asyncio.sleep(DT_S)
                if q == away.stop + 2:
                    await asyncio.sleep(31 - 3 * DT_S)
                    delivered_utc_s = shipper.state.last_delivery_utc_s or 0.0
                    assert recovered_s is not None
                    assert delivered_utc_s > T0_UTC_S + recovered_s, "first delivery takes longer than 31 s"
            await asyncio.sleep(5)
            shipping.cancel()
            state = await store.spool.state()
            assert (state.points, state.dropped, state.dead) == (0, 0, 0)
            await check_equal(store, influxd, database)

    skipping.run(main())


def test_influxd_killed_again_and_again(influxd: Influxd, database: str, tmp_path: Path) -> None:
    """SIGKILL while batches are on their way: nothing lost, nothing extra."""

    async def main() -> None:
        async with opened(tmp_path, influxd, database) as (store, shipper):
            rng = random.Random(8)
            q = 0
            for _ in range(8):
                for _ in range(40):
                    q += 1
                    await asyncio.gather(*(LOAD.commit(store, board, q) for board in range(LOAD.boards)))
                shipping = asyncio.create_task(shipper.ship())
                for _ in range(rng.randint(1, 30)):
                    await asyncio.sleep(0)
                influxd.kill()
                await shipping
                influxd.start()
            assert await shipper.ship() == 0
            await check_equal(store, influxd, database)

    skipping.run(main())


def test_poison_lines_go_to_the_dead_letters_and_the_rest_arrives(
    influxd: Influxd, database: str, tmp_path: Path
) -> None:
    """A type conflict made by someone else's write, and a torn line: refused alone, with the server's text."""

    async def main() -> None:
        async with opened(tmp_path, influxd, database) as (store, shipper):
            poison = [
                "zone,site=seongbuk,zone=z0000,ctl=b00 delta_wh=1.5 1",
                "zone,site=seongbuk delta_wh=",
                "nonsense",
            ]
            await LOAD.commit(store, 0, 1)
            assert await shipper.ship() == 0
            for q in range(2, 60):
                await LOAD.commit(store, 0, q)
                if q % 20 == 0:
                    line = poison.pop()
                    await store.write(
                        lambda db, line=line: db.execute("INSERT INTO spool (points, lines) VALUES (1, ?)", (line,))
                    )
            assert await shipper.ship() == 0
            state = await store.spool.state()
            assert state.dead == shipper.state.dead_points == 2
            letters = await store.read(
                lambda db: db.execute("SELECT line, reason FROM dead_letter ORDER BY id").fetchall()
            )
            assert [line for line, _ in letters] == ["nonsense", "zone,site=seongbuk delta_wh="]
            assert all(reason.startswith("400 ") for _, reason in letters)
            assert standing.codes == {ALARM_DEAD}
            assert influxd.sums(database) == await store.telemetry.zone_totals()

    skipping.run(main())


def test_a_missing_database_is_held_until_somebody_makes_it(influxd: Influxd, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, influxd, "not_yet") as (store, shipper):
            await LOAD.commit(store, 0, 1)
            assert await shipper.ship() == HOLD_S
            assert "not_yet" in shipper.state.trouble
            assert standing.codes == {ALARM_HELD}
            influxd.create("not_yet")
            assert await shipper.ship() == 0
            assert standing.codes == set()
            assert influxd.sums("not_yet") == await store.telemetry.zone_totals()

    skipping.run(main())


def test_a_sample_is_queryable_within_two_seconds(influxd: Influxd, database: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, influxd, database) as (store, shipper):
            shipping = asyncio.create_task(shipper.run())
            await asyncio.sleep(60)
            for q in range(1, 6):
                await LOAD.commit(store, 0, q)
                await asyncio.sleep(1.9)
                assert influxd.sums(database) == await store.telemetry.zone_totals()
                await asyncio.sleep(DT_S - 1.9)
            shipping.cancel()

    skipping.run(main())


DOCUMENT = Path(__file__).parents[3] / "docs" / "energy.md"
QUERIES = re.findall(r"```sql\n(.*?)\n```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_queries_for_analysts_run_and_answer(influxd: Influxd, database: str, tmp_path: Path) -> None:
    """docs/energy.md, each against the record of a day with one board dark for an hour."""

    async def main() -> None:
        async with opened(tmp_path, influxd, database) as (store, shipper):
            await store.spool.supplied_by({sample.zone: f"f{b}" for b in range(4) for sample in LOAD.frame(b, 1).z})
            for q in range(1, 8 * 360, 6):
                dark = (0,) if 360 < q < 720 else ()
                await asyncio.gather(*(LOAD.commit(store, board, q) for board in range(4) if board not in dark))
            await store.events.append("storm", "", "snow")
            await asyncio.sleep(86_400)
            await store.upkeep.roll_up()
            assert await shipper.ship() == 0
            answers = {query: influxd.query(query, database) for query in QUERIES}
            assert len(answers) == 9
            assert all(answers.values()), [query for query, answer in answers.items() if not answer]
            totals = await store.telemetry.zone_totals()
            for query, series in answers.items():
                if 'sum("' in query and '"zone"' in query.split("GROUP BY")[1]:
                    sums = {found["tags"]["zone"]: sum(row[1] or 0 for row in found["values"]) for found in series}
                    assert sums == totals, query

    skipping.run(main())
