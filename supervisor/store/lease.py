"""Who runs a district on PostgreSQL: one core at a time, by a row with a deadline in the database's own time.

Each taking raises the row's `fence`. A core's writer looks at the row in each of its transactions and locks it until
the commit, so a core that another one has followed commits nothing more, whatever its own clock says. Commands to
boards cannot be part of a transaction: a core sends none once the time it last renewed the lease for is over, measured
from before it asked, by a clock that also counts while the process or the machine is stopped.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from msgspec import structs

from supervisor.domain.errors import StoreError
from supervisor.runtime.work import in_thread
from supervisor.store.place import LOST, Server, lost
from supervisor.store.postgres import Postgres

logger = logging.getLogger(__name__)

LEASE_S = 6  # a core that is killed is followed within this, and the successor's start
RENEW_EACH_S = 1.5  # three of four may fail
ASK_EACH_S = 0.5  # by a stand-by core

_TABLES = """
CREATE SCHEMA IF NOT EXISTS roadheat;
CREATE TABLE IF NOT EXISTS roadheat.lease (
    district TEXT PRIMARY KEY, holder TEXT NOT NULL, fence BIGINT NOT NULL, until TIMESTAMPTZ NOT NULL
);
"""
_TABLES_LOCK = 7_623_002  # two cores may start at the same moment
_LATER = f"clock_timestamp() + interval '{LEASE_S} seconds'"
_TAKE = f"""
INSERT INTO roadheat.lease AS held VALUES (%(district)s, %(holder)s, 1, {_LATER})
ON CONFLICT (district) DO UPDATE SET holder = excluded.holder, fence = held.fence + 1, until = {_LATER}
WHERE held.until <= clock_timestamp() RETURNING fence
"""
_RENEW = f"UPDATE roadheat.lease SET until = {_LATER} WHERE district = %(district)s AND fence = %(fence)s RETURNING 1"
_RELEASE = "UPDATE roadheat.lease SET until = clock_timestamp() WHERE district = %(district)s AND fence = %(fence)s"


class Lease:
    """A core's claim to run a district. `take`, then `keep` beside everything else, then `release`."""

    def __init__(self, place: Server, now_s: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)):
        self.regained: list[Callable[[], None]] = []  # called when it is renewed after it had run out
        self._place = place
        self._now_s = now_s
        self._holder = f"{socket.gethostname()}, process {os.getpid()}, {secrets.token_hex(4)}"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lease")
        self._db: Postgres | None = None
        self._fence = 0
        self._until_s = 0.0

    def holds(self) -> bool:
        """Whether no other core can have taken it yet."""
        return self._now_s() < self._until_s

    async def take(self, say: Callable[[str], None]) -> Server:
        """Wait until it is free and take it; the place to open the record at. `say` gets who holds it meanwhile.

        Raises StoreError where the server cannot be used at first; a stand-by core waits for one that is gone.
        """
        said, waited = "", False
        while True:
            try:
                holder = await in_thread(self._thread, self._try)
            except StoreError:
                if not waited:
                    raise
                holder = said
            if not holder:
                logger.info("runs district %s, lease %d", self._place.district, self._fence)
                return structs.replace(self._place, fence=self._fence)
            if holder != said:
                say(f"standing by: district {self._place.district} is run by {holder}")
            said, waited = holder, True
            await asyncio.sleep(ASK_EACH_S)

    async def keep(self) -> None:
        """Renew it for as long as it can be; raises StoreError where another core has it."""
        while True:
            await asyncio.sleep(RENEW_EACH_S)
            held = self.holds()
            try:
                await in_thread(self._thread, self._renew)
            except StoreError as error:
                if error.code == LOST:
                    raise
                logger.error("the lease is not renewed: %s", error)
                continue
            if not held:
                logger.warning("the lease had run out and is renewed: no command was sent meanwhile")
                for listener in self.regained:
                    listener()

    async def release(self) -> None:
        """Let a stand-by core take it at once."""
        self._until_s = 0.0
        await in_thread(self._thread, self._let_go)
        self._thread.shutdown()

    def _try(self) -> str:
        """Take it if it is free: "", or who holds it."""
        try:
            db = self._connected()
            begun_s = self._now_s()
            taken = db.query(_TAKE, self._names())
            if taken:
                self._fence, self._until_s = int(taken[0][0]), begun_s + LEASE_S
                return ""
            held = db.query("SELECT holder FROM roadheat.lease WHERE district = %(district)s", self._names())
            return str(held[0][0])
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _renew(self) -> None:
        begun_s = self._now_s()
        try:
            renewed = self._connected().query(_RENEW, self._names())
        except sqlite3.Error as error:
            raise self._error(error) from error
        if not renewed:
            self._until_s = 0.0
            raise lost(self._place)
        self._until_s = begun_s + LEASE_S

    def _let_go(self) -> None:
        try:
            if self._fence:
                self._connected().query(_RELEASE, self._names())
        except (sqlite3.Error, StoreError) as error:
            logger.warning("the lease is not released, it runs out in %d s: %s", LEASE_S, error)
        if self._db is not None:
            self._db.close()

    def _connected(self) -> Postgres:
        if self._db is None:
            db = Postgres(self._place)
            db.script(f"BEGIN; SELECT pg_advisory_xact_lock({_TABLES_LOCK}); {_TABLES} COMMIT")
            self._db = db
        return self._db

    def _names(self) -> dict[str, object]:
        return {"district": self._place.district, "holder": self._holder, "fence": self._fence}

    def _error(self, error: sqlite3.Error) -> StoreError:
        return StoreError(f"no answer about the lease: {error}", where=str(self._place), remedy="Check PostgreSQL")


def stands(db: Postgres) -> str:
    """Who runs the district of `db`; "" where nobody does."""
    if not db.query("SELECT to_regclass('roadheat.lease') IS NOT NULL", {})[0][0]:
        return ""
    found = db.query(
        "SELECT holder FROM roadheat.lease WHERE district = %(district)s AND until > clock_timestamp()",
        {"district": db.place.district},
    )
    return str(found[0][0]) if found else ""
