"""Who watches the watcher: an outside service is asked every minute while this one is well, and calls when it stops."""

from __future__ import annotations

import logging
from typing import Final

import aiohttp

from supervisor.control.alarms import Alarms
from supervisor.domain.alarm import NOT_READY
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each

logger = logging.getLogger(__name__)

EACH_S: Final = 60.0


class Heartbeat:
    """Keep `run` running."""

    def __init__(self, url: str, http: aiohttp.ClientSession, alarms: Alarms, clock: Clock) -> None:
        self._url, self._http, self._alarms, self._clock = url, http, alarms, clock
        self.sent = 0

    async def run(self) -> None:
        """Ask until cancelled; not while the service cannot do its work."""
        async for _ in each(self._clock, EACH_S):
            if any(alarm.code in NOT_READY for alarm in self._alarms.standing()):
                logger.warning("no heartbeat: the service is not well")
                continue
            await self.beat()

    async def beat(self) -> None:
        """Ask once; a failure is logged."""
        try:
            async with self._http.get(self._url, allow_redirects=False) as answer:
                if answer.status // 100 != 2:
                    logger.warning("the heartbeat was answered with %d", answer.status)
                    return
        except Exception as error:
            logger.warning("the heartbeat was not answered: %s", error or type(error).__name__)
            return
        self.sent += 1
