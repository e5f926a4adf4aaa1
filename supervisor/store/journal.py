"""Entries of the audit log (a hash chain, UTC; more in `audit`), events, alarms, and a few values by key."""

from __future__ import annotations

import hashlib
import json
import sqlite3

from msgspec import Struct

from supervisor.runtime.clock import Clock
from supervisor.store import spool
from supervisor.store.repository import Repository
from supervisor.store.tick import event_line
from supervisor.store.writer import Writer

BURST_S = 600  # an event that was stamped later than it happened was so by less
GENESIS = bytes(32)  # stands before the first audit entry


class AuditEntry(Struct, frozen=True):
    id: int
    utc_s: int
    user: str
    action: str
    detail: str


class Event(Struct, frozen=True):
    utc_s: int
    kind: str
    subject: str
    detail: str


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


def link(previous: bytes, number: int, utc_s: int, user: str, action: str, detail: str) -> bytes:
    """The hash of an entry, which covers the one before it."""
    text = json.dumps([number, utc_s, user, action, detail], ensure_ascii=False)
    return hashlib.sha256(previous + text.encode()).digest()


def append_audit(db: sqlite3.Connection, utc_s: int, user: str, action: str, detail: str) -> None:
    row = db.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    last_id, previous = row if row else (0, GENESIS)
    digest = link(previous, last_id + 1, utc_s, user, action, detail)
    db.execute(
        "INSERT INTO audit (id, utc_s, user, action, detail, hash) VALUES (?, ?, ?, ?, ?, ?)",
        (last_id + 1, utc_s, user, action, detail, digest),
    )


def audit(db: sqlite3.Connection, from_utc_s: float, to_utc_s: float) -> list[AuditEntry]:
    """Entries of a period, oldest first."""
    rows = db.execute(
        "SELECT id, utc_s, user, action, detail FROM audit WHERE utc_s >= ? AND utc_s < ? ORDER BY id",
        (from_utc_s, to_utc_s),
    )
    return [AuditEntry(*row) for row in rows]


def append_event(db: sqlite3.Connection, event: Event) -> None:
    db.execute(
        "INSERT INTO event (utc_s, kind, subject, detail) VALUES (?, ?, ?, ?)",
        (event.utc_s, event.kind, event.subject, event.detail),
    )


def point_second(db: sqlite3.Connection, subject: str, utc_s: int) -> int:
    """The stamp of the next event's point: two of one subject and second would overwrite each other in InfluxDB, so
    one that comes in the same second is stamped with the next that is free.
    """
    taken = utc_s - BURST_S - 1
    for (at_s,) in db.execute(
        "SELECT utc_s FROM event WHERE subject = ? AND utc_s BETWEEN ? AND ? ORDER BY utc_s, id",
        (subject, utc_s - BURST_S, utc_s),
    ):
        taken = max(taken + 1, at_s)
    return max(taken + 1, utc_s)


def events(db: sqlite3.Connection, from_utc_s: float, to_utc_s: float, kind: str | None = None) -> list[Event]:
    """Events of a period, oldest first."""
    rows = db.execute(
        "SELECT utc_s, kind, subject, detail FROM event WHERE utc_s >= ?1 AND utc_s < ?2 "
        "AND (?3 IS NULL OR kind = ?3) ORDER BY utc_s, id",
        (from_utc_s, to_utc_s, kind),
    )
    return [Event(*row) for row in rows]


def raise_alarm(db: sqlite3.Connection, code: str, subject: str, detail: str, utc_s: int) -> AlarmRecord:
    """Open an alarm, or return the open one of this code and subject with its detail brought up to date."""
    db.execute(
        "INSERT INTO alarm (code, subject, detail, raised_utc_s) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (code, subject) WHERE cleared_utc_s IS NULL DO UPDATE SET detail = excluded.detail",
        (code, subject, detail, utc_s),
    )
    row = db.execute(
        "SELECT * FROM alarm WHERE code = ? AND subject = ? AND cleared_utc_s IS NULL", (code, subject)
    ).fetchone()
    return AlarmRecord(*row)


def clear_alarm(db: sqlite3.Connection, code: str, subject: str, utc_s: int) -> bool:
    """End an alarm; False where none is open."""
    changed = db.execute(
        "UPDATE alarm SET cleared_utc_s = ? WHERE code = ? AND subject = ? AND cleared_utc_s IS NULL",
        (utc_s, code, subject),
    )
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


def kv_get(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute("SELECT value FROM kv WHERE key = ?", (f"app.{key}",)).fetchone()
    return str(row[0]) if row else None


def kv_set(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", (f"app.{key}", value))


class EventRepository(Repository):
    """Rare events."""

    def __init__(self, writer: Writer, clock: Clock, lines: spool.SpoolRepository) -> None:
        super().__init__(writer, clock)
        self._spool = lines

    async def append(self, kind: str, subject: str, detail: str) -> None:
        """Keep an event; it also becomes a point."""
        event = Event(self._now(), kind, subject, detail)
        labels = self._spool.labels

        def job(db: sqlite3.Connection) -> None:
            second = point_second(db, subject, event.utc_s)
            append_event(db, event)
            if labels is not None:
                spool.put(db, event_line(labels.site, subject, kind, detail, second), 1)

        await self.write(job)
        self._spool.waiting.set()

    async def happened(self, from_utc_s: float, to_utc_s: float, kind: str | None = None) -> list[Event]:
        """Events of a period, oldest first."""
        return await self.read(lambda db: events(db, from_utc_s, to_utc_s, kind))


class AlarmRepository(Repository):
    """Alarms as they are raised, acknowledged and cleared."""

    async def raise_alarm(self, code: str, subject: str, detail: str, utc_s: int | None = None) -> AlarmRecord:
        """Open an alarm, or bring the detail of the open one up to date. `utc_s`: since when, default now."""
        now = self._now() if utc_s is None else utc_s
        return await self.write(lambda db: raise_alarm(db, code, subject, detail, now))

    async def clear_alarm(self, code: str, subject: str, utc_s: int | None = None) -> bool:
        """End an alarm; False where none is open."""
        now = self._now() if utc_s is None else utc_s
        return await self.write(lambda db: clear_alarm(db, code, subject, now))

    async def attend_alarm(self, said: AlarmRecord) -> bool:
        """Keep what people have said of an open alarm; False where none is open."""
        return await self.write(lambda db: attend_alarm(db, said.code, said.subject, said))

    async def open_alarms(self) -> list[AlarmRecord]:
        """Alarms that are not cleared, oldest first."""
        return await self.read(open_alarms)


class ValueRepository(Repository):
    """Single values by key."""

    async def get(self, key: str) -> str | None:
        """None where there is none."""
        return await self.read(lambda db: kv_get(db, key))

    async def set(self, key: str, value: str) -> None:
        """Keep a value in the place of an older one."""
        await self.write(lambda db: kv_set(db, key, value))
