"""The record's upkeep: hours and days brought up to date, and rows that are no longer needed deleted."""

from __future__ import annotations

import sqlite3
from functools import partial
from zoneinfo import ZoneInfo

from supervisor.runtime.clock import Clock
from supervisor.store import feeder_quarters, late, people, rollup, spool
from supervisor.store.feeder_quarters import Billing
from supervisor.store.labels import Labels
from supervisor.store.repository import Repository
from supervisor.store.spool import SpoolRepository
from supervisor.store.writer import Writer


def roll_up(
    db: sqlite3.Connection, labels: Labels, billing: Billing, timezone: ZoneInfo, now_utc_s: float, *, spooled: bool
) -> int:
    """Feeders' quarters and zones' days from the hours that changed, with their points where `spooled`. Returns the
    hours.
    """
    changed, last = rollup.due(db, now_utc_s)
    quarters = feeder_quarters.bring_up(db, labels, billing, timezone, changed, last)
    if spooled:
        spool.put_all(db, [feeder_quarters.line(labels.site, quarter) for quarter in quarters])
    return rollup.roll_up(db, labels if spooled else None, timezone, now_utc_s)


class UpkeepRepository(Repository):
    """What is to be done every few minutes or once a day."""

    def __init__(self, writer: Writer, clock: Clock, lines: SpoolRepository, timezone: ZoneInfo) -> None:
        """`timezone` says where local days begin."""
        super().__init__(writer, clock)
        self._spool = lines
        self._timezone = timezone
        self.billing = Billing()  # set by whoever knows the tariff

    async def roll_up(self) -> int:
        """Bring days and their points up to date; call every few minutes. Returns the hours it took in."""
        now, known, labels = self._clock.utc_s(), self._spool.known, self._spool.labels
        for board in await self.read(late.boards_left):
            await self.write(partial(late.resume, labels=labels, board=board))
        hours = await self.write(
            lambda db: roll_up(db, known, self.billing, self._timezone, now, spooled=labels is not None)
        )
        if hours:
            self._spool.waiting.set()
        return hours

    async def prune(self, before_utc_s: float) -> int:
        """Delete ticks older than that, some thousands at a time; hours and days stay. Returns how many went."""
        now = self._now()

        def job(db: sqlite3.Connection) -> int:
            feeder_quarters.prune(db, now)
            return rollup.prune(db, int(before_utc_s))

        return await self.write(job)

    async def forget_expired(self) -> None:
        """Delete sessions and links that have expired."""
        now = self._clock.utc_s()
        await self.write(lambda db: people.forget_expired(db, now))
