"""Hand-over notes, each with its audit entry in one transaction."""

from __future__ import annotations

import sqlite3

import msgspec

from supervisor.domain.errors import NotFoundError
from supervisor.domain.handover import Handover
from supervisor.store import journal
from supervisor.store.repository import Repository

_COLUMNS = "id, utc_s, user, comment, comment_lines, taken_utc_s, taken_by"


def since(db: sqlite3.Connection, from_utc_s: float) -> list[Handover]:
    """Notes written after that time, newest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM handover WHERE utc_s >= ? ORDER BY id DESC", (from_utc_s,))
    return [_note(row) for row in rows]


def _note(row: tuple[int, int, str, str, str, int | None, str | None]) -> Handover:
    number, utc_s, user, text, items, taken_utc_s, taken_by = row
    lines = msgspec.json.decode(items, type=tuple[str, ...])
    return Handover(
        id=number, utc_s=utc_s, user=user, text=text, items=lines, taken_utc_s=taken_utc_s, taken_by=taken_by
    )


def take(db: sqlite3.Connection, number: int, user: str, now_utc_s: int) -> Handover:
    """`user` takes it over; one that is taken stays with who took it first. Raises NotFoundError."""
    row = db.execute(f"SELECT {_COLUMNS} FROM handover WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise NotFoundError("no such note", where=str(number), code="no-handover")
    note = _note(row)
    if note.taken_by is not None:
        return note
    db.execute("UPDATE handover SET taken_utc_s = ?, taken_by = ? WHERE id = ?", (now_utc_s, user, number))
    journal.append_audit(db, now_utc_s, user, "handover-taken", f"{number} of {note.user}")
    return msgspec.structs.replace(note, taken_utc_s=now_utc_s, taken_by=user)


class HandoverRepository(Repository):
    """Hand-over notes."""

    async def add(self, user: str, text: str, items: tuple[str, ...]) -> Handover:
        """Keep a note."""
        now = self._now()

        def job(db: sqlite3.Connection) -> Handover:
            cursor = db.execute(
                "INSERT INTO handover (utc_s, user, comment, comment_lines) VALUES (?, ?, ?, ?)",
                (now, user, text, msgspec.json.encode(items).decode()),
            )
            number = int(cursor.lastrowid or 0)
            journal.append_audit(db, now, user, "handover", f"{number}: {text}" if text else str(number))
            return Handover(id=number, utc_s=now, user=user, text=text, items=items)

        note: Handover = await self.write(job)
        return note

    async def take(self, number: int, user: str) -> Handover:
        """`user` takes it over; raises NotFoundError."""
        now = self._now()
        note: Handover = await self.write(lambda db: take(db, number, user, now))
        return note

    async def since(self, from_utc_s: float) -> list[Handover]:
        """Notes written after that time, newest first."""
        return await self.read(lambda db: since(db, from_utc_s))
