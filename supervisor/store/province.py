"""Which districts a PostgreSQL database holds: none twice, and no board in two of them.

Boards are known by their id wherever they dial in, so one database holds each id once.
"""

from __future__ import annotations

from collections.abc import Collection

from supervisor.domain.errors import StoreError
from supervisor.store.postgres import Postgres

_TABLES = """
CREATE SCHEMA IF NOT EXISTS roadheat;
CREATE TABLE IF NOT EXISTS roadheat.district (id TEXT PRIMARY KEY, site TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS roadheat.board (id TEXT PRIMARY KEY, district TEXT NOT NULL REFERENCES roadheat.district);
"""
_LOCK = 7_623_001  # of the whole database: two districts may start at the same moment


def claim(db: Postgres, site: str, boards: Collection[str]) -> None:
    """Enter the district of `db` with its boards, within the caller's transaction.

    Raises StoreError where the district's id belongs to another site or a board to another district.
    """
    district = db.place.district
    db.query("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": _LOCK})
    db.script(_TABLES)
    known = db.query("SELECT site FROM roadheat.district WHERE id = %(id)s", {"id": district})
    if known and known[0][0] != site:
        raise StoreError(
            f"district {district} is the one of site {known[0][0]!r}, not of {site!r}",
            where=str(db.place),
            remedy="Write another id in [database] district; where the site has a new name, "
            f"UPDATE roadheat.district SET site = '…' WHERE id = '{district}'",
        )
    held = db.query(
        "SELECT id, district FROM roadheat.board WHERE id = ANY(%(boards)s) AND district <> %(id)s ORDER BY id",
        {"boards": sorted(boards), "id": district},
    )
    if held:
        raise StoreError(
            f"board {held[0][0]} is in district {held[0][1]} already",
            where=str(db.place),
            remedy="Give it another id, or take it out of that district's city.toml and start that one first; "
            "districts with nothing in common can have a database each",
        )
    db.query("INSERT INTO roadheat.district VALUES (%(id)s, %(site)s) ON CONFLICT DO NOTHING",
             {"id": district, "site": site})  # fmt: skip
    db.query("DELETE FROM roadheat.board WHERE district = %(id)s AND NOT id = ANY(%(boards)s)",
             {"id": district, "boards": sorted(boards)})  # fmt: skip
    for board in boards:
        db.query("INSERT INTO roadheat.board VALUES (%(board)s, %(id)s) ON CONFLICT DO NOTHING",
                 {"board": board, "id": district})  # fmt: skip
