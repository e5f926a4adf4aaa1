"""Alarms as they are raised, attended to and cleared; the beginning and the end of each is also an event."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from supervisor.runtime.clock import Clock
from supervisor.store import events
from supervisor.store.events import Event
from supervisor.store.labels import Labels
from supervisor.store.pseudonyms import nameless
from supervisor.store.repository import Repository
from supervisor.store.spool import SpoolRepository
from supervisor.store.writer import Writer

RAISED = "alarm-raised"
ENDED = "alarm-ended"


class AlarmRecord(Struct, frozen=True):
    """A condition that people must see until it is over. One is open per code and subject."""

    id: int
    code: str
    subject: str  # zone, board, feeder, or "" for the service
    detail: str
    raised_utc_s: int
    acknowledged_utc_s: int | None = None
    acknowledged_by: str | None = None
    cleared_utc_s: int | None = None
    comment: str = ""
    assigned_to: str = ""
    shelved_until_utc_s: int | None = None


def raise_alarm(
    db: sqlite3.Connection, code: str, subject: str, detail: str, utc_s: int, labels: Labels | None = None
) -> AlarmRecord:
    """Open an alarm, or return the open one of this code and subject with its detail brought up to date."""
    updated = db.execute(
        "UPDATE alarm SET detail = ? WHERE code = ? AND subject = ? AND cleared_utc_s IS NULL", (detail, code, subject)
    )
    if not updated.rowcount:
        db.execute(
            "INSERT INTO alarm (code, subject, detail, raised_utc_s) VALUES (?, ?, ?, ?)",
            (code, subject, detail, utc_s),
        )
        events.happen(db, labels, Event(utc_s, RAISED, subject, code, nameless(db, detail)))
    row = db.execute(
        "SELECT * FROM alarm WHERE code = ? AND subject = ? AND cleared_utc_s IS NULL", (code, subject)
    ).fetchone()
    return AlarmRecord(*row)


def clear_alarm(db: sqlite3.Connection, code: str, subject: str, utc_s: int, labels: Labels | None = None) -> bool:
    """End an alarm; False where none is open."""
    changed = db.execute(
        "UPDATE alarm SET cleared_utc_s = ? WHERE code = ? AND subject = ? AND cleared_utc_s IS NULL",
        (utc_s, code, subject),
    )
    if changed.rowcount:
        events.happen(db, labels, Event(utc_s, ENDED, subject, code))
    return changed.rowcount > 0


def attend_alarm(db: sqlite3.Connection, code: str, subject: str, said: AlarmRecord) -> bool:
    """Keep what people have said of an open alarm; False where none is open."""
    changed = db.execute(
        "UPDATE alarm SET acknowledged_utc_s = ?, acknowledged_by = ?, comment = ?, assigned_to = ?, "
        "shelved_until_utc_s = ? WHERE code = ? AND subject = ? AND cleared_utc_s IS NULL",
        (
            said.acknowledged_utc_s, said.acknowledged_by, said.comment, said.assigned_to, said.shelved_until_utc_s,
            code, subject,
        ),
    )  # fmt: skip
    return changed.rowcount > 0


def open_alarms(db: sqlite3.Connection) -> list[AlarmRecord]:
    rows = db.execute("SELECT * FROM alarm WHERE cleared_utc_s IS NULL ORDER BY raised_utc_s, id")
    return [AlarmRecord(*row) for row in rows]


class AlarmRepository(Repository):
    """Alarms as they are raised, acknowledged and cleared."""

    def __init__(self, writer: Writer, clock: Clock, lines: SpoolRepository) -> None:
        super().__init__(writer, clock)
        self._spool = lines

    async def raise_alarm(self, code: str, subject: str, detail: str, utc_s: int | None = None) -> AlarmRecord:
        """Open an alarm, or bring the detail of the open one up to date. `utc_s`: since when, default now."""
        now, labels = self._now() if utc_s is None else utc_s, self._spool.labels
        raised = await self.write(lambda db: raise_alarm(db, code, subject, detail, now, labels))
        self._spool.waiting.set()
        return raised

    async def clear_alarm(self, code: str, subject: str, utc_s: int | None = None) -> bool:
        """End an alarm; False where none is open."""
        now, labels = self._now() if utc_s is None else utc_s, self._spool.labels
        ended = await self.write(lambda db: clear_alarm(db, code, subject, now, labels))
        self._spool.waiting.set()
        return ended

    async def attend_alarm(self, said: AlarmRecord) -> bool:
        """Keep what people have said of an open alarm; False where none is open."""
        return await self.write(lambda db: attend_alarm(db, said.code, said.subject, said))

    async def open_alarms(self) -> list[AlarmRecord]:
        """Alarms that are not cleared, oldest first."""
        return await self.read(open_alarms)
