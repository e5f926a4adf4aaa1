"""The service's database for one command of the server's console, beside a running service or without it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supervisor.config import Config
from supervisor.domain.errors import StoreError
from supervisor.store import database, engine
from supervisor.store.place import place_of

BY = "console"  # in the audit: whoever has the server's shell


@contextmanager
def transaction(config: Config) -> Iterator[sqlite3.Connection]:
    """The service's database, for one transaction. Raises StoreError where there is none of this version."""
    path = place_of(config)
    if isinstance(path, Path) and not path.exists():
        raise StoreError("no database", where=str(path), remedy="Start the service once: `roadheat serve`")
    connection = database.connect(path)
    try:
        database.require_current(connection, str(path))
        with engine.transaction(connection):
            yield connection
    except sqlite3.Error as error:
        raise StoreError(
            f"not changed: {error}", where=str(path), remedy="Check disk, permissions and try again"
        ) from error
    finally:
        connection.close()
