"""The roster and the times of maintenance. Past shifts stay for a year: who was on duty belongs to the record."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from supervisor.domain.duty import Maintenance, Shift
from supervisor.domain.errors import CommandError
from supervisor.store import journal
from supervisor.store.repository import Repository

_SHIFT = "person, rank, from_utc_s, until_utc_s, made_by"
_MAINTENANCE = "subject, from_utc_s, until_utc_s, reason, made_by"


def add_shifts(db: sqlite3.Connection, shifts: Sequence[Shift]) -> list[Shift]:
    """Add all, or none; one that stands already is not added twice. Returns those added, with their ids.

    Raises CommandError where a person would be on duty twice at the same time: one of the two is a mistake, such as the
    old times of a shift that was moved. Different people may overlap.
    """
    added: list[Shift] = []
    for number, shift in enumerate(shifts, 1):
        key = (shift.person, shift.rank, shift.from_utc_s, shift.until_utc_s)
        if db.execute(
            "SELECT 1 FROM shift WHERE person = ? AND rank = ? AND from_utc_s = ? AND until_utc_s = ?", key
        ).fetchone():
            continue
        other = db.execute(
            "SELECT 1 FROM shift WHERE person = ? AND from_utc_s < ? AND until_utc_s > ?",
            (shift.person, shift.until_utc_s, shift.from_utc_s),
        ).fetchone()
        if other is not None:
            raise CommandError(
                f"{shift.person} is on duty at that time already", where=f"shift {number}", code="on-duty",
                remedy="Remove the other shift first, or correct the times",
            )  # fmt: skip
        cursor = db.execute(f"INSERT INTO shift ({_SHIFT}) VALUES (?, ?, ?, ?, ?)", (*key, shift.made_by))
        added.append(Shift(int(cursor.lastrowid or 0), *key, shift.made_by))
    return added


def shifts(db: sqlite3.Connection, until_after_utc_s: int) -> list[Shift]:
    """Those that end after that time, by their begin and rank."""
    query = f"SELECT id, {_SHIFT} FROM shift WHERE until_utc_s > ? ORDER BY from_utc_s, rank, id"
    return [Shift(*row) for row in db.execute(query, (until_after_utc_s,))]


def windows(db: sqlite3.Connection, until_after_utc_s: int) -> list[Maintenance]:
    """Times of maintenance that end after that time, by their begin."""
    query = f"SELECT id, {_MAINTENANCE} FROM maintenance WHERE until_utc_s > ? ORDER BY from_utc_s, id"
    return [Maintenance(*row) for row in db.execute(query, (until_after_utc_s,))]


def add_window(db: sqlite3.Connection, window: Maintenance) -> Maintenance:
    values = (window.subject, window.from_utc_s, window.until_utc_s, window.reason, window.made_by)
    cursor = db.execute(f"INSERT INTO maintenance ({_MAINTENANCE}) VALUES (?, ?, ?, ?, ?)", values)
    return Maintenance(int(cursor.lastrowid or 0), *values)


class DutyRepository(Repository):
    """Shifts and times of maintenance."""

    async def shifts(self, until_after_utc_s: float) -> list[Shift]:
        """Those that end after that time, by their begin and rank."""
        return await self.read(lambda db: shifts(db, int(until_after_utc_s)))

    async def add_shifts(self, new: Sequence[Shift], user: str, detail: str) -> list[Shift]:
        """Add all and the audit's entry, or nothing. Returns those that were not there already, with their ids. Raises
        CommandError."""

        def job(db: sqlite3.Connection) -> list[Shift]:
            journal.append_audit(db, self._now(), user, "roster-add", detail)
            return add_shifts(db, new)

        found: list[Shift] = await self.write(job)
        return found

    async def remove_shift(self, number: int) -> bool:
        """False where there is none."""
        return bool(await self.write(lambda db: db.execute("DELETE FROM shift WHERE id = ?", (number,)).rowcount))

    async def windows(self, until_after_utc_s: float) -> list[Maintenance]:
        """Times of maintenance that end after that time, by their begin."""
        return await self.read(lambda db: windows(db, int(until_after_utc_s)))

    async def add_window(self, window: Maintenance) -> Maintenance:
        """Returns it with its id."""
        found: Maintenance = await self.write(lambda db: add_window(db, window))
        return found

    async def end_window(self, number: int, utc_s: int) -> bool:
        """Let it end now; False where there is none that lasts longer."""
        query = "UPDATE maintenance SET until_utc_s = max(from_utc_s, ?) WHERE id = ? AND until_utc_s > ?"
        return bool(await self.write(lambda db: db.execute(query, (utc_s, number, utc_s)).rowcount))

    async def prune(self, before_utc_s: float) -> int:
        """Delete shifts and times of maintenance that ended before. Returns how many."""

        def job(db: sqlite3.Connection) -> int:
            gone = (db.execute(f"DELETE FROM {name} WHERE until_utc_s < ?", (int(before_utc_s),)) for name in _TABLES)
            return sum(cursor.rowcount for cursor in gone)

        return int(await self.write(job))


_TABLES = ("shift", "maintenance")
