"""Users, sessions and one-time tokens. The store keeps only the SHA-256 of a token."""

from __future__ import annotations

import hashlib
import sqlite3

import msgspec
from msgspec import Struct


class User(Struct, frozen=True):
    name: str
    role: str  # viewer, crew, engineer, admin
    created_utc_s: int
    disabled: bool = False


class Session(Struct, frozen=True):
    user: str
    role: str
    csrf: str
    created_utc_s: int
    expires_utc_s: int
    seen_utc_s: int = 0  # when it was last used, to the minute
    device: str = ""  # what signed in: "phone", "computer", "program"


class Grant(Struct, frozen=True):
    """What a one-time token grants."""

    purpose: str
    user: str
    role: str


_USER = "name, role, created_utc_s, disabled"  # no sign-in uses the column password_hash: it stays empty
_SESSION = "user, role, csrf, created_utc_s, expires_utc_s, seen_utc_s, device"  # as the fields of Session


def digest(token: str) -> bytes:
    """The hash of a token; accepts any text that a header or an address can hold."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def put_user(db: sqlite3.Connection, user: User) -> None:
    """Add or change a user."""
    db.execute(
        "INSERT OR REPLACE INTO user (name, role, password_hash, created_utc_s, disabled) VALUES (?, ?, '', ?, ?)",
        (user.name, user.role, user.created_utc_s, user.disabled),
    )


def find_user(db: sqlite3.Connection, name: str) -> User | None:
    row = db.execute(f"SELECT {_USER} FROM user WHERE name = ?", (name,)).fetchone()
    return _user(row) if row else None


def users(db: sqlite3.Connection) -> list[User]:
    return [_user(row) for row in db.execute(f"SELECT {_USER} FROM user ORDER BY name")]


def _user(row: tuple[str, str, int, int]) -> User:
    name, role, created_utc_s, disabled = row
    return User(name, role, created_utc_s, bool(disabled))


def create_session(db: sqlite3.Connection, token: str, session: Session) -> None:
    db.execute(
        f"INSERT INTO session ({_SESSION}, token_sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*msgspec.structs.astuple(session), digest(token)),
    )


def find_session(db: sqlite3.Connection, token: str, now_utc_s: float) -> Session | None:
    """The session of a cookie, None where there is none or it has expired."""
    row = db.execute(
        f"SELECT {_SESSION} FROM session WHERE token_sha256 = ? AND expires_utc_s > ?",
        (digest(token), now_utc_s),
    ).fetchone()
    return Session(*row) if row else None


def touch_session(db: sqlite3.Connection, token: str, seen_utc_s: int, expires_utc_s: int) -> None:
    """Note that a session was used, and extend it to `expires_utc_s` at least; an ended one stays ended."""
    db.execute(
        "UPDATE session SET seen_utc_s = ?, expires_utc_s = MAX(expires_utc_s, ?) WHERE token_sha256 = ?",
        (seen_utc_s, expires_utc_s, digest(token)),
    )


def end_session(db: sqlite3.Connection, token: str) -> None:
    db.execute("DELETE FROM session WHERE token_sha256 = ?", (digest(token),))


def end_sessions_of(db: sqlite3.Connection, user: str, but: str = "") -> int:
    """End all sessions of a user, except that of the token `but`; returns how many ended."""
    return db.execute("DELETE FROM session WHERE user = ? AND token_sha256 != ?", (user, digest(but))).rowcount


def end_oldest_of(db: sqlite3.Connection, user: str, keep: int) -> int:
    """End those of a user's sessions that were used longest ago, so that `keep` are left; returns how many ended."""
    oldest = "SELECT token_sha256 FROM session WHERE user = ? ORDER BY seen_utc_s DESC, created_utc_s DESC"
    return db.execute(f"DELETE FROM session WHERE token_sha256 IN ({oldest} LIMIT -1 OFFSET ?)", (user, keep)).rowcount


def forget_expired(db: sqlite3.Connection, now_utc_s: float) -> None:
    db.execute("DELETE FROM session WHERE expires_utc_s <= ?", (now_utc_s,))
    db.execute("DELETE FROM one_time_token WHERE expires_utc_s <= ?", (now_utc_s,))


def add_one_time_token(
    db: sqlite3.Connection, token: str, grant: Grant, expires_utc_s: int, made_utc_s: int = 0, made_by: str = ""
) -> None:
    db.execute(
        "INSERT INTO one_time_token (token_sha256, purpose, user, role, expires_utc_s, made_utc_s, made_by) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (digest(token), grant.purpose, grant.user, grant.role, expires_utc_s, made_utc_s, made_by),
    )


def use_one_time_token(db: sqlite3.Connection, token: str, purpose: str, now_utc_s: float) -> Grant | None:
    """What the token grants, the first time and before its expiry; None afterwards."""
    row = db.execute(
        "UPDATE one_time_token SET used_utc_s = ?1 WHERE token_sha256 = ?2 AND purpose = ?3 AND used_utc_s IS NULL "
        "AND expires_utc_s > ?1 RETURNING purpose, user, role",
        (int(now_utc_s), digest(token), purpose),
    ).fetchone()
    return Grant(*row) if row else None
