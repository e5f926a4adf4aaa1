"""Service and InfluxDB are killed under load, again and again: InfluxDB has exactly what the record has.

`make soak` kills the service 50 times and InfluxDB 20 times.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.config import Config, load
from supervisor.store import DATABASE_NAME, spool
from supervisor.store.tick import decode_zones
from supervisor.tests.test_kills import Board, addresses
from supervisor.tests.test_service import client, process
from supervisor.tests.test_service import config as config
from tools.servers import Influxd, find_program, running_influxd

KILLS = int(os.environ.get("ROADHEAT_KILLS", "2"))
INFLUX_KILLS = int(os.environ.get("ROADHEAT_INFLUX_KILLS", "2"))
RECORDS_EACH = 30  # acknowledged in each life of the service, at least
DRAINED_S = 120.0


@pytest.mark.influx
@pytest.mark.timeout(300 + 30 * (KILLS + INFLUX_KILLS))
async def test_service_and_influxdb_killed_under_load_agree_to_the_point(config: Config, tmp_path: Path) -> None:
    if find_program("influxd") is None:
        pytest.skip("InfluxDB 1.6 is not installed: as root on Debian, python -m tools.get_servers")
    with running_influxd(tmp_path) as influxd:
        influxd.create("heat")
        text = f'\n[influx]\napi = "v1"\nurl = "{influxd.url}"\ndatabase = "heat"\n'
        config.path.write_text(config.path.read_text(encoding="utf-8") + text, encoding="utf-8")
        config = load(config.path)
        boards = [Board(board.id, tuple(zone.id for zone in config.zones_of(board.id))) for board in config.board]
        lives = _shared_out(INFLUX_KILLS, KILLS)
        for life, influx_kills in enumerate([*lives, 0]):
            await _live(config, tmp_path / "log", boards, influxd, life, influx_kills, last=life == len(lives))
        _check(config, influxd)
        print(f"{KILLS} kills of the service, {INFLUX_KILLS} of InfluxDB")


def _shared_out(kills: int, lives: int) -> list[int]:
    """Of InfluxDB by lives of the service."""
    return [kills * (n + 1) // lives - kills * n // lives for n in range(lives)]


async def _live(
    config: Config, log: Path, boards: list[Board], influxd: Influxd, life: int, influx_kills: int, *, last: bool
) -> None:
    """One life of the service under load, with InfluxDB killed meanwhile; the last one until the spool is empty."""
    rng = random.Random(life)

    async def until(done: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < deadline, _end_of(log)
            await asyncio.sleep(0.02)

    with log.open("ab") as file, process(config, file) as child:
        address, _, _ = await asyncio.to_thread(addresses, child, signed_in=True)
        async with client() as http:
            tasks = [] if last else [asyncio.create_task(board.live(config, http, address)) for board in boards]
            for kill in range(influx_kills + 1):
                known = _acknowledged(boards)
                if not last:
                    await until(lambda known=known: _acknowledged(boards) >= known + RECORDS_EACH, 60)
                if kill < influx_kills:
                    await asyncio.sleep(rng.uniform(0, 0.5))
                    await asyncio.to_thread(influxd.kill)
                    await until(lambda known=known: _acknowledged(boards) >= known + 2 * RECORDS_EACH, 60)
                    await asyncio.to_thread(influxd.start)
            if last:
                await until(lambda: _waiting(config) == 0, DRAINED_S)
            await asyncio.sleep(rng.uniform(0, 0.5))
            child.send_signal(signal.SIGTERM if last else signal.SIGKILL)
            await asyncio.to_thread(child.wait)
            await asyncio.gather(*tasks)


def _end_of(log: Path) -> str:
    return log.read_text()[-2000:]


def _acknowledged(boards: list[Board]) -> int:
    return sum(len(board.acknowledged) for board in boards)


def _waiting(config: Config) -> int:
    with closing(sqlite3.connect(config.state_dir / DATABASE_NAME)) as db:
        return spool.counter(db, "spool_points")


def _check(config: Config, influxd: Influxd) -> None:
    """Sums, totals and the number of points, of zones and of events."""
    with closing(sqlite3.connect(config.state_dir / DATABASE_NAME)) as db:
        totals = dict(db.execute("SELECT zone, total_wh FROM zone_total"))
        points = sum(len(decode_zones(blob)) for (blob,) in db.execute("SELECT zones FROM tick"))
        events = db.execute("SELECT count(*) FROM event").fetchone()[0]
        refused = [spool.counter(db, name) for name in ("dead_points", "dropped_points")]
    assert refused == [0, 0]
    assert influxd.sums("heat") == totals
    [counted] = influxd.query('SELECT count("q") FROM "zone"', "heat")
    assert counted["values"][0][1] == points
    held = influxd.query('SELECT count("kind") FROM "event"', "heat")
    assert sum(one["values"][0][1] for one in held) == events
    print(f"{points} points, {events} events")
