"""A district's record copied from one engine to the other, all or nothing, and compared row by row afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any, cast

from supervisor.domain.errors import StoreError
from supervisor.runtime.disk import to_disk
from supervisor.store import database
from supervisor.store.dialect import Table
from supervisor.store.engine import OtherEngine, schema_version, transaction
from supervisor.store.lease import stands
from supervisor.store.migrating import run_steps
from supervisor.store.place import Place, Server
from supervisor.store.postgres import Postgres

AT_ONCE = 1_000  # rows
PATIENT = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"


def copy(
    source: Place, target: Place, site: str, boards: Collection[str], say: Callable[[str, int], None]
) -> dict[str, int]:
    """Copy the record at `source` to `target`, where there is none yet; rows by table, of which `say` is told each.

    The service must not run on either. One of both is a file, the other on a server; tables are listed there. Raises
    StoreError, and then there is nothing at `target`.
    """
    if isinstance(source, Server) == isinstance(target, Server):
        raise StoreError("both are files or both on a server", where=str(target), remedy="Copy with its own tools")
    with closing(database.connect_read_only(source)) as held:
        database.require_current(held, str(source))
        try:
            if isinstance(target, Server):
                return _to_server(held, target, site, boards, say)
            return _to_file(cast(Postgres, held), target, say)
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise StoreError(
                f"not copied: {error}", where=str(target), remedy="Nothing was changed; see the message"
            ) from error


def _to_server(
    held: sqlite3.Connection, target: Server, site: str, boards: Collection[str], say: Callable[[str, int], None]
) -> dict[str, int]:
    from supervisor.store.province import claim

    with closing(Postgres(target)) as made:
        if schema_version(made):
            raise StoreError(
                "there is a record already",
                where=str(target),
                remedy=f'DROP SCHEMA "{target.schema}" CASCADE, if it may go',
            )
        with transaction(made):
            made.script(PATIENT)
            claim(made, site, boards)
            run_steps(made, database.read_steps(database.migrations()))
            tables = made.tables()
            counts = {}
            held.execute("BEGIN")
            for name in _names(tables):
                counts[name] = _fill(held, cast(sqlite3.Connection, made), name, tables[name])
                say(name, counts[name])
            for name, last in _numbers(held, tables).items():
                if last:
                    made.query("SELECT setval(pg_get_serial_sequence(%(table)s, 'id'), %(last)s)",
                               {"table": f'"{name}"', "last": last})  # fmt: skip
            _compare(held, cast(sqlite3.Connection, made), tables, counts, target)
            held.execute("COMMIT")
    return counts


def _to_file(held: Postgres, target: Path, say: Callable[[str, int], None]) -> dict[str, int]:
    if target.exists():
        raise StoreError("there is a record already", where=str(target), remedy="Move it away, if it may go")
    half = target.with_name(target.name + ".half")
    try:
        half.unlink(missing_ok=True)
        tables = held.tables()
        with closing(database.connect(half)) as made:
            database.migrate(made, str(half))
            if holder := stands(held):
                raise StoreError(f"the district is run by {holder}", where=str(held.place), remedy="Stop it first")
            held.script(f"BEGIN ISOLATION LEVEL REPEATABLE READ; {PATIENT}")
            made.execute("BEGIN IMMEDIATE")
            counts = {}
            for name in _names(tables):
                counts[name] = _fill(cast(sqlite3.Connection, held), made, name, tables[name])
                say(name, counts[name])
            for name, last in _numbers(cast(sqlite3.Connection, held), tables).items():
                made.execute("UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = ?2", (last, name))
                if made.execute("SELECT 1 FROM sqlite_sequence WHERE name = ?", (name,)).fetchone() is None:
                    with suppress(sqlite3.Error):  # a table that does not keep its last number
                        made.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, last))
            _compare(cast(sqlite3.Connection, held), made, tables, counts, target)
            made.execute("COMMIT")
            held.execute("COMMIT")
            made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            made.execute("PRAGMA journal_mode = DELETE")
        _put(half, target)
    finally:
        for rest in (half, *half.parent.glob(half.name + "-*")):
            rest.unlink(missing_ok=True)
    return counts


def _put(half: Path, target: Path) -> None:
    to_disk(half)
    half.replace(target)
    to_disk(target.parent)


def _names(tables: dict[str, Table]) -> list[str]:
    return sorted(name for name in tables if name != "schema_version")


def _rows(db: sqlite3.Connection, name: str, table: Table) -> Iterator[tuple[Any, ...]]:
    """All rows of a table in the order of its first key, some at a time."""
    columns, order = (", ".join(f'"{column}"' for column in part) for part in (table.columns, table.keys[0]))
    question = f'SELECT {columns} FROM "{name}" ORDER BY {order}'
    if isinstance(db, OtherEngine):
        return cast(Postgres, db).stream(question)
    return iter(db.execute(question))


def _fill(held: sqlite3.Connection, made: sqlite3.Connection, name: str, table: Table) -> int:
    columns, marks = ", ".join(f'"{column}"' for column in table.columns), ", ".join("?" * len(table.columns))
    rows = _rows(held, name, table)
    count = 0
    while part := list(islice(rows, AT_ONCE)):
        made.executemany(f'INSERT INTO "{name}" ({columns}) VALUES ({marks})', part)
        count += len(part)
    return count


def _numbers(db: sqlite3.Connection, tables: dict[str, Table]) -> dict[str, int]:
    """The last number that each numbered table has given, also to rows that are gone."""
    found = {}
    for name in _names(tables):
        if tables[name].numbered:
            found[name] = int(db.execute(f'SELECT coalesce(max(id), 0) FROM "{name}"').fetchone()[0])
            if isinstance(db, OtherEngine):
                found[name] = max(found[name], cast(Postgres, db).last_number(name))
    if not isinstance(db, OtherEngine):
        for name, last in db.execute("SELECT name, seq FROM sqlite_sequence"):
            found[name] = max(found.get(name, 0), int(last))
    return found


def _compare(
    held: sqlite3.Connection, made: sqlite3.Connection, tables: dict[str, Table], counts: dict[str, int], where: Place
) -> None:
    for name in _names(tables):
        table = tables[name]
        ours, theirs = _rows(held, name, table), _rows(made, name, table)
        number = 0
        for one in ours:
            number += 1
            other = next(theirs, None)
            if one != other:
                key = {column: one[table.columns.index(column)] for column in table.keys[0]}
                raise StoreError(
                    f"table {name}, row {key}: reads back differently",
                    where=str(where), remedy="Nothing was copied. Correct that row, or say so in an issue",
                )  # fmt: skip
        if number != counts[name] or next(theirs, None) is not None:
            raise StoreError(f"table {name}: not {number} rows", where=str(where), remedy="Nothing was copied")
