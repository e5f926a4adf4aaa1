"""What waits for another system, on disk in a file of its own: in order, bounded, every loss counted.

Not in the record: what waits for a broker may be lost with the machine, a road's history may not.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final

from msgspec import Struct

from supervisor.domain.errors import StoreError
from supervisor.runtime.work import in_thread

CAP_BYTES: Final = 256 * 1024**2  # a day of fifty roads every minute takes some 60 MB
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY, utc_s INTEGER NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS count (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY CHECK (id = 0), text TEXT NOT NULL);"
)


class Waiting(Struct, frozen=True):
    """The oldest batch."""

    id: int
    utc_s: int
    body: bytes


class Counts(Struct, frozen=True):
    """Batches since the spool was made: delivered, refused by the other side, dropped because the spool was full."""

    delivered: int = 0
    refused: int = 0
    dropped: int = 0
    waiting: int = 0


class Spool:
    """One file; every call has reached the disk when it returns, or raises StoreError. Use as `async with`."""

    def __init__(self, path: Path, cap_bytes: int = CAP_BYTES) -> None:
        self._path = path
        self._cap_bytes = cap_bytes
        self._thread = ThreadPoolExecutor(1, f"spool {path.stem}")
        self._db: sqlite3.Connection | None = None

    async def __aenter__(self) -> Spool:
        await in_thread(self._thread, self._open)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await asyncio.shield(in_thread(self._thread, self._close))
        self._thread.shutdown(wait=False)

    async def add(self, body: bytes, utc_s: int) -> int:
        """Put a batch at the end; the oldest are dropped where there are too many bytes. Returns how many."""
        return await in_thread(self._thread, self._add, body, utc_s)

    async def oldest(self) -> Waiting | None:
        """The batch to be sent next."""
        return await in_thread(self._thread, self._oldest)

    async def done(self, number: int, outcome: str) -> None:
        """It was `delivered` or `refused`: forget it."""
        await in_thread(self._thread, self._done, number, outcome)

    async def counts(self) -> Counts:
        """How many so far."""
        return await in_thread(self._thread, self._counts)

    async def keep(self, text: str) -> None:
        """Keep a text over restarts, in the place of an older one: what the other system knows of."""
        await in_thread(self._thread, self._run, ("INSERT OR REPLACE INTO kept VALUES (0, ?)", (text,)))

    async def kept(self) -> str | None:
        """That text; None where there is none."""
        rows = await in_thread(self._thread, self._run, ("SELECT text FROM kept", ()))
        return str(rows[0][0]) if rows else None

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from error

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()

    def _error(self, error: Exception) -> StoreError:
        return StoreError(f"spool: {error}", where=str(self._path), remedy="Check the disk and the permissions")

    def _run(self, *statements: tuple[str, tuple[object, ...]]) -> list[tuple[object, ...]]:
        """All in one transaction; the rows of the last."""
        assert self._db is not None
        rows: list[tuple[object, ...]] = []
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                for sql, values in statements:
                    rows = self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._error(error) from error
        return rows

    def _add(self, body: bytes, utc_s: int) -> int:
        dropped = 0
        self._run(("INSERT INTO batch (utc_s, body) VALUES (?, ?)", (utc_s, body)))
        while True:
            (held,) = self._run(("SELECT coalesce(sum(length(body)), 0) FROM batch", ()))[0]
            oldest = self._oldest()
            if int(str(held)) <= self._cap_bytes or oldest is None:
                return dropped
            self._done(oldest.id, "dropped")
            dropped += 1

    def _oldest(self) -> Waiting | None:
        rows = self._run(("SELECT id, utc_s, body FROM batch ORDER BY id LIMIT 1", ()))
        return None if not rows else Waiting(*rows[0])  # type: ignore[arg-type]

    def _done(self, number: int, outcome: str) -> None:
        self._run(
            ("DELETE FROM batch WHERE id = ?", (number,)),
            ("INSERT INTO count VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1", (outcome,)),
        )

    def _counts(self) -> Counts:
        found = {str(name): int(str(value)) for name, value in self._run(("SELECT name, value FROM count", ()))}
        (waiting,) = self._run(("SELECT count(*) FROM batch", ()))[0]
        return Counts(**found, waiting=int(str(waiting)))
