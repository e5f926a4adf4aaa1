"""A district's record on PostgreSQL, behind the methods of `sqlite3.Connection`; imported only where one is configured.

Each district has a schema of its own, so statements name tables as they do in SQLite. A lost connection is made again
by the next transaction. Values come back as SQLite's types: a sum of integers is an int, a condition 0 or 1.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import count, islice
from typing import Any, NoReturn

import psycopg
from psycopg import pq, sql
from psycopg.adapt import Buffer, Dumper, Loader

from supervisor.domain.errors import StoreError
from supervisor.store.dialect import Table, Translator
from supervisor.store.engine import OtherEngine, Parameters, Rows
from supervisor.store.place import Server, lost

LOCK_S = 5  # as SQLite's busy timeout: others write little
CONNECT_S = 5
STATEMENT_S = 60  # a month's report of a large district takes some seconds
IDLE_S = 5  # a process that stops within a transaction holds others up no longer than this
SILENT_MS = 10_000  # until a server that acknowledges nothing counts as lost
AT_ONCE = 500  # statements sent together
INT64 = 1 << 63
_SCHEMA_TABLE = "schema_version"
_STREAMS = count()


class _Int(Dumper):
    def dump(self, obj: Any) -> bytes:
        if not -INT64 <= obj < INT64:
            raise OverflowError("Python int too large to convert to PostgreSQL bigint")
        return b"%d" % int(obj)

    def quote(self, obj: Any) -> bytes:
        text = self.dump(obj)
        return b" " + text if text.startswith(b"-") else text  # "- -1", not the comment "--1"


class _Float(Dumper):
    """NaN becomes NULL, as in SQLite."""

    def dump(self, obj: Any) -> bytes | None:
        return None if obj != obj else repr(float(obj)).encode()

    def quote(self, obj: Any) -> bytes:
        text = self.dump(obj)
        return b"NULL" if text is None else b" '" + text + b"'::float8"


class _Number(Loader):
    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return float(text) if "." in text or "N" in text else int(text)


class _Condition(Loader):
    def load(self, data: Buffer) -> int:
        return int(bytes(data) == b"t")


def _adapt(connection: psycopg.Connection[Any]) -> None:
    for kind in (int, bool):
        connection.adapters.register_dumper(kind, _Int)
    connection.adapters.register_dumper(float, _Float)
    connection.adapters.register_loader("numeric", _Number)
    connection.adapters.register_loader("bool", _Condition)


class Postgres(OtherEngine):
    """One connection to a district's schema."""

    def __init__(self, place: Server, *, read_only: bool = False) -> None:
        """Raises StoreError where the server cannot be reached."""
        self.place = place
        self._read_only = read_only
        self._begun = False  # a transaction, which a new connection must not go on with
        self._connection = self._connect()
        self._translator = _translator(place.address, place.schema)

    def _connect(self) -> psycopg.Connection[Any]:
        settings = {
            "search_path": f'"{self.place.schema}"',
            "synchronous_commit": "on",
            "lock_timeout": f"{LOCK_S}s",
            "statement_timeout": f"{STATEMENT_S}s",
            "idle_in_transaction_session_timeout": f"{IDLE_S}s",
            "timezone": "UTC",
            "client_encoding": "UTF8",
            "default_transaction_read_only": "on" if self._read_only else "off",
        }
        try:
            connection = psycopg.Connection.connect(
                self.place.address,
                autocommit=True,
                cursor_factory=psycopg.ClientCursor,
                connect_timeout=CONNECT_S,
                tcp_user_timeout=SILENT_MS,
                application_name="roadheat",
                options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
            )
        except psycopg.Error as error:
            raise _unreachable(self.place, error) from error
        connection.prepare_threshold = None
        _adapt(connection)
        return connection

    def execute(self, statement: str, parameters: Parameters = ()) -> Rows:
        translated = self._translator.translate(statement, self.tables)
        if statement.startswith(("BEGIN", "COMMIT")) or statement == "ROLLBACK":
            self._begun = self._begun and statement == "COMMIT"
        cursor = self._run(translated.sql, _named(parameters))
        self._begun = statement != "COMMIT" and (self._begun or statement.startswith("BEGIN"))
        if statement == "BEGIN IMMEDIATE":  # one writer at a time, as in SQLite: rows are numbered by what is there
            self._run("SELECT pg_advisory_xact_lock(%(p1)s)", {"p1": lock_of(self.place.schema)})
            if self.place.fence:
                self._require_lease()
        rows = cursor.fetchall() if cursor.description else []
        if translated.gives_id:
            return Rows([], cursor.rowcount, rows[-1][0] if rows else None)
        return Rows(rows, cursor.rowcount)

    def executemany(self, statement: str, parameters: Iterable[Parameters]) -> Rows:
        """As `execute`; some hundred statements go to the server together."""
        translated = self._translator.translate(statement, self.tables)
        each, changed = iter(parameters), 0
        while part := list(islice(each, AT_ONCE)):
            try:
                cursor = psycopg.ClientCursor(self._connection)
                texts = [cursor.mogrify(translated.sql.encode(), _named(one)) for one in part]
            except psycopg.Error as error:
                _raise(error)
            done = self._run(";".join(texts).replace("%", "%%"), {})
            changed += max(done.rowcount, 0)
            while done.nextset():
                changed += max(done.rowcount, 0)
        return Rows([], changed)

    def _require_lease(self) -> None:
        """Hold the lease's row until the commit: who takes it waits for that. Raises StoreError where it is taken."""
        found = self.query(
            "SELECT fence FROM roadheat.lease WHERE district = %(district)s FOR SHARE",
            {"district": self.place.district},
        )
        if not found or found[0][0] != self.place.fence:
            self.execute("ROLLBACK")
            raise lost(self.place)

    def query(self, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run a statement of PostgreSQL's own SQL; its rows."""
        cursor = self._run(statement, parameters)
        return cursor.fetchall() if cursor.description else []

    def stream(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a statement of PostgreSQL's own SQL, some at a time; within a transaction."""
        try:
            with psycopg.ServerCursor(self._connection, f"stream_{next(_STREAMS)}") as cursor:
                cursor.itersize = AT_ONCE
                yield from cursor.execute(statement.encode())
        except psycopg.Error as error:
            _raise(error)

    def last_number(self, table: str) -> int:
        """The last number that a numbered table's sequence has given; 0 where it has given none."""
        found = self.query(
            "SELECT pg_sequence_last_value(pg_get_serial_sequence(%(name)s, 'id')::regclass)", {"name": f'"{table}"'}
        )
        return int(found[0][0] or 0)

    def script(self, text: str) -> None:
        """Run statements of PostgreSQL's own SQL."""
        self._run(text, None)

    def _run(self, statement: str, parameters: Mapping[str, Any] | None) -> psycopg.Cursor[Any]:
        if self._connection.closed:
            if self._begun:
                raise sqlite3.OperationalError("the connection was lost within a transaction")
            self._connection = self._connect()
        try:
            try:
                return self._connection.execute(statement.encode(), parameters)
            except psycopg.OperationalError:
                if not (self._read_only and self._connection.closed):
                    raise
                self._connection = self._connect()  # the server has been started again meanwhile
                return self._connection.execute(statement.encode(), parameters)
        except psycopg.Error as error:
            _raise(error)

    @property
    def in_transaction(self) -> bool:
        status = self._connection.info.transaction_status
        return not self._connection.closed and status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    def close(self) -> None:
        self._connection.close()

    def schema_version(self) -> int:
        if not self.has_table(_SCHEMA_TABLE):
            return 0
        return int(self._run(f"SELECT version FROM {_SCHEMA_TABLE}", {}).fetchone()[0])  # type: ignore[index]

    def set_schema_version(self, version: int) -> None:
        self.script(
            f"CREATE TABLE IF NOT EXISTS {_SCHEMA_TABLE} (version BIGINT NOT NULL);"
            f"DELETE FROM {_SCHEMA_TABLE}; INSERT INTO {_SCHEMA_TABLE} VALUES ({version})"
        )
        self._translator.forget()

    def has_table(self, name: str) -> bool:
        found = self._run("SELECT to_regclass(%(p1)s) IS NOT NULL", {"p1": f'"{self.place.schema}"."{name}"'})
        return bool(found.fetchone()[0])  # type: ignore[index]

    def make_schema(self) -> None:
        """The district's own schema, where there is none."""
        name = sql.Identifier(self.place.schema).as_string(self._connection)
        self.script(f"CREATE SCHEMA IF NOT EXISTS {name}")

    def tables(self) -> dict[str, Table]:
        """What the schema has, by name."""
        columns = self._run(
            "SELECT table_name, column_name, is_identity = 'YES' FROM information_schema.columns "
            "WHERE table_schema = %(p1)s ORDER BY table_name, ordinal_position", {"p1": self.place.schema},
        ).fetchall()  # fmt: skip
        keys = self._run(
            "SELECT t.relname, array(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k(n, at) "
            "JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.n ORDER BY k.at) FROM pg_index i "
            "JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace "
            "WHERE s.nspname = %(p1)s AND i.indisunique AND i.indpred IS NULL "
            "ORDER BY NOT i.indisprimary, i.indexrelid",
            {"p1": self.place.schema},
        ).fetchall()
        return {
            name: Table(
                tuple(column for table, column, _ in columns if table == name),
                tuple(tuple(key) for table, key in keys if table == name),
                any(numbered and column == "id" for table, column, numbered in columns if table == name),
            )
            for name in {table for table, _, _ in columns}
        }


def lock_of(schema: str) -> int:
    """The advisory lock of a district's writers."""
    return zlib.crc32(schema.encode())


@cache
def _translator(address: str, schema: str) -> Translator:
    """Shared by a district's connections."""
    return Translator()


def _named(parameters: Parameters) -> dict[str, Any]:
    if isinstance(parameters, Mapping):
        return {f"v_{name}": value for name, value in parameters.items()}
    return {f"p{number}": value for number, value in enumerate(parameters, 1)}


def _raise(error: psycopg.Error) -> NoReturn:
    text = " ".join(str(error).split())
    if isinstance(error, psycopg.IntegrityError):
        raise sqlite3.IntegrityError(text) from error
    if isinstance(error, psycopg.DataError):
        raise sqlite3.DataError(text) from error
    raise sqlite3.OperationalError(text) from error


def _unreachable(place: Server, error: psycopg.Error) -> StoreError:
    lines = str(error).strip().splitlines()
    return StoreError(
        f"PostgreSQL cannot be used: {lines[-1] if lines else error}",
        where=str(place),
        remedy="Check that it runs, that the database exists, and user and password (PGUSER, PGPASSFILE or PGPASSWORD)",
    )
