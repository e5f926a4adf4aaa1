"""A hostile board as a process of its own, so that what it costs itself slows nobody else down.

Run as `python -m tools.bench.fuzz_hostile <city.toml> <board> <seed>`. It reads what to do from its input, a line each:
`quiet`, or one of `KINDS`, each many times as fast as the service takes it. The process stands back for all others
(`nice`): in truth a hostile board is another machine, and what is measured is the service.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import click

from supervisor.config import load
from supervisor.wire.messages import Hello
from tools.bench.fuzz_city import Link
from tools.bench.fuzz_frames import FrameFuzz

KINDS = ("frames", "sessions", "pings")
EACH_S = 0.001  # between frames: forty times what the service reads
TOGETHER = 4  # connections that dial in at the same time, one taking the other's place


class Hostile:
    """One board's key, misused."""

    def __init__(self, http: aiohttp.ClientSession, path: Path, board: str, seed: int) -> None:
        config = load(path)
        self._http, self._config = http, config
        self._zones = tuple(zone.id for zone in config.zones_of(board))
        others = tuple(zone.id for zone in config.zone if zone.board != board)
        self._fuzz = FrameFuzz(seed, self._zones, others)
        self._boot = 1000
        self._board = board
        self.sent = 0

    def _dial(self) -> Link:
        return Link(self._http, self._config, self._board)

    async def _join(self, link: Link) -> None:
        self._boot += 1
        await link.dial(Hello(self._board, "0.1.0", self._boot, 0, 0, 0, 0, self._zones))

    async def frames(self) -> None:
        """Telemetry and results with free values."""

        async def send(link: Link) -> None:
            began = time.monotonic()
            while True:
                await link.send(self._fuzz.payload(int(time.monotonic() - began), int(time.time()), self._boot))
                self.sent += 1
                await asyncio.sleep(EACH_S)  # a send that need not wait lets nobody else run

        await self._flood(send)

    async def pings(self) -> None:
        async def send(link: Link) -> None:
            while True:
                assert link.ws is not None
                await link.ws.ping(b"x" * 100)
                self.sent += 1
                await asyncio.sleep(EACH_S)

        await self._flood(send)

    async def sessions(self) -> None:
        """Greet and begin anew."""

        async def again() -> None:
            while True:
                link = self._dial()
                with suppress(ConnectionError, TimeoutError, aiohttp.ClientError, OSError):
                    await self._join(link)
                    self.sent += 1
                    await asyncio.wait_for(link.receive(), 1.0)
                with suppress(ConnectionError, aiohttp.ClientError, OSError):
                    await link.close()

        await asyncio.gather(*(again() for _ in range(TOGETHER)))

    async def _flood(self, send: Callable[[Link], Coroutine[Any, Any, None]]) -> None:
        while True:
            link = self._dial()
            with suppress(ConnectionError, TimeoutError, aiohttp.ClientError, OSError):
                await self._join(link)
                assert link.ws is not None
                sending = asyncio.create_task(send(link))
                try:
                    while not sending.done():  # what comes is taken and forgotten
                        over = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)
                        if (await link.ws.receive()).type in over:
                            break
                finally:
                    sending.cancel()
            with suppress(ConnectionError, aiohttp.ClientError, OSError):
                await link.close()


async def _run(path: Path, board: str, seed: int) -> None:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as http:
        hostile = Hostile(http, path, board, seed)
        doing: asyncio.Task[None] | None = None
        print("ready", flush=True)
        while order := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            if doing is not None:
                doing.cancel()
                with suppress(asyncio.CancelledError):
                    await doing
            print(hostile.sent, flush=True)
            hostile.sent = 0
            doing = None if order == "quiet" else asyncio.create_task(getattr(hostile, order)())


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("board")
@click.argument("seed", type=int)
def main(path: Path, board: str, seed: int) -> None:
    """Misuse one board's key."""
    os.nice(19)
    asyncio.run(_run(path, board, seed))


if __name__ == "__main__":
    main()
