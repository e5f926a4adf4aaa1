"""Days without InfluxDB in `roadheat bench energy`: what waited drains while a district of 100 zones goes on."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from supervisor.domain.plan import Plan, Slot
from supervisor.energy.endpoint import Target, connect
from supervisor.energy.shipper import Shipper
from supervisor.runtime.clock import SystemClock
from supervisor.store import DATABASE_NAME, Store, spool
from supervisor.store.labels import Labels
from supervisor.store.meter import Meter
from supervisor.store.spool_cap import SPOOL_BYTES_PER_ZONE_DAY
from supervisor.store.tick import Tick, ZoneTick, tick_lines
from tools.bench.energy_page import beating
from tools.bench.telemetry_load import DT_S, T0_UTC_S, Load
from tools.servers import Influxd

LOAD: Final = Load(boards=10, zones=10)
ZONES: Final = tuple(sample.zone for board in range(LOAD.boards) for sample in LOAD.frame(board, 1).z)
DATABASE: Final = "outage"
PART_TICKS: Final = 10_000  # written to the spool in one transaction
COMMITS_EVERY_S: Final = 0.2  # all boards; really every 10 s
PLANS_EVERY_S: Final = 1.0  # of all zones; really every 5 min
SLOTS: Final = 144  # a quarter of an hour each


class Outage(NamedTuple):
    """What was measured while the spool drained."""

    points: int  # that waited
    spool_bytes: int
    drain_s: float
    dropped: int  # points over the cap of the spool
    lost: int  # points that waited, and that InfluxDB does not have afterwards
    commits_s: list[float]  # how long a commit of all boards took
    plans_s: list[float]  # how long it took to record the plans of all zones
    stalls_s: list[float]  # how late the event loop ran what was due


def _ticks(days: float) -> Iterator[str]:
    """The lines of each board's record of ten zones, a point every 10 s."""
    labels = Labels("seongbuk", dict.fromkeys(ZONES, ((0, "f1"),)))
    for q in range(1, round(days * 86_400 / DT_S) + 1):
        start_utc_s = T0_UTC_S + q * DT_S - DT_S
        for board in range(LOAD.boards):
            frame = LOAD.frame(board, q)
            zones = tuple(
                ZoneTick(sample, sample.power_w * DT_S // 3600, Meter(1, 0, 1, frame.up, 1, 1)) for sample in frame.z
            )
            tick = Tick(f"b{board:02}", 0, 1, frame.up, q, start_utc_s, DT_S, start_utc_s + DT_S, -2500, zones)
            yield tick_lines(labels, tick, zones)


async def _fill(store: Store, days: float) -> None:
    """Put days of points into the spool, as the service's commits do, many in one transaction."""
    ticks = _ticks(days)
    while part := list(islice(ticks, PART_TICKS)):

        def put(db: sqlite3.Connection, part: list[str] = part) -> None:
            for lines in part:
                spool.put(db, lines, LOAD.zones)

        await store.write(put)


def _plans(n: int) -> list[Plan]:
    """Plans of all zones; each heats at other times than the one before, which the record compares."""
    slots = tuple(Slot(900 * i, 2000, 1000 if (i + n) % 8 < 3 else 0) for i in range(SLOTS))
    at = T0_UTC_S + 300 * n
    return [Plan(zone=zone, issued_utc_s=at, start_utc_s=at, slots=slots) for zone in ZONES]


@asynccontextmanager
async def _again_and_again(work: Callable[[int], Awaitable[object]], every_s: float) -> AsyncIterator[list[float]]:
    """Do `work` every so often while the block runs; how long each time took [s]."""
    took_s: list[float] = []

    async def go() -> None:
        for n in range(1, 10**9):
            begun_s = time.perf_counter()
            await work(n)
            took_s.append(time.perf_counter() - begun_s)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(go())
    try:
        yield took_s
    finally:
        task.cancel()


async def drained(folder: Path, influxd: Influxd, days: float) -> Outage:
    """Fill a spool with days of 100 zones, then let InfluxDB come back while boards and planner go on."""
    influxd.create(DATABASE)
    cap_bytes = round(len(ZONES) * SPOOL_BYTES_PER_ZONE_DAY * max(days, 1.0))
    store = Store.open(folder / DATABASE_NAME, SystemClock(), site="seongbuk", spool_cap_bytes=cap_bytes)
    endpoint = connect(Target(api="v1", url=influxd.url, database=DATABASE, bucket="", org="", token=""))
    shipper = Shipper(store.spool, endpoint, SystemClock(), lambda *_: None)
    stalls_s: list[float] = []
    after = round(days * 86_400 / DT_S)  # the boards' records go on after those of the outage
    try:
        await _fill(store, days)
        dropped = await store.spool.enforce_cap()
        waited = await store.spool.state()

        async def commit(n: int) -> None:
            await asyncio.gather(*(LOAD.commit(store, board, after + n) for board in range(LOAD.boards)))

        async with (
            beating(stalls_s),
            _again_and_again(commit, COMMITS_EVERY_S) as commits_s,
            _again_and_again(lambda n: store.plans.save(_plans(n)), PLANS_EVERY_S) as plans_s,
        ):
            begun_s = time.perf_counter()
            while shipper.state.delivered_points < waited.points and not await shipper.ship():
                pass
            drain_s = time.perf_counter() - begun_s
        end_utc_s = T0_UTC_S + after * DT_S
        [held] = influxd.query(f'SELECT count("delta_wh") FROM "zone" WHERE time < {end_utc_s}s', DATABASE)
        lost = waited.points - int(held["values"][0][1])
    finally:
        await endpoint.close()
        await store.close()
    return Outage(waited.points, waited.spool_bytes, drain_s, dropped, lost, commits_s, plans_s, stalls_s)
