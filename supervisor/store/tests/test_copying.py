"""A record copied to the other engine and back is the same; what would not be is refused and leaves nothing."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.domain.errors import StoreError
from supervisor.runtime.clock import ManualClock
from supervisor.store import Store, database
from supervisor.store.copying import copy
from supervisor.store.place import Server
from supervisor.store.postgres import Postgres
from tools.postgres_server import PostgresServer
from tools.record_places import own_database

pytestmark = pytest.mark.postgres
T0 = 1_703_980_800
VALUES = {
    "INTEGER": lambda rng: rng.choice([0, 1, -(2**63), 2**63 - 1, rng.randint(0, 2**40)]),
    "REAL": lambda rng: rng.choice([0.1, -1e-300, 1e300, 3.0, rng.random()]),
    "TEXT": lambda rng: rng.choice(["", "빙판 길", "a'b\\c\n%s ?1 :x", str(rng.random())]),
    "BLOB": lambda rng: rng.randbytes(rng.randint(0, 300)),
}


def fill_every_table(path: Path, rows: int = 40) -> dict[str, int]:
    """Rows of every value that a column may hold; how many by table."""
    rng, counts = random.Random(7), {}
    with closing(database.connect(path)) as db:
        database.migrate(db)
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        for name in sorted(set(names) - {"sqlite_sequence"}):
            columns = db.execute(f'PRAGMA table_info("{name}")').fetchall()
            for _ in range(rows):
                values = [
                    None if not needed and not key and rng.random() < 0.3 else VALUES[kind](rng)
                    for _, _, kind, needed, _, key in columns
                ]
                db.execute(f'INSERT OR IGNORE INTO "{name}" VALUES ({", ".join("?" * len(values))})', values)
            (counts[name],) = db.execute(f'SELECT count(*) FROM "{name}"').fetchone()
    return counts


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return sorted(line for line in db.iterdump() if "sqlite_sequence" not in line)


def quiet(table: str, rows: int) -> None:
    pass


def test_every_table_there_and_back_is_the_same(postgres: PostgresServer, tmp_path: Path) -> None:
    filled = fill_every_table(tmp_path / "a.db")
    server = own_database(postgres)
    assert copy(tmp_path / "a.db", server, "s", ["b01"], quiet) == filled
    assert all(count > 1 for count in filled.values())
    assert copy(server, tmp_path / "b.db", "s", ["b01"], quiet) == filled
    assert dump(tmp_path / "b.db") == dump(tmp_path / "a.db")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("b.")] == ["b.db"]


async def test_a_copy_goes_on_where_the_record_was(postgres: PostgresServer, tmp_path: Path) -> None:
    """Numbers are not given twice, also those of rows that are gone; the audit's chain and its triggers hold."""
    clock = ManualClock(T0)
    store = Store.open(tmp_path / "a.db", clock, spool_cap_bytes=2**20)
    for n in range(5):
        await store.audit.append("kim", "x", str(n))
    insert = "INSERT INTO spool (points, lines) VALUES (1, ?)"
    await store.write(lambda db: db.executemany(insert, [("a",), ("b",)]))
    await store.write(lambda db: db.execute("DELETE FROM spool WHERE id = 2"))
    await store.close()
    server = own_database(postgres)
    copy(tmp_path / "a.db", server, "s", [], quiet)
    store = Store.open(server, clock, spool_cap_bytes=2**20)
    await store.audit.append("kim", "x", "5")
    assert (await store.audit.verify())[0] == 6
    with pytest.raises(StoreError, match="only grows"):
        await store.write(lambda db: db.execute("DELETE FROM audit"))
    assert await store.write(lambda db: db.execute(insert, ("c",)).lastrowid) == 3
    await store.write(lambda db: db.execute("DELETE FROM spool WHERE id = 3"))
    await store.close()
    copy(server, tmp_path / "b.db", "s", [], quiet)
    store = Store.open(tmp_path / "b.db", clock, spool_cap_bytes=2**20)
    assert await store.write(lambda db: db.execute(insert, ("d",)).lastrowid) == 4
    await store.close()


def test_a_place_that_is_not_empty_is_refused_and_stays(postgres: PostgresServer, tmp_path: Path) -> None:
    fill_every_table(tmp_path / "a.db", 3)
    server = own_database(postgres)
    copy(tmp_path / "a.db", server, "s", [], quiet)
    with pytest.raises(StoreError, match="there is a record already"):
        copy(tmp_path / "a.db", server, "s", [], quiet)
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(StoreError, match="there is a record already"):
        copy(server, tmp_path / "a.db", "s", [], quiet)
    assert (tmp_path / "a.db").read_bytes() == before
    with pytest.raises(StoreError, match="both are files"):
        copy(tmp_path / "a.db", tmp_path / "c.db", "s", [], quiet)


@pytest.mark.parametrize("value", ["a\0b", 2.5], ids=["NUL in a text", "a fraction among integers"])
def test_what_would_read_back_differently_is_named_and_nothing_is_left(
    postgres: PostgresServer, tmp_path: Path, value: object
) -> None:
    path, server = tmp_path / "a.db", own_database(postgres)
    with closing(database.connect(path)) as db:
        database.migrate(db)
        db.execute("INSERT INTO counter VALUES ('n', 1)")
        db.execute(f"UPDATE counter SET {'name' if isinstance(value, str) else 'value'} = ?", (value,))
    with pytest.raises(StoreError, match="NUL" if isinstance(value, str) else "table counter, row .*differently"):
        copy(path, server, "s", [], quiet)
    with closing(Postgres(server)) as made:
        assert made.schema_version() == 0


def test_a_record_of_an_older_version_is_not_copied(postgres: PostgresServer, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        db.execute("CREATE TABLE kv (key TEXT)")
        db.execute("PRAGMA user_version = 3")
    with pytest.raises(StoreError, match="schema 3, this roadheat supports"):
        copy(tmp_path / "a.db", own_database(postgres), "s", [], quiet)


def test_no_district_and_no_board_is_there_twice(postgres: PostgresServer, tmp_path: Path) -> None:
    with closing(database.connect(tmp_path / "a.db")) as db:
        database.migrate(db)
    here = own_database(postgres)

    def enter(district: str, site: str, *boards: str) -> None:
        copy(tmp_path / "a.db", Server(here.address, district), site, boards, quiet)

    enter("north", "North", "b01", "b02")
    with pytest.raises(StoreError, match="board b02 is in district north already"):
        enter("south", "South", "b02", "b03")
    enter("south", "South", "b03")
    with closing(Postgres(here)) as made:
        made.script('DROP SCHEMA "district_north" CASCADE')
    with pytest.raises(StoreError, match="district north is the one of site 'North', not of 'Other'"):
        enter("north", "Other", "b09")
    enter("north", "North", "b02")  # b01 is free now
    enter("west", "West", "b01")
