"""Who was notified of which alarm, and the browsers that asked to be told."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from supervisor.store.repository import Repository

SUBSCRIPTIONS_MAX = 10  # of one person: a phone makes a new one when its browser is installed again

_NOTICE = "code, subject, raised_utc_s, receiver, event, utc_s"
_PUSH = "endpoint, person, session, p256dh, auth, language"


class Notice(Struct, frozen=True):
    """One message that its receiver's server has accepted."""

    code: str
    subject: str
    raised_utc_s: int
    receiver: str
    event: str
    utc_s: int


class PushRow(Struct, frozen=True):
    """A browser's subscription."""

    endpoint: str
    person: str
    session: bytes  # hash of the token of the session that made it
    p256dh: str
    auth: str
    language: str


def put_subscription(db: sqlite3.Connection, row: PushRow, now_utc_s: int) -> None:
    """Keep it in the place of an older one of the same browser; the oldest of too many are forgotten."""
    db.execute(
        f"INSERT OR REPLACE INTO push_subscription ({_PUSH}, made_utc_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row.endpoint, row.person, row.session, row.p256dh, row.auth, row.language, now_utc_s),
    )
    db.execute(
        "DELETE FROM push_subscription WHERE person = ?1 AND endpoint NOT IN (SELECT endpoint FROM push_subscription "
        "WHERE person = ?1 ORDER BY made_utc_s DESC, endpoint = ?2 DESC LIMIT ?3)",
        (row.person, row.endpoint, SUBSCRIPTIONS_MAX),
    )


class NoticeRepository(Repository):
    """Messages about alarms."""

    async def add(self, notice: Notice) -> None:
        values = (notice.code, notice.subject, notice.raised_utc_s, notice.receiver, notice.event, notice.utc_s)
        await self.write(lambda db: db.execute(f"INSERT INTO notice ({_NOTICE}) VALUES (?, ?, ?, ?, ?, ?)", values))

    async def of_open_alarms(self) -> list[Notice]:
        """Messages about alarms that stand, oldest first."""
        query = (
            f"SELECT {', '.join(f'n.{name.strip()}' for name in _NOTICE.split(','))} FROM notice n JOIN alarm a "
            "ON a.code = n.code AND a.subject = n.subject AND a.raised_utc_s = n.raised_utc_s "
            "WHERE a.cleared_utc_s IS NULL ORDER BY n.id"
        )
        return await self.read(lambda db: [Notice(*row) for row in db.execute(query)])

    async def newest(self, limit: int) -> list[Notice]:
        """The last messages, newest first."""
        query = f"SELECT {_NOTICE} FROM notice ORDER BY id DESC LIMIT ?"
        return await self.read(lambda db: [Notice(*row) for row in db.execute(query, (limit,))])

    async def prune(self, before_utc_s: float) -> int:
        """Delete older ones. Returns how many."""
        job = "DELETE FROM notice WHERE utc_s < ?"
        return int(await self.write(lambda db: db.execute(job, (int(before_utc_s),)).rowcount))

    async def subscriptions(self) -> list[PushRow]:
        """Of all people who are still signed in where they subscribed."""
        columns, now = ", ".join(f"p.{name.strip()}" for name in _PUSH.split(",")), self._now()
        query = (
            f"SELECT {columns} FROM push_subscription p JOIN session s ON s.token_sha256 = p.session "
            "WHERE s.expires_utc_s > ? ORDER BY p.person, p.made_utc_s"
        )
        return await self.read(lambda db: [PushRow(*row) for row in db.execute(query, (now,))])

    async def put_subscription(self, row: PushRow) -> None:
        """Keep it in the place of an older one of the same browser; the oldest of too many are forgotten."""
        now = self._now()
        await self.write(lambda db: put_subscription(db, row, now))

    async def remove_subscription(self, endpoint: str, person: str = "") -> bool:
        """False where there is none; with `person`, only that person's."""
        query, values = "DELETE FROM push_subscription WHERE endpoint = ?", [endpoint]
        if person:
            query, values = f"{query} AND person = ?", [*values, person]
        return bool(await self.write(lambda db: db.execute(query, values).rowcount))
