"""Outlooks of the evenings, and what came: see `domain.outlook`. Plain functions on a connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from supervisor.domain.outlook import DISTRICT, Checked, Outlook
from supervisor.store.engine import has_table
from supervisor.store.repository import Repository

_CHECKED = "issued_utc_s, zone, stage, probability, called, happened, icy_min"


def put(db: sqlite3.Connection, outlook: Outlook, called: Mapping[str, bool], state: str) -> None:
    """Keep an outlook, and the state of the roads that it began with; one of the same moment is replaced."""
    rows = (
        (outlook.issued_utc_s, one.zone, outlook.until_utc_s, one.stage, one.probability, one.black_ice, one.snow_cm,
         one.onset_utc_s, int(called[one.zone]))
        for one in (outlook.district, *outlook.roads)
    )  # fmt: skip
    db.executemany(
        "INSERT OR REPLACE INTO outlook (issued_utc_s, zone, until_utc_s, stage, probability, black_ice, snow_cm, "
        "onset_utc_s, called) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    db.execute("INSERT OR REPLACE INTO outlook_state VALUES (?, ?)", (outlook.issued_utc_s, state))


def waiting(db: sqlite3.Connection, ended_by_utc_s: int) -> list[tuple[int, int, str]]:
    """Outlooks to be checked, oldest first: issued, until, state."""
    query = (
        "SELECT s.issued_utc_s, o.until_utc_s, s.state FROM outlook_state s JOIN outlook o ON o.issued_utc_s = "
        "s.issued_utc_s AND o.zone = ? WHERE o.until_utc_s <= ? ORDER BY s.issued_utc_s"
    )
    rows = db.execute(query, (DISTRICT, ended_by_utc_s))
    return [(int(issued), int(until), str(state)) for issued, until, state in rows]


def check(db: sqlite3.Connection, issued_utc_s: int, icy_min: Mapping[str, int] | None, now_utc_s: int) -> None:
    """Note what came by road, and of the district; None: nobody will ever know. The state is deleted."""
    db.execute("DELETE FROM outlook_state WHERE issued_utc_s = ?", (issued_utc_s,))
    if icy_min is None:
        return
    for zone, minutes in {**icy_min, DISTRICT: max(icy_min.values(), default=0)}.items():
        db.execute(
            "UPDATE outlook SET happened = ?, icy_min = ?, checked_utc_s = ? WHERE issued_utc_s = ? AND zone = ?",
            (int(minutes > 0), minutes, now_utc_s, issued_utc_s, zone),
        )


def checked(db: sqlite3.Connection, from_utc_s: float, to_utc_s: float) -> list[Checked]:
    """Outlooks that were issued in a period and checked since, oldest first, the district's before its roads'."""
    if not has_table(db, "outlook"):
        return []  # a database from before this table
    rows: Iterable[tuple[int, str, str, float, int, int, int]] = db.execute(
        f"SELECT {_CHECKED} FROM outlook WHERE issued_utc_s >= ? AND issued_utc_s < ? AND happened IS NOT NULL "
        "ORDER BY issued_utc_s, zone",
        (from_utc_s, to_utc_s),
    )
    return [
        Checked(issued_utc_s=issued, zone=zone, stage=stage, probability=probability, called=bool(called),
                happened=bool(happened), icy_min=minutes)
        for issued, zone, stage, probability, called, happened, minutes in rows
    ]  # fmt: skip


class OutlookRepository(Repository):
    """Outlooks and their checks."""

    async def put(self, outlook: Outlook, called: Mapping[str, bool], state: str) -> None:
        """Keep one; `called`: by zone and for the district, whether it says that there will be ice."""
        await self.write(lambda db: put(db, outlook, called, state))

    async def waiting(self, ended_by_utc_s: float) -> list[tuple[int, int, str]]:
        """Those that ended by then and are not checked: issued, until [UTC s], state of the roads."""
        return await self.read(lambda db: waiting(db, int(ended_by_utc_s)))

    async def check(self, issued_utc_s: int, icy_min: Mapping[str, int] | None) -> None:
        """Note what came by road; None: it cannot be known."""
        await self.write(lambda db: check(db, issued_utc_s, icy_min, self._now()))

    async def checked(self, from_utc_s: float, to_utc_s: float) -> list[Checked]:
        """Outlooks issued in a period and checked since."""
        return await self.read(lambda db: checked(db, from_utc_s, to_utc_s))
