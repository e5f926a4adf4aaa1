"""The app's energy page in `roadheat bench energy`: how long a season of 500 roads holds up the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from hil_tests.bench.city import write_city
from supervisor.config import Config, load
from supervisor.reports.desk import EnergyDesk, SeasonAnswer
from supervisor.runtime.background import Background
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, Store, database
from supervisor.weather.design_storm import design_storm

ROADS: Final = 500
DAYS: Final = 151  # October to February
BEGIN_UTC_S: Final = 1_759_244_400  # 2025-10-01T00:00 in Seoul
SEASON: Final = "2025-26"
BEAT_S: Final = 0.002


@asynccontextmanager
async def beating(stalls_s: list[float]) -> AsyncIterator[None]:
    """Measure every 2 ms how late the event loop runs what is due [s]."""

    async def beat() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(BEAT_S)
            stalls_s.append(time.perf_counter() - before - BEAT_S)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()


def district(folder: Path) -> Config:
    """Five hundred roads with a record of a whole season, every hour heated a little."""
    path = write_city(folder, design_storm(BEGIN_UTC_S, 48, 24), boards=ROADS // 2, zones_per_board=2, feeders=20)
    config = load(path)
    config.state_dir.mkdir(parents=True, exist_ok=True)
    db = database.connect(config.state_dir / DATABASE_NAME)
    database.migrate(db)
    hours = range(BEGIN_UTC_S, BEGIN_UTC_S + DAYS * 86_400, 3600)
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO zone_1h VALUES (?, ?, 900, 800, 700, 600, 1800, 3600, 7, 8, 9, 0)",
        ((hour, zone.id) for hour in hours for zone in config.zone),
    )
    db.execute("COMMIT")
    db.close()
    return config


async def held_up(folder: Path) -> tuple[float, float]:
    """Wall time until the page has its answer, and the longest time that the loop stood still meanwhile [s]."""
    config = district(folder)
    clock = ManualClock(float(BEGIN_UTC_S + DAYS * 86_400))
    store = Store.open(config.state_dir / DATABASE_NAME, clock, site=config.site.name)
    stalls_s: list[float] = []
    try:
        async with Background() as background:
            desk = EnergyDesk(config, store, clock, background.spawn)
            async with beating(stalls_s):
                begun_s = time.perf_counter()
                answer: SeasonAnswer = await desk.season(SEASON)
                msgspec.json.encode(answer)  # as the request's handler does, on the loop
                wall_s = time.perf_counter() - begun_s
                await asyncio.sleep(BEAT_S)
    finally:
        await store.close()
    assert len(answer.energy.zones) == ROADS
    return wall_s, max(stalls_s)
