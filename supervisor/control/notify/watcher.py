"""A second small process that asks whether the service answers, and tells every receiver when it does not.

It shares nothing with the service but city.toml: no database, no event loop. A service that hangs, was stopped or runs
on a machine without power cannot say so itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Final

import aiohttp

from supervisor.control.notify.receivers import Receiver
from supervisor.control.notify.texts import Writer
from supervisor.notify.kind import Channel
from supervisor.runtime.clock import Clock

logger = logging.getLogger(__name__)

ASK_MAX_S: Final = 10.0
ASKED_IN_SILENCE: Final = 9  # times within the time that it may be silent
SEND_MAX_S: Final = 30.0

Receivers = Mapping[str, tuple[Receiver, Channel]]


class Watcher:
    """Keep `run` running."""

    def __init__(
        self,
        url: str,
        http: aiohttp.ClientSession,
        receivers: Receivers,
        writer: Writer,
        clock: Clock,
        silent_s: float,
    ) -> None:
        """`url`: what answers while the service lives; `silent_s`: for how long it may not."""
        self._url = url
        self._http = http
        self._receivers = receivers
        self._writer = writer
        self._clock = clock
        self._silent_s = silent_s
        self._heard_s = clock.monotonic_s()
        self._heard_utc_s = clock.utc_s()
        self._told: set[str] = set()  # who knows that it is silent

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(self._silent_s / ASKED_IN_SILENCE)

    async def round(self) -> None:
        """Ask once, and tell whoever has still to be told; those who could not be told are tried again."""
        if await self._answers():
            self._heard_s, self._heard_utc_s = self._clock.monotonic_s(), self._clock.utc_s()
            await self._tell_all(self._told, "notify.back")
        elif self._clock.monotonic_s() - self._heard_s >= self._silent_s:
            await self._tell_all(self._receivers.keys() - self._told, "notify.silent")

    async def _tell_all(self, names: Iterable[str], key: str) -> None:
        await asyncio.gather(*(self._tell(name, key) for name in tuple(names)))

    async def _answers(self) -> bool:
        try:
            timeout = aiohttp.ClientTimeout(total=min(ASK_MAX_S, self._silent_s / 3))
            async with self._http.get(self._url, timeout=timeout) as answer:
                return answer.status == 200
        except Exception as error:
            logger.info("%s: %s", self._url, error or type(error).__name__)
            return False

    async def _tell(self, name: str, key: str) -> None:
        receiver, channel = self._receivers[name]
        since = self._writer.time(self._heard_utc_s)
        message = self._writer.plain(
            receiver.language, key, "silent", self._clock.utc_s(), site=self._writer.site, time=since
        )
        try:
            async with asyncio.timeout(SEND_MAX_S):
                await channel.send(message)
        except Exception as error:  # whatever it is, the others are told, and it is tried again
            logger.error("%s cannot be told: %s", name, error or "no answer")
            return
        if key == "notify.silent":
            self._told.add(name)
        else:
            self._told.discard(name)
        logger.warning("%s was told: %s", name, message.title)
