"""The boards of `roadheat bench fleet`: each a session with its own key over TLS, without a road."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import aiohttp
import msgspec

from firmware.rh import VERSION
from firmware.rh.link import BACKOFF_MAX_S, BACKOFF_MIN_S, OPEN_TIMEOUT_S
from supervisor.domain.errors import RoadheatError
from supervisor.wire.messages import Ack, Hello, ResultFrame, Telemetry, ZoneSample
from tools.bench.fuzz_city import Link

TELEMETRY_EACH_S: Final = 10.0  # as boards send it
MOST_FAILURES: Final = 5  # doublings of the pause, as in firmware/rh/link.py
_OVER = (ConnectionError, TimeoutError, OSError, aiohttp.ClientError, RoadheatError, msgspec.MsgspecError)


def dry(zone: str) -> ZoneSample:
    """A road that needs nothing."""
    return ZoneSample(zone, 3500, 4200, 0, 0, 0, 0, 0, 4, 0)


class FleetBoard:
    """Dials, tells and answers until it is cancelled; after a failure it waits as the firmware does."""

    def __init__(self, link: Link, zones: tuple[str, ...], sample: Callable[[str], ZoneSample] = dry) -> None:
        """`sample`: what the board says of a zone, asked every `TELEMETRY_EACH_S`."""
        self._link, self._zones, self._sample = link, zones, sample
        self._boot_s = time.monotonic() - 12
        self._q = 0
        self._newest = (0, 0)  # epoch and sequence of the newest command
        self._sent: dict[int, float] = {}
        self.ready = asyncio.Event()  # the service has proved itself by a command
        self.failures = 0  # sessions that ended, or never began, without `drop`
        self.reasons: dict[str, int] = {}
        self.acknowledged_s: list[float] = []
        self._dropped = False

    async def run(self, spread_s: float) -> None:
        """First dial within `spread_s` at random."""
        wait_s, failures = random.uniform(0, spread_s), 0
        while True:
            await asyncio.sleep(wait_s)
            self._dropped = False
            try:
                await self._session()
            except _OVER as error:
                if self._dropped:
                    wait_s, failures = 0.0, 0
                    continue
                self.failures += 1
                name = f"{type(error).__name__}: {error}"[:80]
                self.reasons[name] = self.reasons.get(name, 0) + 1
            finally:
                self.ready.clear()
            failures = min(failures + 1, MOST_FAILURES)
            wait_s = random.randrange(min(BACKOFF_MAX_S, BACKOFF_MIN_S << failures))

    def drop(self) -> None:
        """Cut the connection without a word, as when the network fails; it dials again at once."""
        self._dropped = True
        self.ready.clear()
        if self._link.ws is not None and (sock := self._link.ws.get_extra_info("socket")) is not None:
            with suppress(OSError):  # gone already
                sock.shutdown(socket.SHUT_RDWR)

    async def _session(self) -> None:
        up_s = int(time.monotonic() - self._boot_s)
        epoch, sequence = self._newest
        hello = Hello(self._link.board, VERSION, 3, epoch, sequence, up_s, int(time.time()), self._zones)
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            await self._link.dial(hello)
        telling = asyncio.create_task(self._tell())
        try:
            while True:
                await self._take()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            self._link.ws = None

    async def _take(self) -> None:
        command = await self._link.receive()
        if isinstance(command, Ack):
            now = time.perf_counter()
            self.acknowledged_s += [now - self._sent.pop(q) for q in command.q if q in self._sent]
            return
        self._newest = max(self._newest, (command.ep, command.q))
        self.ready.set()
        await self._link.send(msgspec.json.encode(ResultFrame(command.ep, command.q, 0)))

    async def _tell(self) -> None:
        """Telemetry as a board sends it; boards start at different times, so they tell at different times."""
        while True:
            await asyncio.sleep(random.uniform(0, TELEMETRY_EACH_S) if not self._q else TELEMETRY_EACH_S)
            self._q += 1
            up_s = int(time.monotonic() - self._boot_s)
            samples = tuple(self._sample(zone) for zone in self._zones)
            self._sent[self._q] = time.perf_counter()
            frame = Telemetry(3, self._q, int(time.time()), up_s, int(TELEMETRY_EACH_S), 0, samples)
            await self._link.send(msgspec.json.encode(frame))
