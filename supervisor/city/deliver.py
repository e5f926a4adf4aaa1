"""Delivers what is spooled to another system: in order, one request in flight, whatever that system answers.

What counts as taken and as refused is the target's to say. Anything else (no answer, a web page, a redirect, a wrong
token, a busy or broken server) is tried again after 1 s, 2 s … 5 min; after an hour an alarm says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from supervisor.city.spool import Spool
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import at_work, each
from supervisor.runtime.supervision import RaisesAlarms

logger = logging.getLogger(__name__)

BACKOFF_S: Final = (1.0, 300.0)
LATE_S: Final = 3600.0  # without a delivery while something waits: an alarm
TIMEOUT_S: Final = 30.0
REASON_MAX: Final = 300  # letters of the answer in the log


@dataclass(frozen=True)
class Target:
    """Another system. `taken` and `refused` judge an answer by its status and content type."""

    name: str  # of its table in [city]; the subject of its alarm
    url: str
    headers: Mapping[str, str]
    taken: Callable[[int, str], bool]
    refused: Callable[[int, str], bool]


class Delivery:
    """Keep `run` running; `add` spools a batch."""

    def __init__(
        self, target: Target, spool: Spool, alarms: RaisesAlarms, clock: Clock, count: Callable[[str], object]
    ) -> None:
        """`count` counts an outcome: delivered, refused, dropped."""
        self._count = count
        self._target = target
        self._spool = spool
        self._alarms = alarms
        self._clock = clock
        self._more = asyncio.Event()

    async def add(self, body: bytes) -> None:
        """Put a batch at the end. Raises StoreError."""
        for _ in range(await self._spool.add(body, int(self._clock.utc_s()))):
            self._count("dropped")
        self._more.set()

    async def fed_by(self, look: Callable[[], Awaitable[object]], every_s: float) -> None:
        """Deliver, and call `look`, which adds what is new, now and every `every_s`; until cancelled."""

        async def follow() -> None:
            await look()
            async for _ in each(self._clock, every_s):
                await look()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow())
            tasks.create_task(self.run())

    async def run(self) -> None:
        """Deliver until cancelled."""
        pause_s, since_s = BACKOFF_S[0], self._clock.monotonic_s()
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as http:
            while True:
                self._more.clear()
                waiting = await self._spool.oldest()
                if waiting is None:
                    self._late(False, "")
                    await self._more.wait()
                    since_s = self._clock.monotonic_s()
                    continue
                with at_work(self._clock):
                    outcome, said = await self._send(http, waiting.body)
                if outcome:
                    if outcome == "refused":
                        logger.error("%s refused a batch: %s", self._target.name, said)
                    await self._spool.done(waiting.id, outcome)
                    self._count(outcome)
                    pause_s, since_s = BACKOFF_S[0], self._clock.monotonic_s()
                    self._late(False, "")
                    continue
                if self._clock.monotonic_s() - since_s >= LATE_S:
                    self._late(True, said)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, BACKOFF_S[1])

    async def _send(self, http: aiohttp.ClientSession, body: bytes) -> tuple[str, str]:
        """ "delivered", "refused" or "" (again later), and the reason of what was not taken."""
        target = self._target
        try:
            async with http.post(target.url, data=body, headers=target.headers, allow_redirects=False) as answer:
                if target.taken(answer.status, answer.content_type):
                    return "delivered", ""
                said = (await answer.content.read(2048)).decode("utf-8", "replace")
                outcome = "refused" if target.refused(answer.status, answer.content_type) else ""
                return outcome, f"{answer.status} {' '.join(said.split())[:REASON_MAX]}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return "", f"{type(error).__name__}: {error}"

    def _late(self, stands: bool, said: str) -> None:
        text = f"{self._target.url}: {said}. What waits is kept and sent in order later. Look at that system"
        self._alarms.set(AlarmCode.CITY_NOT_DELIVERED, self._target.name, stands, text)
