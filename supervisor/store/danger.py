"""Electric dangers: raised by one person, cleared by two. Rows are never deleted."""

from __future__ import annotations

import sqlite3

from supervisor.domain.danger import Danger, DangerKind
from supervisor.store.repository import Repository

_COLUMNS = "id, kind, subject, user, raised_utc_s, cleared_by, cleared_utc_s, confirmed_by, confirmed_utc_s"


def put(db: sqlite3.Connection, danger: Danger) -> None:
    """Keep a danger as it is now, by its id."""
    db.execute(
        f"INSERT OR REPLACE INTO danger ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            danger.id,
            danger.kind.value,
            danger.subject,
            danger.user,
            danger.raised_utc_s,
            danger.cleared_by,
            danger.cleared_utc_s,
            danger.confirmed_by,
            danger.confirmed_utc_s,
        ),
    )


def newest_id(db: sqlite3.Connection) -> int:
    """0 where there has been none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM danger").fetchone()[0])


def dangers(db: sqlite3.Connection, cleared_after_utc_s: float) -> list[Danger]:
    """Those that stand, and those cleared after that time; oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM danger WHERE confirmed_utc_s IS NULL OR confirmed_utc_s > ? ORDER BY id",
        (cleared_after_utc_s,),
    )
    return [
        Danger(
            id=number,
            kind=DangerKind(kind),
            subject=subject,
            user=user,
            raised_utc_s=raised,
            cleared_by=cleared_by,
            cleared_utc_s=cleared,
            confirmed_by=confirmed_by,
            confirmed_utc_s=confirmed,
        )
        for number, kind, subject, user, raised, cleared_by, cleared, confirmed_by, confirmed in rows
    ]


class DangerRepository(Repository):
    """Electric dangers."""

    async def newest_id(self) -> int:
        """0 where there has been none."""
        return await self.read(newest_id)

    async def since(self, cleared_after_utc_s: float) -> list[Danger]:
        """Those that stand, and those cleared after that time; oldest first."""
        return await self.read(lambda db: dangers(db, cleared_after_utc_s))
