"""What crews did on roads themselves, with its audit entry and its event in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from supervisor.domain.road_work import RoadWork
from supervisor.runtime.clock import Clock
from supervisor.store import events, journal, spool
from supervisor.store.labels import Labels
from supervisor.store.repository import Repository
from supervisor.store.writer import Writer

_COLUMNS = "id, zone, kind, user, utc_s, agent, amount_g_m2, removed_mm, salt_g_m2, taken_back_utc_s, taken_back_by"


def add(db: sqlite3.Connection, works: Sequence[RoadWork]) -> list[RoadWork]:
    """Keep new works, all or none; returns them with their ids."""
    added = []
    for work in works:
        cursor = db.execute(
            f"INSERT INTO road_work ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
            (work.zone, work.kind, work.user, work.utc_s, work.agent, work.amount_g_m2, work.removed_mm,
             work.salt_g_m2),
        )  # fmt: skip
        added.append(msgspec.structs.replace(work, id=int(cursor.lastrowid or 0)))
    return added


def between(db: sqlite3.Connection, zone: str | None, from_utc_s: float, to_utc_s: float) -> list[RoadWork]:
    """Works of a period, newest first; None: of all zones."""
    query = (
        f"SELECT {_COLUMNS} FROM road_work WHERE (?1 IS NULL OR zone = ?1) AND utc_s >= ?2 AND utc_s < ?3 "
        "ORDER BY utc_s DESC, id DESC"
    )
    return [_work(row) for row in db.execute(query, (zone, from_utc_s, to_utc_s))]


def _work(row: Sequence[object]) -> RoadWork:
    return msgspec.convert(dict(zip(_COLUMNS.split(", "), row, strict=True)), RoadWork)


def said(work: RoadWork) -> str:
    """For audit and event, e.g. "20 g/m² calcium-chloride"; empty where there is nothing to add."""
    if work.agent is None:
        return ""
    return f"{work.agent}" if work.amount_g_m2 is None else f"{work.amount_g_m2:g} g/m² {work.agent}"


class RoadWorkRepository(Repository):
    """Works on roads."""

    def __init__(self, writer: Writer, clock: Clock, lines: spool.SpoolRepository) -> None:
        super().__init__(writer, clock)
        self._spool = lines

    async def add(self, works: Sequence[RoadWork]) -> list[RoadWork]:
        """Keep works of one person and moment, with one audit entry; each becomes an event and a point."""
        first, labels = works[0], self._spool.labels
        detail = ", ".join(work.zone for work in works) + (f": {said(first)}" if said(first) else "")

        def job(db: sqlite3.Connection) -> list[RoadWork]:
            journal.append_audit(db, first.utc_s, first.user, first.kind, detail)
            for work in works:
                _tell(db, labels, work, work.kind, said(work))
            return add(db, works)

        added: list[RoadWork] = await self.write(job)
        self._spool.waiting.set()
        return added

    async def take_back(self, work: RoadWork, user: str) -> RoadWork:
        """Keep that it was not so."""
        taken = msgspec.structs.replace(work, taken_back_utc_s=self._now(), taken_back_by=user)
        labels = self._spool.labels

        def job(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE road_work SET taken_back_utc_s = ?, taken_back_by = ? WHERE id = ?",
                (taken.taken_back_utc_s, user, work.id),
            )
            journal.append_audit(db, taken.taken_back_utc_s or 0, user, "take-back", f"{work.kind} {work.zone}")
            _tell(db, labels, taken, f"{work.kind}-taken-back", "")

        await self.write(job)
        self._spool.waiting.set()
        return taken

    async def between(self, zone: str | None, from_utc_s: float, to_utc_s: float) -> list[RoadWork]:
        """Works of a period, newest first; None: of all zones."""
        return await self.read(lambda db: between(db, zone, from_utc_s, to_utc_s))


def _tell(db: sqlite3.Connection, labels: Labels | None, work: RoadWork, kind: str, detail: str) -> None:
    now = work.taken_back_utc_s or work.utc_s
    events.happen(db, labels, events.Event(now, kind, work.zone, detail))
