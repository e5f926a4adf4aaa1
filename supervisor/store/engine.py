"""What the record asks of a database besides statements, for SQLite and for engines that stand in its place.

The functions of this package take a `sqlite3.Connection`. An engine of another database has the methods of it that
they use (`execute`, `executemany`, `in_transaction`, `close`), takes SQLite's statements and raises its errors, so that
each statement and each rule about errors is written once. `OtherEngine` says which methods those are.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

Parameters = Sequence[Any] | Mapping[str, Any]


@contextmanager
def transaction(db: sqlite3.Connection | OtherEngine) -> Iterator[None]:
    """With the lock of writers: all of it is kept, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


class Rows:
    """What a statement gave, with the methods of `sqlite3.Cursor`. All of it is in memory."""

    def __init__(self, rows: list[tuple[Any, ...]], rowcount: int, lastrowid: int | None = None) -> None:
        self._rows = iter(rows)
        self.rowcount = rowcount
        self.lastrowid = lastrowid

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        return list(islice(self._rows, size))

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)


class OtherEngine(ABC):
    """A database that is not SQLite, behind the methods of `sqlite3.Connection`. Raises errors of `sqlite3`."""

    @abstractmethod
    def execute(self, sql: str, parameters: Parameters = ()) -> Rows:
        """Run one statement of SQLite's SQL."""

    @abstractmethod
    def executemany(self, sql: str, parameters: Iterable[Parameters]) -> Rows:
        """Run it once for each of `parameters`."""

    @property
    @abstractmethod
    def in_transaction(self) -> bool:
        """Whether a transaction is open and can still be rolled back."""

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def schema_version(self) -> int:
        """0 where there is no record yet."""

    @abstractmethod
    def has_table(self, name: str) -> bool: ...


def schema_version(db: sqlite3.Connection | OtherEngine) -> int:
    """The number of the newest migration that `db` has; 0 where there is no record yet."""
    if isinstance(db, OtherEngine):
        return db.schema_version()
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def has_table(db: sqlite3.Connection | OtherEngine, name: str) -> bool:
    """Whether there is a table of that name; records of older versions lack some."""
    if isinstance(db, OtherEngine):
        return db.has_table(name)
    return db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone() is not None
