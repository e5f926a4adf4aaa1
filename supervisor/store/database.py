"""The record's database, a SQLite file or one on a server: how it is opened and how its schema is upgraded."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import cast

from supervisor.domain.errors import StoreError
from supervisor.store.backup import back_up
from supervisor.store.engine import OtherEngine, schema_version
from supervisor.store.place import Place, Server

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 5_000  # others read (`roadheat energy`, a backup) or write little (`roadheat user`)
DAMAGED = ("not a database", "malformed")  # in SQLite's own words
JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024  # the WAL shrinks back to this after a long reader let it grow


def connect(path: Place) -> sqlite3.Connection:
    """The one writing connection: WAL and FULL, so that a commit that returned survives a power cut."""
    if isinstance(path, Server):
        return _connect_server(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            f"journal_size_limit = {JOURNAL_LIMIT_BYTES}",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        damaged = any(words in str(error) for words in DAMAGED)
        raise StoreError(
            f"cannot open the database: {error}",
            where=str(path),
            remedy="It is damaged: put your last backup in its place" if damaged
            else "Check that the folder exists, is writable and has space",
        ) from error  # fmt: skip
    return connection


def connect_read_only(path: Place) -> sqlite3.Connection:
    """A read-only connection, for reports while the service runs."""
    if isinstance(path, Server):
        connection = _connect_server(path, read_only=True)
        if schema_version(connection) == 0:
            connection.close()
            raise _empty(path)
        return connection
    if not path.exists():
        raise StoreError("no database", where=str(path), remedy="Give the state folder of a service that has run")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        version = schema_version(connection)
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"cannot read the database: {error}", where=str(path)) from error
    if version == 0:
        connection.close()
        raise _empty(path)
    return connection


def _empty(place: Place) -> StoreError:
    remedy = "Start the service, or give the state folder of one that has run"
    return StoreError("an empty database", where=str(place), remedy=remedy)


def _connect_server(place: Server, *, read_only: bool = False) -> sqlite3.Connection:
    """An engine with the methods of the type that the statements' functions take, see `engine`."""
    try:
        from supervisor.store.postgres import Postgres
    except ImportError as error:
        raise StoreError(
            f"a record on PostgreSQL needs `{error.name}`",
            where=str(place),
            remedy="Install roadheat with the extra `scale`: pip install 'roadheat[scale]'",
        ) from error
    return cast(sqlite3.Connection, Postgres(place, read_only=read_only))


def require_current(connection: sqlite3.Connection, where: str) -> None:
    """Raises StoreError for a record of another version of the service."""
    version, known = schema_version(connection), len(migrations())
    if version != known:
        raise StoreError(
            f"the database has schema {version}, this roadheat supports {known}",
            where=where, remedy="Use the version of the service, or start the service once with this one",
        )  # fmt: skip


def migrations() -> list[tuple[int, Path]]:
    """The numbered steps, in order; raises StoreError on a gap."""
    steps = sorted((int(path.name[:4]), path) for path in MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    if [number for number, _ in steps] != list(range(1, len(steps) + 1)):
        raise StoreError("migrations are not numbered 1, 2, 3…", where=str(MIGRATIONS))
    return steps


def migrate(connection: sqlite3.Connection, where: str = "") -> int:
    """Bring the schema up to date, all steps or none. Returns the version.

    A file with a record is copied beside itself first, see `supervisor.store.backup`. Raises StoreError, also for a
    schema that is newer than this version knows.
    """
    version = schema_version(connection)
    steps = migrations()
    if version > len(steps):
        raise StoreError(
            f"the database has schema {version}, this version knows {len(steps)}",
            where=where,
            remedy="Start the newer roadheat that wrote it, or restore the backup made before that upgrade",
        )
    if version == len(steps):
        return version
    if isinstance(connection, OtherEngine):
        return _migrate_server(connection, steps, where)
    file = connection.execute("PRAGMA database_list").fetchone()[2]
    if version and file:
        back_up(connection, Path(file), version + 1)
    connection.execute("BEGIN IMMEDIATE")
    at = ""
    try:
        for _, path in steps[version:]:
            at = path.name
            for statement in statements(path.read_text(encoding="utf-8")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise StoreError(
            f"schema step {at} failed ({error}), the database is as it was",
            where=where,
            remedy="Free space on the disk and start again; if it fails again, start the previous version",
        ) from error
    return len(steps)


def _migrate_server(connection: OtherEngine, steps: list[tuple[int, Path]], where: str) -> int:
    from supervisor.store.migrating import upgrade
    from supervisor.store.postgres import Postgres

    assert isinstance(connection, Postgres)
    upgrade(connection, read_steps(steps), where)
    return len(steps)


def read_steps(steps: list[tuple[int, Path]]) -> list[tuple[int, Path, list[str]]]:
    """The steps with their statements."""
    return [(number, path, statements(path.read_text(encoding="utf-8"))) for number, path in steps]


def statements(script: str) -> list[str]:
    """A script's statements one by one: `executescript` would commit before the first."""
    found: list[str] = []
    part = ""
    for piece in re.split(r"(?<=;)", script):
        part += piece
        if sqlite3.complete_statement(part):
            found.append(part.strip())
            part = ""
    return found
