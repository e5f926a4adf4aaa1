"""The city of `roadheat bench app`: the real service, fifty boards in snow, five of them with a fault."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from hil_tests.bench.city import write_city
from supervisor.config import load
from supervisor.weather.design_storm import design_storm
from supervisor.wire.messages import Flag, Winner, ZoneSample
from tools.bench.fleet_boards import FleetBoard
from tools.bench.fuzz_city import Link, Service

ROADS: Final = 50
SPREAD_S: Final = 2.0  # within which the boards dial
SNOWS_SINCE_H: Final = 3
LATCHED: Final = Flag.LATCHED
FAULTS: Final = {
    "z07": (Winner.INTERLOCK, Flag.EARTH_FAULT | LATCHED),
    "z15": (Winner.INTERLOCK, Flag.CABLE_BROKEN | LATCHED),
    "z23": (Winner.MAINTENANCE, 0),
    "z31": (Winner.INTERLOCK, Flag.SENSOR_IMPLAUSIBLE),
    "z44": (Winner.INTERLOCK, Flag.CONTACTOR_WELDED | LATCHED),
}


def sample(zone: str) -> ZoneSample:
    """A road in snow, heated unless it has a fault; temperatures and power vary as measured ones do."""
    who, flags = FAULTS.get(zone, (Winner.PLAN, 0))
    heated = zone not in FAULTS or bool(flags & Flag.CONTACTOR_WELDED)
    surface_mc = round(random.gauss(800 if heated else -1_500, 30))
    power_w = round(random.gauss(30_000, 60)) if heated else 0
    duty = 900 if heated else 0
    return ZoneSample(zone, surface_mc, surface_mc + 900, 700, 9 if heated else 0, power_w, 0, duty, who, flags)


@asynccontextmanager
async def snowed_in(folder: Path) -> AsyncIterator[tuple[Service, aiohttp.ClientSession]]:
    """The service with all boards connected and heard, and a signed-in administrator."""
    begins = int(time.time()) // 3600 * 3600 - SNOWS_SINCE_H * 3600
    path = write_city(folder, design_storm(begins - 24 * 3600, 96, 24), boards=ROADS, zones_per_board=1, feeders=3)
    config = load(path)
    service = Service(config, path, folder / "service.log")
    await service.start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            await service.sign_in(http)
            tls = ssl.create_default_context(cafile=config.pki_dir / "ca.pem")
            boards = [FleetBoard(Link(http, config, zone.board, tls), (zone.id,), sample) for zone in config.zone]
            tasks = [asyncio.create_task(board.run(SPREAD_S)) for board in boards]
            try:
                await asyncio.gather(*(board.ready.wait() for board in boards))
                await _all_heard(service, http)
                yield service, http
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await service.stop()


async def _all_heard(service: Service, http: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(60):
        while True:
            async with http.get(f"{service.url}/api/v1/zones") as answer:
                zones = await answer.json()
            if all(zone["updated_utc_s"] and zone["plan"] for zone in zones):
                return
            await asyncio.sleep(0.5)
