"""What was commanded: epochs and sequences (fencing), overrides, plans."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from supervisor.domain.errors import NotFoundError
from supervisor.domain.override import LIVE_STATES, Override, OverrideMode, OverrideState
from supervisor.domain.plan import Plan

_plan_encoder = msgspec.json.Encoder()
_plan_decoder = msgspec.json.Decoder(Plan)
_OVERRIDE_COLUMNS = "id, zone, mode, reason, user, created_utc_s, expires_utc_s, state"
_LIVE = ", ".join(f"'{state}'" for state in sorted(LIVE_STATES))


def next_epoch(db: sqlite3.Connection) -> int:
    """This start's epoch: one more than any before, so that boards refuse an older supervisor."""
    row = db.execute("SELECT value FROM kv WHERE key = 'epoch'").fetchone()
    epoch = (int(row[0]) if row else 0) + 1
    db.execute("INSERT OR REPLACE INTO kv VALUES ('epoch', ?)", (str(epoch),))
    return epoch


def raise_epoch(db: sqlite3.Connection, above: int) -> int:
    """An epoch above one that a board has seen: after this database was restored from an old backup."""
    row = db.execute("SELECT value FROM kv WHERE key = 'epoch'").fetchone()
    epoch = max(int(row[0]) if row else 0, above) + 1
    db.execute("INSERT OR REPLACE INTO kv VALUES ('epoch', ?)", (str(epoch),))
    return epoch


def reserve_sequences(db: sqlite3.Connection, board: str, n: int) -> int:
    """The first of `n` sequence numbers that nobody else gets, in any epoch."""
    row = db.execute("SELECT next FROM sequence WHERE board = ?", (board,)).fetchone()
    first = int(row[0]) if row else 1
    db.execute("INSERT OR REPLACE INTO sequence VALUES (?, ?)", (board, first + n))
    return first


def add_override(db: sqlite3.Connection, override: Override) -> Override:
    """Keep a new override; where its id is 0, it comes from here."""
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
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'override'").fetchone()
    return int(row[0]) if row else 0


def update_override_state(db: sqlite3.Connection, override_id: int, state: OverrideState) -> None:
    if db.execute("UPDATE override SET state = ? WHERE id = ?", (state, override_id)).rowcount == 0:
        raise NotFoundError("unknown override", where=str(override_id))


def live_overrides(db: sqlite3.Connection, now_utc_s: float) -> list[Override]:
    """What commands a zone at `now_utc_s`, oldest first; 0 also gives what expired while nobody looked."""
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


def save_plans(db: sqlite3.Connection, plans: Iterable[Plan]) -> None:
    db.executemany(
        "INSERT INTO plan (zone, issued_utc_s, plan) VALUES (?, ?, ?)",
        [(plan.zone, plan.issued_utc_s, _plan_encoder.encode(plan)) for plan in plans],
    )


def latest_plans(db: sqlite3.Connection) -> dict[str, Plan]:
    """Each zone's newest plan."""
    rows = db.execute("SELECT plan FROM plan WHERE id IN (SELECT max(id) FROM plan GROUP BY zone)")
    plans = [_plan_decoder.decode(row[0]) for row in rows]
    return {plan.zone: plan for plan in plans}


def plans(db: sqlite3.Connection, zone: str, from_utc_s: float, to_utc_s: float) -> list[Plan]:
    """A zone's plans issued in a period, oldest first."""
    rows = db.execute(
        "SELECT plan FROM plan WHERE zone = ? AND issued_utc_s >= ? AND issued_utc_s < ? ORDER BY id",
        (zone, from_utc_s, to_utc_s),
    )
    return [_plan_decoder.decode(row[0]) for row in rows]
