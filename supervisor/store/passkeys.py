"""Passkeys: the public keys with which people sign in. Each function is the work of one transaction."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3

from msgspec import Struct

from supervisor.domain.errors import CommandError, NotFoundError
from supervisor.store import journal

PASSKEYS_MAX = 10  # of one person: a few devices
HANDLE_BYTES = 16
_COLUMNS = "credential, user, handle, device, public_key, sign_count, made_utc_s, used_utc_s"


class Passkey(Struct, frozen=True):
    credential: bytes
    user: str
    handle: bytes
    device: str
    public_key: bytes
    sign_count: int
    made_utc_s: int
    used_utc_s: int = 0

    @property
    def id(self) -> str:
        """As in lists and in the audit."""
        return passkey_id(self.credential)


def passkey_id(credential: bytes) -> str:
    """The id that a passkey goes by in lists and in the audit."""
    return "k-" + hashlib.sha256(credential).hexdigest()[:16]


def passkeys(db: sqlite3.Connection, user: str | None = None) -> list[Passkey]:
    """Those of one person, or all; the newest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM passkey WHERE ?1 IS NULL OR user = ?1 ORDER BY made_utc_s DESC, credential", (user,)
    )
    return [Passkey(*row) for row in rows]


def find(db: sqlite3.Connection, credential: bytes) -> Passkey | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM passkey WHERE credential = ?", (credential,)).fetchone()
    return Passkey(*row) if row else None


def handle_of(db: sqlite3.Connection, user: str) -> bytes:
    """What a device keeps instead of the name: random, one for each person."""
    row = db.execute("SELECT handle FROM passkey WHERE user = ? LIMIT 1", (user,)).fetchone()
    return bytes(row[0]) if row else secrets.token_bytes(HANDLE_BYTES)


def add(db: sqlite3.Connection, made: Passkey) -> None:
    """Keep a new passkey. Raises CommandError `invalid` where it exists or the person has too many."""
    known = passkeys(db, made.user)
    if find(db, made.credential) is not None:
        raise CommandError("this passkey is known already", where="id", code="invalid", remedy="Sign in with it")
    if len(known) >= PASSKEYS_MAX:
        raise CommandError(
            f"{made.user} has {len(known)} passkeys", where="id", code="invalid", remedy="Remove one that is not used"
        )
    db.execute(
        f"INSERT INTO passkey ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (made.credential, made.user, made.handle, made.device, made.public_key, made.sign_count, made.made_utc_s,
         made.used_utc_s),
    )  # fmt: skip
    journal.append_audit(db, made.made_utc_s, made.user, "add-passkey", f"{made.id} on {made.device}")


def note_use(db: sqlite3.Connection, used: Passkey, sign_count: int, now_utc_s: int) -> bool:
    """Count a sign-in; False where another one with the same count came first, or the passkey was removed."""
    changed = db.execute(
        "UPDATE passkey SET sign_count = ?, used_utc_s = ? WHERE credential = ? AND sign_count = ?",
        (sign_count, now_utc_s, used.credential, used.sign_count),
    )
    return changed.rowcount > 0


def remove(db: sqlite3.Connection, wanted: str, by: str, now_utc_s: int, *, of: str | None = None) -> Passkey:
    """Make a passkey void, by id; `of`: only if it is that person's. Raises NotFoundError."""
    found = next((each for each in passkeys(db, of) if each.id == wanted), None)
    if found is None:
        raise NotFoundError("no such passkey", where=wanted[:80], remedy="Load the list again")
    db.execute("DELETE FROM passkey WHERE credential = ?", (found.credential,))
    journal.append_audit(db, now_utc_s, by, "remove-passkey", f"{found.id} of {found.user}")
    return found
