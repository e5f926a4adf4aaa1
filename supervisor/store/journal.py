"""Entries of the audit log (a hash chain, UTC; more in `audit`), and a few values by key."""

from __future__ import annotations

import hashlib
import json
import sqlite3

from msgspec import Struct

from supervisor.store.repository import Repository

GENESIS = bytes(32)  # stands before the first audit entry


class AuditEntry(Struct, frozen=True):
    id: int
    utc_s: int
    user: str
    action: str
    detail: str


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


def kv_get(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute("SELECT value FROM kv WHERE key = ?", (f"app.{key}",)).fetchone()
    return str(row[0]) if row else None


def kv_set(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", (f"app.{key}", value))


class ValueRepository(Repository):
    """Single values by key."""

    async def get(self, key: str) -> str | None:
        """None where there is none."""
        return await self.read(lambda db: kv_get(db, key))

    async def set(self, key: str, value: str) -> None:
        """Keep a value in the place of an older one."""
        await self.write(lambda db: kv_set(db, key, value))
