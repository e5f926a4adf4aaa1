"""Lines that wait for InfluxDB, in the form in which they will be sent; every dropped point is counted."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import Struct

from supervisor.domain.errors import StoreError
from supervisor.runtime.clock import Clock
from supervisor.store import labels
from supervisor.store.labels import Labels
from supervisor.store.repository import Repository
from supervisor.store.writer import Writer

logger = logging.getLogger(__name__)

PART_POINTS = 1_000  # in one entry, of lines that come many at once


class Batch(Struct, frozen=True):
    """The oldest lines of the spool. `last_id` names what to delete once they are delivered."""

    last_id: int
    points: int
    lines: str


class SpoolState(Struct, frozen=True):
    """How full the spool is and what became of what could not be delivered."""

    points: int  # waiting
    spool_bytes: int  # of lines waiting
    cap_bytes: int
    delivered: int  # points, ever
    dropped: int  # points dropped by the cap, ever
    dead: int  # points that the server refused, ever
    oldest_utc_s: int | None = None  # stamp of the point that waits first; None where none waits

    @property
    def fill(self) -> float:
        """Part of the cap in use."""
        return self.spool_bytes / self.cap_bytes if self.cap_bytes else 0.0


def count(db: sqlite3.Connection, name: str, more: int) -> None:
    """Add to a counter that survives restarts."""
    db.execute(
        "INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value", (name, more)
    )


def counter(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def put(db: sqlite3.Connection, lines: str, points: int) -> None:
    """Add lines (joined by newlines) to the end."""
    db.execute("INSERT INTO spool (points, lines) VALUES (?, ?)", (points, lines))
    count(db, "spool_points", points)
    count(db, "spool_bytes", len(lines.encode()))


def put_all(db: sqlite3.Connection, lines: Sequence[str]) -> None:
    """Add many lines."""
    for first in range(0, len(lines), PART_POINTS):
        part = lines[first : first + PART_POINTS]
        put(db, "\n".join(part), len(part))


def batch(db: sqlite3.Connection, points_max: int) -> Batch | None:
    """The oldest lines, at most `points_max` (a single put above that comes whole); None when there are none."""
    points = 0
    last_id = 0
    parts: list[str] = []
    for row_id, row_points, lines in db.execute("SELECT id, points, lines FROM spool ORDER BY id"):
        if parts and points + row_points > points_max:
            break
        points += row_points
        last_id = row_id
        parts.append(lines)
    return Batch(last_id, points, "\n".join(parts)) if parts else None


def delivered(db: sqlite3.Connection, last_id: int, dead: list[tuple[str, str]], utc_s: int) -> None:
    """Delete what has been delivered up to `last_id`; keep `dead` (line, reason) for inspection."""
    points = _remove(db, last_id)
    count(db, "delivered_points", points - len(dead))
    if dead:
        db.executemany(
            "INSERT INTO dead_letter (utc_s, line, reason) VALUES (?, ?, ?)",
            [(utc_s, line, reason) for line, reason in dead],
        )
        count(db, "dead_points", len(dead))


def enforce_cap(db: sqlite3.Connection, cap_bytes: int) -> int:
    """Drop the oldest lines while the spool is over its cap. Returns the points dropped, which are counted."""
    over = counter(db, "spool_bytes") - cap_bytes
    if over <= 0:
        return 0
    last_id = 0
    for row_id, lines in db.execute("SELECT id, lines FROM spool ORDER BY id"):
        last_id = row_id
        over -= len(lines.encode())
        if over <= 0:
            break
    points = _remove(db, last_id)
    count(db, "dropped_points", points)
    return points


def state(db: sqlite3.Connection, cap_bytes: int) -> SpoolState:
    return SpoolState(
        points=counter(db, "spool_points"),
        spool_bytes=counter(db, "spool_bytes"),
        cap_bytes=cap_bytes,
        delivered=counter(db, "delivered_points"),
        dropped=counter(db, "dropped_points"),
        dead=counter(db, "dead_points"),
        oldest_utc_s=_oldest_utc_s(db),
    )


def _oldest_utc_s(db: sqlite3.Connection) -> int | None:
    row = db.execute("SELECT lines FROM spool ORDER BY id LIMIT 1").fetchone()
    stamp = str(row[0]).split("\n", 1)[0].rsplit(" ", 1)[-1] if row else ""
    return int(stamp) if stamp.isdecimal() else None


def dead_letters(db: sqlite3.Connection, limit: int) -> list[tuple[int, int, str, str]]:
    """The newest refused lines: (id, UTC second, line, reason)."""
    return db.execute("SELECT id, utc_s, line, reason FROM dead_letter ORDER BY id DESC LIMIT ?", (limit,)).fetchall()


def retry_dead_letters(db: sqlite3.Connection, points_max: int) -> int:
    """Put the oldest refused lines back to be sent, at most `points_max`. Returns how many."""
    rows = db.execute("SELECT id, line FROM dead_letter ORDER BY id LIMIT ?", (points_max,)).fetchall()
    if rows:
        put(db, "\n".join(line for _, line in rows), len(rows))
        db.execute("DELETE FROM dead_letter WHERE id <= ?", (rows[-1][0],))
    return len(rows)


def _remove(db: sqlite3.Connection, last_id: int) -> int:
    points, size = db.execute(
        "SELECT ifnull(sum(points), 0), ifnull(sum(length(CAST(lines AS BLOB))), 0) FROM spool WHERE id <= ?",
        (last_id,),
    ).fetchone()
    db.execute("DELETE FROM spool WHERE id <= ?", (last_id,))
    count(db, "spool_points", -points)
    count(db, "spool_bytes", -size)
    return int(points)


class SpoolRepository(Repository):
    """The lines that wait for InfluxDB. `waiting` is set when there may be some."""

    def __init__(self, writer: Writer, clock: Clock, site: str, cap_bytes: int) -> None:
        """`site` is a tag of its points; `cap_bytes` 0: there is no InfluxDB and nothing is spooled."""
        super().__init__(writer, clock)
        self._cap_bytes = cap_bytes
        self.known = Labels(site)
        self.labels = self.known if cap_bytes else None  # of the points; None: nothing is spooled
        self.waiting = asyncio.Event()
        self.waiting.set()

    async def supplied_by(self, feeders: Mapping[str, str]) -> None:
        """Keep which feeder (value) supplies each zone (key) from now on: a tag of its points.

        On a full disk the feeders of the last start stay; the next start takes the new ones.
        """
        now, site = self._now(), self.known.site
        self.known = await self.read(lambda db: labels.read(db, site))
        if any(self.known.feeder(zone, now) != feeder for zone, feeder in feeders.items()):
            try:
                self.known = await self.write(lambda db: labels.learn(db, site, feeders, now))
            except StoreError as error:
                logger.warning("the zones' feeders are those of the last start: %s", error)
        self.labels = self.known if self._cap_bytes else None

    async def batch(self, points_max: int) -> Batch | None:
        """The oldest lines; None where none wait."""
        return await self.read(lambda db: batch(db, points_max))

    async def delivered(self, last_id: int, dead: list[tuple[str, str]]) -> None:
        """Delete lines up to `last_id`; `dead` are those that the server refused, with its reason."""
        now = self._now()
        await self.write(lambda db: delivered(db, last_id, dead, now), drains=True)

    async def enforce_cap(self) -> int:
        """Drop the oldest lines over the cap. Returns the points dropped now; the state counts them all."""
        if not self._cap_bytes:
            return 0
        return await self.write(lambda db: enforce_cap(db, self._cap_bytes), drains=True)

    async def state(self) -> SpoolState:
        """How full the spool is."""
        return await self.read(lambda db: state(db, self._cap_bytes))
