"""Answers to requests with an idempotency key, for repeats after a restart; see `supervisor.web.once`."""

from __future__ import annotations

import hashlib
import sqlite3

from msgspec import Struct

from supervisor.store.repository import Repository

KEPT_S = 86_400  # a phone gives up far earlier
KEPT_PER_USER = 200
KEPT_MAX = 10_000
BODY_MAX_BYTES = 64 * 1024


class KeptAnswer(Struct, frozen=True):
    """What was answered, and the fingerprint of the request."""

    fingerprint: bytes
    status: int
    content_type: str  # "" where there is no body
    body: bytes


def find(db: sqlite3.Connection, user: str, key: str, now_utc_s: float) -> KeptAnswer | None:
    row = db.execute(
        "SELECT fingerprint, status, content_type, body FROM answer WHERE user = ? AND key = ? AND utc_s > ?",
        (user, _digest(key), now_utc_s - KEPT_S),
    ).fetchone()
    return KeptAnswer(*row) if row else None


def keep(db: sqlite3.Connection, user: str, key: str, answer: KeptAnswer, now_utc_s: int) -> None:
    """Keep an answer; older ones of the person, and of everybody, go beyond their number."""
    db.execute(
        "INSERT OR REPLACE INTO answer (user, key, fingerprint, utc_s, status, content_type, body) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (user, _digest(key), answer.fingerprint, now_utc_s, answer.status, answer.content_type, answer.body),
    )
    db.execute("DELETE FROM answer WHERE utc_s <= ?", (now_utc_s - KEPT_S,))
    db.execute(
        "DELETE FROM answer WHERE user = ?1 AND id <= "
        "(SELECT id FROM answer WHERE user = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (user, KEPT_PER_USER),
    )
    db.execute("DELETE FROM answer WHERE id <= (SELECT id FROM answer ORDER BY id DESC LIMIT 1 OFFSET ?)", (KEPT_MAX,))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class AnswerRepository(Repository):
    """Answers by person and key, for a day."""

    async def find(self, user: str, key: str) -> KeptAnswer | None:
        """None where there is none, or it is older than a day."""
        now = self._now()
        return await self.read(lambda db: find(db, user, key, now))

    async def keep(self, user: str, key: str, answer: KeptAnswer) -> None:
        """Keep an answer; one with a body above `BODY_MAX_BYTES` is not kept."""
        now = self._now()
        if len(answer.body) <= BODY_MAX_BYTES:
            await self.write(lambda db: keep(db, user, key, answer, now))
