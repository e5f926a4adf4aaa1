"""What was commanded: epochs (fencing) and overrides."""

from __future__ import annotations

import logging
import sqlite3

import msgspec

from supervisor.domain.errors import NotFoundError, StoreError
from supervisor.domain.override import LIVE_STATES, Override, OverrideMode, OverrideState
from supervisor.runtime.clock import Clock
from supervisor.store import events, people
from supervisor.store.events import Event
from supervisor.store.labels import Labels
from supervisor.store.pseudonyms import nameless
from supervisor.store.repository import Repository
from supervisor.store.spool import SpoolRepository
from supervisor.store.tokens import USER_PREFIX
from supervisor.store.writer import Writer

logger = logging.getLogger(__name__)

_OVERRIDE_COLUMNS = "id, zone, mode, reason, user, created_utc_s, expires_utc_s, state"
_LIVE = ", ".join(f"'{state}'" for state in sorted(LIVE_STATES))


def next_epoch(db: sqlite3.Connection) -> int:
    """This start's epoch: one more than any before, so that boards refuse an older supervisor."""
    epoch = _epoch(db) + 1
    db.execute("INSERT OR REPLACE INTO kv VALUES ('epoch', ?)", (str(epoch),))
    return epoch


def raise_epoch(db: sqlite3.Connection, above: int) -> int:
    """An epoch above one that a board has seen: after this database was restored from an old backup."""
    epoch = max(_epoch(db), above) + 1
    db.execute("INSERT OR REPLACE INTO kv VALUES ('epoch', ?)", (str(epoch),))
    return epoch


def _epoch(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT value FROM kv WHERE key = 'epoch'").fetchone()
    try:
        return int(row[0]) if row else 0
    except ValueError:
        raise StoreError(
            f"the service's epoch is not a number ({str(row[0])[:40]!r})",
            where="table kv, key epoch",
            remedy="Restore the database from a backup and start once with --take-over",
        ) from None


def add_override(db: sqlite3.Connection, override: Override, labels: Labels | None = None) -> Override:
    """Keep a new override, and that it happened; where its id is 0, the database assigns one."""
    minutes = (override.expires_utc_s - override.created_utc_s) // 60
    made = Event(
        override.created_utc_s, "override", override.zone, f"{override.mode} {minutes} min",
        nameless(db, override.reason), _role(db, override.user),
    )  # fmt: skip
    events.happen(db, labels, made)
    cursor = db.execute(
        "INSERT INTO override (id, zone, mode, reason, user, created_utc_s, expires_utc_s, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            override.id or None,
            override.zone,
            override.mode,
            override.reason,
            override.user,
            override.created_utc_s,
            override.expires_utc_s,
            override.state,
        ),
    )
    return msgspec.structs.replace(override, id=int(cursor.lastrowid or 0))


def newest_override_id(db: sqlite3.Connection) -> int:
    """0 where there has been none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM override").fetchone()[0])  # none is ever deleted


def update_override_state(
    db: sqlite3.Connection, override_id: int, state: OverrideState, now_utc_s: int, labels: Labels | None = None
) -> None:
    """Keep how far an override has come; its end is an event. Raises NotFoundError."""
    row = db.execute(f"SELECT {_OVERRIDE_COLUMNS} FROM override WHERE id = ?", (override_id,)).fetchone()
    if row is None:
        raise NotFoundError("unknown override", where=str(override_id))
    db.execute("UPDATE override SET state = ? WHERE id = ?", (state, override_id))
    before = _override(row)
    if before.state in LIVE_STATES and state not in LIVE_STATES:
        ended_utc_s = min(now_utc_s, before.expires_utc_s) if state is OverrideState.EXPIRED else now_utc_s
        events.happen(db, labels, Event(ended_utc_s, "override-ended", before.zone, f"{before.mode} {state}"))


def _role(db: sqlite3.Connection, user: str) -> str:
    """The role of a person; "token" for a program, "" where neither is known."""
    if user.startswith(USER_PREFIX):
        return "token"
    known = people.find_user(db, user)
    return known.role if known else ""


def live_overrides(db: sqlite3.Connection, now_utc_s: float) -> list[Override]:
    """Overrides that command a zone at `now_utc_s`, oldest first; 0 also gives those that have expired since."""
    rows = db.execute(
        f"SELECT {_OVERRIDE_COLUMNS} FROM override WHERE state IN ({_LIVE}) AND expires_utc_s > ? ORDER BY id",
        (now_utc_s,),
    )
    return [_override(row) for row in rows]


def overrides(db: sqlite3.Connection, zone: str | None, from_utc_s: float, to_utc_s: float) -> list[Override]:
    """Overrides made in a period, newest first."""
    rows = db.execute(
        f"SELECT {_OVERRIDE_COLUMNS} FROM override WHERE (?1 IS NULL OR zone = ?1) AND created_utc_s >= ?2 "
        "AND created_utc_s < ?3 ORDER BY id DESC",
        (zone, from_utc_s, to_utc_s),
    )
    return [_override(row) for row in rows]


def override_counts(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> list[tuple[str, str, str, int]]:
    """(mode, reason, role of the person, how often) of the overrides made in a period, commonest first.

    The role is the person's today, "" where the name is not known any more.
    """
    return db.execute(
        "SELECT mode, reason, coalesce(role, ''), count(*) FROM override LEFT JOIN user ON user.name = override.user "
        "WHERE override.created_utc_s >= ? AND override.created_utc_s < ? GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3",
        (from_utc_s, to_utc_s),
    ).fetchall()


def _override(row: tuple[int, str, str, str, str, int, int, str]) -> Override:
    number, zone, mode, reason, user, created, expires, state = row
    return Override(
        id=number,
        zone=zone,
        mode=OverrideMode(mode),
        reason=reason,
        user=user,
        created_utc_s=created,
        expires_utc_s=expires,
        state=OverrideState(state),
    )


class EpochRepository(Repository):
    """The service's epoch, which fences off an older instance of it."""

    async def next(self) -> int:
        """This start's epoch. Recorded like a safety command: a service on a full disk could not start without it."""
        return await self.write(next_epoch, safety=True)

    async def raise_above(self, above: int) -> int:
        """An epoch above the one a board says it has seen."""
        return await self.write(lambda db: raise_epoch(db, above))


class OverrideRepository(Repository):
    """People's commands."""

    def __init__(self, writer: Writer, clock: Clock, lines: SpoolRepository) -> None:
        super().__init__(writer, clock)
        self._spool = lines

    def add(self, db: sqlite3.Connection, override: Override) -> None:
        """Keep a new override, as a part of a transaction."""
        add_override(db, override, self._spool.labels)

    def update(self, db: sqlite3.Connection, override_id: int, state: OverrideState, now_utc_s: int) -> None:
        """Keep a new state, as a part of a transaction. Raises NotFoundError."""
        update_override_state(db, override_id, state, now_utc_s, self._spool.labels)

    async def newest_id(self) -> int:
        """0 where there has been none."""
        return await self.read(newest_override_id)

    async def set_state(self, override_id: int, state: OverrideState) -> None:
        """Raises NotFoundError for an unknown override."""
        now = self._now()
        await self.write(lambda db: self.update(db, override_id, state, now))

    async def live(self, now_utc_s: float) -> list[Override]:
        """Those that command a zone at `now_utc_s`, oldest first; 0 also gives those that have expired since."""
        return await self.read(lambda db: live_overrides(db, now_utc_s))

    async def made(self, zone: str | None, from_utc_s: float, to_utc_s: float) -> list[Override]:
        """Those made in a period, newest first; `zone` None: of all zones."""
        return await self.read(lambda db: overrides(db, zone, from_utc_s, to_utc_s))
