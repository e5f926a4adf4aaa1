"""What boards sent that was not booked: kept for inspection, and counted."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from supervisor.store import spool
from supervisor.store.engine import has_table
from supervisor.store.repository import Repository
from supervisor.store.tick import Tick, ZoneTick

ENERGY = "energy"  # reason: the counter rose by more than power explains
KEPT_PER_BOARD = 1_000  # rows; a stolen key must not fill the disk
_TIDY_EACH = 64  # rows added between two looks at the cap


class Quarantined(Struct, frozen=True):
    """One row: energy, or a frame or sample that was refused."""

    board: str
    zone: str  # "" where it is about the whole frame
    received_utc_s: int
    start_utc_s: int
    excess_wh: int
    reason: str


def put_energy(db: sqlite3.Connection, tick: Tick, old: ZoneTick | None, new: ZoneTick) -> None:
    """Bring the row of a zone's excess up to date; `old` is what the tick said before it was recomputed."""
    before_wh = old.excess_wh if old is not None else 0
    if new.excess_wh == before_wh:
        return
    key = (tick.board, tick.life, tick.boot, tick.q, new.sample.zone)
    if new.excess_wh:
        added = db.execute(
            "INSERT INTO quarantine (board, life, boot, q, zone, received_utc_s, start_utc_s, excess_wh, reason) "
            f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, '{ENERGY}') "
            f"ON CONFLICT (board, life, boot, q, zone) WHERE reason = '{ENERGY}' "
            "DO UPDATE SET excess_wh = excluded.excess_wh",
            (*key, tick.received_utc_s, tick.start_utc_s, new.excess_wh),
        ).lastrowid
        _tidy(db, tick.board, added or 0)
    else:
        db.execute(
            "DELETE FROM quarantine WHERE board = ? AND life = ? AND boot = ? AND q = ? AND zone = ? "
            f"AND reason = '{ENERGY}'",
            key,
        )
    spool.count(db, "quarantined_wh", new.excess_wh - before_wh)


def put_frame(
    db: sqlite3.Connection,
    board: str,
    key: tuple[int, int],
    received_utc_s: int,
    reason: str,
    raw: bytes,
    zone: str = "",
) -> None:
    """Keep a frame that was refused, or a part of it. `key`: boot and sequence."""
    added = db.execute(
        "INSERT INTO quarantine (board, life, boot, q, zone, received_utc_s, start_utc_s, excess_wh, reason, raw) "
        "VALUES (?, -1, ?, ?, ?, ?, ?, 0, ?, ?)",
        (board, *key, zone, received_utc_s, received_utc_s, reason[:200], raw),
    ).lastrowid
    spool.count(db, "quarantined_frames", 1)
    _tidy(db, board, added or 0)


def found(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> list[Quarantined]:
    """What was quarantined of intervals that begin in a period and is not booked by a correction, oldest first.

    Empty for a record from a version without quarantine.
    """
    if not has_table(db, "quarantine"):
        return []
    corrected = (
        "AND NOT EXISTS (SELECT 1 FROM correction c WHERE c.board = a.board AND c.life = a.life AND c.boot = a.boot "
        "AND c.q = a.q AND c.zone = a.zone AND c.reverted_utc_s IS NULL AND a.reason = 'energy') "
    )
    rows = db.execute(
        "SELECT board, zone, received_utc_s, start_utc_s, excess_wh, reason FROM quarantine a "
        f"WHERE start_utc_s >= ? AND start_utc_s < ? {corrected if has_table(db, 'correction') else ''}"
        "ORDER BY start_utc_s, id",
        (from_utc_s, to_utc_s),
    )
    return [Quarantined(*row) for row in rows]


def _tidy(db: sqlite3.Connection, board: str, added: int) -> None:
    if added % _TIDY_EACH == 0:
        db.execute(
            "DELETE FROM quarantine WHERE board = ?1 AND id <= "
            "(SELECT id FROM quarantine WHERE board = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (board, KEPT_PER_BOARD),
        )


class QuarantineRepository(Repository):
    """Frames and samples that were refused."""

    async def put_frame(self, board: str, key: tuple[int, int], reason: str, raw: bytes, zone: str = "") -> None:
        """Keep a frame, or what of it was refused; `key` is its boot and sequence."""
        now = self._now()
        await self.write(lambda db: put_frame(db, board, key, now, reason, raw, zone))
