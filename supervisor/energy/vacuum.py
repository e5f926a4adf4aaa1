"""`roadheat energy vacuum`: the database rewritten without the space that deleted records have left."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from supervisor import config as configuration
from supervisor import terminal
from supervisor.domain.errors import StoreError
from supervisor.runtime.single import alone_in
from supervisor.store import database
from supervisor.store.place import file_of

COPIES = 2  # SQLite writes the database to a file of its own first, and then through its log
MIB = 1024**2


def vacuum(config_path: Path) -> None:
    """Rewrite the database and print what that gave back. Raises RoadheatError, also while the service runs."""
    config = configuration.load(config_path, without_data=True)
    path = file_of(config, "PostgreSQL gives space back by itself")
    if not path.exists():
        raise StoreError("no database", where=str(path), remedy="Start the service once: `roadheat serve`")
    with alone_in(config.state_dir):
        os.environ["SQLITE_TMPDIR"] = str(config.state_dir)  # /tmp may be small
        connection = database.connect(path)
        try:
            before = path.stat().st_size
            _require_room(connection, path)
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise StoreError(
                f"not rewritten: {error}", where=str(path), remedy="It is as it was. Free space, or check it first"
            ) from error
        finally:
            connection.close()
    terminal.say(f"{before / MIB:,.1f} MiB before, {path.stat().st_size / MIB:,.1f} MiB now")


def _require_room(connection: sqlite3.Connection, path: Path) -> None:
    names = ("page_size", "page_count", "freelist_count")
    page_bytes, pages, unused = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    needed = COPIES * (pages - unused) * page_bytes
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise StoreError(
            f"{needed / MIB:,.0f} MiB are needed meanwhile, {free / MIB:,.0f} MiB are free",
            where=str(path), remedy="Free space, or move the state folder to a larger disk",
        )  # fmt: skip
