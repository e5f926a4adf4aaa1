"""Core, gateways and NATS are killed under load, one after the other: nothing acknowledged is lost, nothing is there
twice, and boards come back by themselves. Behind a real haproxy."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import aiohttp
import pytest

from supervisor.config import Config
from supervisor.tests.test_kills import Board, nothing_lost_or_doubled
from supervisor.tests.test_service import client
from supervisor.tests.test_service import config as config
from tools.bench.role_process import Role, wait_for_keys
from tools.servers import Nats, find_program, free_port, running_haproxy

KILLS = int(os.environ.get("ROADHEAT_CLUSTER_KILLS", "5"))  # each way once: either gateway, core, NATS, NATS for long
SILENT_S = 4.0  # without an acknowledgement a board dials again; on the road 60 s
LONG_S = 8.0  # NATS is away for longer than `membership.NOBODY_S`
BACK_S = 60.0  # until telemetry is acknowledged again

pytestmark = [pytest.mark.nats, pytest.mark.timeout(120 + 60 * KILLS)]


async def on_the_road(board: Board, config: Config, http: aiohttp.ClientSession, address: tuple[str, int]) -> None:
    """Dials again whenever its session ends or is silent."""
    while True:
        session = asyncio.create_task(board.live(config, http, address))
        known, since_s = -1, time.monotonic()
        while not session.done() and time.monotonic() - since_s < SILENT_S:
            if len(board.acknowledged) != known:
                known, since_s = len(board.acknowledged), time.monotonic()
            await asyncio.wait([session], timeout=0.2)
        session.cancel()
        with suppress(asyncio.CancelledError):
            await session
        await asyncio.sleep(random.uniform(0, 0.5))


def tail(log: Path) -> str:
    return log.read_text()[-3000:]


async def progress(boards: list[Board], log: Path) -> float:
    """Wait until every board has five more acknowledgements; how long that took [s]."""
    began_s = time.monotonic()
    known = [len(board.acknowledged) for board in boards]
    while any(len(board.acknowledged) < before + 5 for board, before in zip(boards, known, strict=True)):
        assert time.monotonic() - began_s < BACK_S, tail(log)
        await asyncio.sleep(0.05)
    return time.monotonic() - began_s


async def test_any_part_killed_under_load_loses_and_doubles_nothing(
    config: Config, nats_server: Nats, tmp_path: Path
) -> None:
    if find_program("haproxy") is None:
        pytest.skip("haproxy is not installed: make servers")
    log = tmp_path / "log"
    ports = [(free_port(), free_port()) for _ in range(2)]
    core = Role(nats_server, log, "--role", "core", "--config", str(config.path))
    gateways = [
        Role(nats_server, log, "--role", "gateway", "--listen", f"127.0.0.1:{own}", "--metrics", f"127.0.0.1:{health}")
        for own, health in ports
    ]
    boards = [Board(board.id, tuple(zone.id for zone in config.zones_of(board.id))) for board in config.board]

    async def again(kill: Callable[[], None], start: Callable[[], None], away_s: float) -> None:
        await asyncio.to_thread(kill)
        await asyncio.sleep(away_s)
        await asyncio.to_thread(start)

    ways: list[tuple[str, Callable[[], None], Callable[[], None], float]] = [
        ("gateway", gateways[0].kill, gateways[0].start, 3.0),
        ("gateway", gateways[1].kill, gateways[1].start, 3.0),
        ("core", core.kill, core.start, 0.0),
        ("NATS", nats_server.kill, nats_server.start, 0.0),
        ("NATS, away for long", nats_server.kill, nats_server.start, LONG_S),
    ]
    with ExitStack() as stack:
        for role in (core, *gateways):
            stack.callback(role.kill)
            role.start()
        address = stack.enter_context(running_haproxy(tmp_path, ports)).address
        async with client() as http:
            await asyncio.to_thread(wait_for_keys, config)
            tasks = [asyncio.create_task(on_the_road(board, config, http, address)) for board in boards]
            try:
                await progress(boards, log)
                for number in range(KILLS):
                    name, kill, start, away_s = ways[number % len(ways)]
                    await again(kill, start, away_s)
                    print(f"{name}: telemetry of all boards again after {await progress(boards, log):.1f} s")
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    nothing_lost_or_doubled(config, boards)
    print(f"{KILLS} kills, {sum(len(board.acknowledged) for board in boards)} records")
