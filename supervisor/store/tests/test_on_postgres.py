"""What is PostgreSQL's own: versions, lost servers, two writers, values that it cannot hold; and it is not imported."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.config.database_rules import address_problem
from supervisor.domain.errors import StoreError
from supervisor.runtime.clock import ManualClock
from supervisor.store import Store, database
from supervisor.store.dialect import Table, Translator
from supervisor.store.journal import append_audit
from supervisor.store.place import Server
from supervisor.store.postgres import Postgres
from tools.postgres_server import PostgresServer
from tools.record_places import on_server

pytestmark = pytest.mark.postgres
T0 = 1_703_980_800


@pytest.fixture
def server(postgres: PostgresServer) -> Server:
    return on_server(postgres)


async def test_a_record_of_another_version_is_refused_with_a_sentence(server: Server) -> None:
    store = Store.open(server, ManualClock(T0))
    await store.close()
    db = Postgres(server)
    db.set_schema_version(9999)
    with pytest.raises(StoreError, match=r"schema 9999, this version knows \d+"):
        Store.open(server, ManualClock(T0))
    reader = database.connect_read_only(server)
    with pytest.raises(StoreError, match="schema 9999, this roadheat supports"):
        database.require_current(reader, str(server))


def test_an_empty_district_and_a_server_that_is_not_there_are_refused(server: Server) -> None:
    with pytest.raises(StoreError, match="an empty database"):
        database.connect_read_only(server)
    with pytest.raises(StoreError, match="PostgreSQL cannot be used"):
        database.connect(Server("postgresql://nobody@127.0.0.1:1/none", "x"))


async def test_a_server_that_ends_loses_nothing_committed_and_is_found_again(
    postgres: PostgresServer, server: Server
) -> None:
    store = Store.open(server, ManualClock(T0))
    await store.values.set("a", "1")
    await asyncio.to_thread(postgres.kill)
    with pytest.raises(StoreError):
        await store.values.set("a", "2")
    with pytest.raises(StoreError):
        await store.values.get("a")
    await asyncio.to_thread(postgres.start)
    assert await store.values.get("a") == "1"
    await store.values.set("a", "3")
    assert await store.values.get("a") == "3"
    await store.close()


def test_a_transaction_does_not_go_on_over_a_new_connection(server: Server) -> None:
    db, other = database.connect(server), Postgres(server)
    database.migrate(db)
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO kv VALUES ('a', '1')")
    (backend,) = db.execute("SELECT pg_backend_pid()").fetchone()
    other.query("SELECT pg_terminate_backend(%(pid)s)", {"pid": backend})
    for statement in ("INSERT INTO kv VALUES ('b', '1')", "INSERT INTO kv VALUES ('c', '1')", "COMMIT"):
        with pytest.raises(sqlite3.OperationalError):
            db.execute(statement)
    assert not db.in_transaction
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO kv VALUES ('d', '1')")
    db.execute("COMMIT")
    assert db.execute("SELECT key FROM kv WHERE length(key) = 1").fetchall() == [("d",)]


async def test_the_service_and_the_console_number_the_audit_together(server: Server) -> None:
    """Numbers follow what is there, so writers take turns as they do in a file."""
    store = Store.open(server, ManualClock(T0))

    def console() -> None:
        db = database.connect(server)
        for n in range(50):
            db.execute("BEGIN IMMEDIATE")
            append_audit(db, T0, "console", "x", str(n))
            db.execute("COMMIT")
        db.close()

    await asyncio.gather(asyncio.to_thread(console), *(store.audit.append("kim", "x", str(n)) for n in range(50)))
    assert (await store.audit.verify())[0] == 100
    await store.close()


async def test_a_value_that_cannot_be_held_is_refused_alone(server: Server) -> None:
    store = Store.open(server, ManualClock(T0))
    outcomes = await asyncio.gather(
        store.values.set("a", "nul \0"), store.values.set("b", "half \ud800"), store.values.set("c", "kept"),
        store.write(lambda db: db.execute("INSERT INTO counter VALUES ('n', ?)", (1 << 63,))),
        return_exceptions=True,
    )  # fmt: skip
    assert [type(one) for one in outcomes] == [StoreError, UnicodeEncodeError, type(None), OverflowError]
    assert await store.values.get("c") == "kept"
    assert await store.values.get("a") is None
    await store.close()


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("postgresql://roadheat@db.city/roadheat", None),
        ("postgresql://roadheat@/roadheat?host=/run/postgresql", None),
        ("postgresql://roadheat:secret@db.city/roadheat", "contains a password"),
        ("postgresql://db.city/roadheat?password=secret", "contains a password"),
        ("postgresql://db.city/roadheat?options=-csearch_path%3Dx", "contains `options`"),
        ("postgresql://db.city", "not the address of a database"),
        ("mysql://db.city/roadheat", "not the address of a database"),
        ("postgresql://db.city:99999/roadheat", "not the address of a database"),
    ],
)
def test_addresses(address: str, problem: str | None) -> None:
    found = address_problem(address)
    assert (found[0] if found else None) == problem
    assert "secret" not in str(found)


def test_without_an_address_nothing_of_it_is_imported(tmp_path: Path) -> None:
    probe = (
        "import sys, asyncio; from pathlib import Path; import supervisor.app; from supervisor.store import Store; "
        "from supervisor.runtime.clock import SystemClock; Store.open(Path(sys.argv[1]), SystemClock()); "
        "print(sorted({'psycopg', 'sqlglot'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, str(tmp_path / "r.db")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


KV = Table(("key", "value"), (("key",),), False)
NUMBERED = Table(("id", "a", "b"), (("id",), ("a",)), True)


@pytest.mark.parametrize(
    ("sqlite", "postgres"),
    [
        ("INSERT OR REPLACE INTO kv VALUES (?, 'a ? %')",
         'INSERT INTO "kv" VALUES (%(p1)s, \'a ? %%\') ON CONFLICT("key") DO UPDATE SET "value" = "excluded"."value"'),
        ("INSERT INTO kv VALUES (?1, ?1) ON CONFLICT DO UPDATE SET value = value + excluded.value",
         'INSERT INTO "kv" VALUES (%(p1)s, %(p1)s) ON CONFLICT("key") DO UPDATE SET '
         '"value" = "kv"."value" + "excluded"."value"'),
        ("INSERT OR REPLACE INTO n (a) VALUES (?)",
         'INSERT INTO "n" ("a") VALUES (%(p1)s) ON CONFLICT("a") DO UPDATE SET '
         '"id" = "excluded"."id", "b" = "excluded"."b"'),
        ("INSERT OR IGNORE INTO kv VALUES (1, 2)", 'INSERT INTO "kv" VALUES (1, 2) ON CONFLICT DO NOTHING'),
        ("INSERT INTO n (a) VALUES (?)", 'INSERT INTO "n" ("a") VALUES (%(p1)s) RETURNING "id"'),
        ("SELECT a FROM (SELECT a FROM n) ORDER BY a DESC LIMIT ?",
         'SELECT "a" FROM (SELECT "a" FROM "n") AS "q2" ORDER BY "a" DESC LIMIT NULLIF(%(p1)s, -1)'),
        ("SELECT rowid FROM n WHERE b < :from", 'SELECT "ctid" FROM "n" WHERE "b" < %(v_from)s'),
        ("SELECT date(:to, 'unixepoch')",
         "SELECT TO_CHAR(TIMEZONE('UTC', TO_TIMESTAMP(%(v_to)s)), 'YYYY-MM-DD')"),
        ("BEGIN IMMEDIATE", "BEGIN"),
        ("ROLLBACK TO job", "ROLLBACK TO SAVEPOINT job"),
    ],
)  # fmt: skip
def test_statements(sqlite: str, postgres: str) -> None:
    assert Translator().translate(sqlite, lambda: {"kv": KV, "n": NUMBERED}).sql == postgres
