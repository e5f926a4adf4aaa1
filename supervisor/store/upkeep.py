"""The record's upkeep: hours and days brought up to date, and rows that are no longer needed deleted."""

from __future__ import annotations

from functools import partial
from zoneinfo import ZoneInfo

from supervisor.runtime.clock import Clock
from supervisor.store import late, people, rollup
from supervisor.store.repository import Repository
from supervisor.store.spool import SpoolRepository
from supervisor.store.writer import Writer


class UpkeepRepository(Repository):
    """What is to be done every few minutes or once a day."""

    def __init__(self, writer: Writer, clock: Clock, spool: SpoolRepository, timezone: ZoneInfo) -> None:
        """`timezone` says where local days begin."""
        super().__init__(writer, clock)
        self._spool = spool
        self._timezone = timezone

    async def roll_up(self) -> int:
        """Bring days and their points up to date; call every few minutes. Returns the hours it took in."""
        now, site = self._clock.utc_s(), self._spool.site
        for board in await self.read(late.boards_left):
            await self.write(partial(late.resume, site=site, board=board))
        hours = await self.write(lambda db: rollup.roll_up(db, site, self._timezone, now))
        if hours:
            self._spool.waiting.set()
        return hours

    async def prune(self, before_utc_s: float) -> int:
        """Delete ticks older than that, some thousands at a time; hours and days stay. Returns how many went."""
        return await self.write(lambda db: rollup.prune(db, int(before_utc_s)))

    async def forget_expired(self) -> None:
        """Delete sessions and links that have expired."""
        now = self._clock.utc_s()
        await self.write(lambda db: people.forget_expired(db, now))
