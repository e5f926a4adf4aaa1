"""The audit log as a whole: whether its hash chain holds, entries for other systems, names that are no longer needed.

Each entry's hash covers the one before. Names are replaced in old entries (`pseudonyms`); such an entry keeps the hash
of its first text, so that the chain goes on through it, and the newest entry `pseudonymise` has the hash of all
replaced texts together.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from supervisor.domain.errors import StoreError
from supervisor.store import journal
from supervisor.store.repository import Repository

PSEUDONYMISE: Final = "pseudonymise"
DAY_S: Final = 24 * 3600
# Access records have to be kept for a year (Korea: standards of safety measures for personal data, article 8); no
# younger entry may have a replaced text.
NAMES_DAYS_MIN: Final = 365
_SEAL: Final = re.compile(r"entries 1 to (\d+): ([0-9a-f]{64})")


class AuditRecord(Struct, frozen=True):
    """An entry as other systems get it."""

    id: int
    utc_s: int
    user: str
    action: str
    detail: str
    hash: str  # hex
    pseudonymised: bool


def records(db: sqlite3.Connection, after_id: int = 0, limit: int = -1) -> Iterator[AuditRecord]:
    """Entries after `after_id`, oldest first; `limit` −1: all."""
    rows = db.execute(
        "SELECT id, utc_s, user, action, detail, hash, pseudonymised FROM audit WHERE id > ? ORDER BY id LIMIT ?",
        (after_id, limit),
    )
    return map(_record, rows)


def _record(row: tuple[int, int, str, str, str, bytes, int]) -> AuditRecord:
    number, utc_s, user, action, detail, digest, replaced = row
    return AuditRecord(number, utc_s, user, action, detail, digest.hex(), bool(replaced))


def _texts(entries: Iterator[AuditRecord]) -> str:
    """The hash of entries with replaced texts [hex]."""
    digest = hashlib.sha256()
    for entry in entries:
        fields = [entry.id, entry.utc_s, entry.user, entry.action, entry.detail, entry.hash]
        digest.update(json.dumps(fields, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def seal(db: sqlite3.Connection, last: int, now_utc_s: int) -> None:
    """Record the hash of the replaced texts of entries 1 to `last`."""
    digest = _texts(records(db, 0, last))
    journal.append_audit(db, now_utc_s, "service", PSEUDONYMISE, f"entries 1 to {last}: {digest}")


def _altered(number: int, what: str = "") -> StoreError:
    where = f"entry {number}"
    return StoreError(
        f"the audit log has been altered{what}", where=where, code="audit-altered",
        remedy="Keep this file as it is, and compare it with backups and with entries that were sent elsewhere",
    )  # fmt: skip


def verify(db: sqlite3.Connection) -> tuple[int, str]:
    """Follow the chain. Returns its length and head (hex; noted elsewhere, it also reveals removed last entries).

    Raises StoreError naming the first entry that was changed, inserted or left out.
    """
    previous, replaced, newest, sealed = journal.GENESIS, 0, 0, (0, "", 0)
    count = 0
    for count, entry in enumerate(records(db), start=1):
        if entry.id != count:
            raise _altered(count)
        if entry.pseudonymised:
            if replaced != count - 1:
                raise _altered(count, ": only the oldest entries have pseudonyms")
            replaced, newest = count, max(newest, entry.utc_s)
        elif journal.link(previous, entry.id, entry.utc_s, entry.user, entry.action, entry.detail).hex() != entry.hash:
            raise _altered(count)
        elif entry.action == PSEUDONYMISE and entry.user == "service" and (found := _SEAL.fullmatch(entry.detail)):
            sealed = int(found[1]), found[2], entry.utc_s
        previous = bytes.fromhex(entry.hash)
    if replaced:
        last, digest, at_utc_s = sealed
        if last != replaced or digest != _texts(records(db, 0, replaced)):
            raise _altered(replaced, ", at or before this entry, after names were replaced")
        if newest > at_utc_s - NAMES_DAYS_MIN * DAY_S:
            raise _altered(replaced, f": names were replaced before {NAMES_DAYS_MIN} days")
    return count, previous.hex()


def verify_part(db: sqlite3.Connection, after_id: int, last: int) -> None:
    """Follow the chain from one entry to another, all with their first texts. Raises StoreError like `verify`."""
    previous = bytes.fromhex(hash_of(db, after_id)) if after_id else journal.GENESIS
    for entry in records(db, after_id, last - after_id):
        if journal.link(previous, entry.id, entry.utc_s, entry.user, entry.action, entry.detail).hex() != entry.hash:
            raise _altered(entry.id)
        previous = bytes.fromhex(entry.hash)


def hash_of(db: sqlite3.Connection, number: int) -> str:
    """The hash of one entry [hex], "" where there is none."""
    row = db.execute("SELECT hash FROM audit WHERE id = ?", (number,)).fetchone()
    return row[0].hex() if row else ""


def newest(db: sqlite3.Connection, before_id: int | None, limit: int) -> list[AuditRecord]:
    """Up to `limit` entries before one (None: the newest), newest first."""
    rows = db.execute(
        "SELECT id, utc_s, user, action, detail, hash, pseudonymised FROM audit WHERE ?1 IS NULL OR id < ?1 "
        "ORDER BY id DESC LIMIT ?2",
        (before_id, limit),
    )
    return [_record(row) for row in rows]


class AuditRepository(Repository):
    """Who did what."""

    async def append(self, user: str, action: str, detail: str) -> None:
        """Add an entry to the chain."""
        now = self._now()
        await self.write(lambda db: journal.append_audit(db, now, user, action, detail))

    async def entries(self, from_utc_s: float, to_utc_s: float) -> list[journal.AuditEntry]:
        """Entries of a period, oldest first."""
        return await self.read(lambda db: journal.audit(db, from_utc_s, to_utc_s))

    async def after(self, number: int, limit: int) -> list[AuditRecord]:
        """Up to `limit` entries after one, oldest first."""
        return await self.read(lambda db: list(records(db, number, limit)))

    async def newest(self, before_id: int | None, limit: int) -> list[AuditRecord]:
        """Up to `limit` entries before one (None: the newest), newest first."""
        return await self.read(lambda db: newest(db, before_id, limit))

    async def verify(self) -> tuple[int, str]:
        """Length and head of the chain; raises StoreError where it has been altered."""
        return await self.read(verify)
