"""Rare events, each with a point of its own: two of one series and second would overwrite each other in InfluxDB.

The stamp of an event's point is kept with the event (docs/decisions/0051), so that the point can be written again.
No event names a person: whoever adds one gives a role, and takes names out of texts with `pseudonyms.nameless`.
"""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from supervisor.runtime.clock import Clock
from supervisor.store import spool
from supervisor.store.labels import Labels
from supervisor.store.repository import Repository
from supervisor.store.tick import GAP_MIN_S, Tick, escape_field, escape_tag
from supervisor.store.writer import Writer

GAP = "gap"
REBOOT = "reboot"
LOOK_MAX = 128  # seconds looked at for a free one, before the one behind all others is taken
_COLUMNS = "utc_s, kind, subject, detail, reason, role, missing_s"


class Event(Struct, frozen=True):
    """What happened, when and to what."""

    utc_s: int
    kind: str
    subject: str  # zone, board, feeder, or "" for the service
    detail: str
    reason: str = ""
    role: str = ""  # of the person, who is not named
    missing_s: int | None = None  # of a gap: time without records


def happen(db: sqlite3.Connection, labels: Labels | None, event: Event, until_utc_s: int | None = None) -> None:
    """Keep an event and spool its point; `labels` None: nothing is spooled. `until_utc_s`: the end of a gap."""
    second = point_second(db, event.subject, event.utc_s)
    db.execute(
        f"INSERT INTO event ({_COLUMNS}, point_utc_s, until_utc_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (event.utc_s, event.kind, event.subject, event.detail, event.reason, event.role, event.missing_s,
         second, until_utc_s),
    )  # fmt: skip
    if labels is not None:
        spool.put(db, line(labels.site, event, second), 1)


def line(site: str, event: Event, point_utc_s: int) -> str:
    """The point of an event; its texts are string fields, never tags."""
    zone = f",zone={escape_tag(event.subject)}" if event.subject else ""
    texts = {"kind": event.kind, "detail": event.detail}
    texts |= {name: text for name, text in (("reason", event.reason), ("role", event.role)) if text}
    fields = [f'{name}="{escape_field(text)}"' for name, text in texts.items()]
    if event.missing_s is not None:
        fields.append(f"missing_s={event.missing_s}i")
    return f"event,site={escape_tag(site)}{zone} {','.join(fields)} {point_utc_s}"


def point_second(db: sqlite3.Connection, subject: str, utc_s: int) -> int:
    """The first second from `utc_s` on that no other event's point of this subject has."""
    second = utc_s
    for (taken,) in db.execute(
        "SELECT point_utc_s FROM event WHERE subject = ? AND point_utc_s >= ? ORDER BY point_utc_s LIMIT ?",
        (subject, utc_s, LOOK_MAX),
    ):
        if taken != second:
            return second
        second += 1
    if second - utc_s < LOOK_MAX:
        return second
    row = db.execute("SELECT max(point_utc_s) FROM event WHERE subject = ?", (subject,)).fetchone()
    return int(row[0]) + 1


def events(db: sqlite3.Connection, from_utc_s: float, to_utc_s: float, kind: str | None = None) -> list[Event]:
    """Events of a period, oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM event WHERE utc_s >= ?1 AND utc_s < ?2 AND (?3 IS NULL OR kind = ?3) "
        "ORDER BY utc_s, id",
        (from_utc_s, to_utc_s, kind),
    )
    return [Event(*row) for row in rows]


def lines(db: sqlite3.Connection, site: str, from_utc_s: int, to_utc_s: int) -> list[str]:
    """The points of the events of a period, as they were."""
    rows = db.execute(
        f"SELECT point_utc_s, {_COLUMNS} FROM event WHERE utc_s >= ? AND utc_s < ? ORDER BY utc_s, id",
        (from_utc_s, to_utc_s),
    )
    return [line(site, Event(*fields), second) for second, *fields in rows]


def note_tick(db: sqlite3.Connection, labels: Labels | None, tick: Tick) -> None:
    """What a tick that is not in the record yet tells of its board: a reboot, a gap before it, or a part of a gap."""
    newest = db.execute(
        "SELECT start_utc_s + dt_s, start_utc_s, life, boot FROM tick WHERE board = ? "
        "ORDER BY start_utc_s DESC LIMIT 1",
        (tick.board,),
    ).fetchone()
    if newest is None:
        return
    end_utc_s, start_utc_s, life, boot = newest
    if (life, boot) != (tick.life, tick.boot):
        _note_boot(db, labels, tick, life)
    if tick.start_utc_s < start_utc_s:
        _fill(db, labels, tick)
    elif (missing_s := tick.start_utc_s - end_utc_s) > GAP_MIN_S:
        gap = Event(end_utc_s, GAP, tick.board, "no records", missing_s=missing_s)
        happen(db, labels, gap, until_utc_s=tick.start_utc_s)


def _note_boot(db: sqlite3.Connection, labels: Labels | None, tick: Tick, life: int) -> None:
    """A reboot, at the first record that is heard of it."""
    known = db.execute(
        "SELECT 1 FROM tick WHERE board = ? AND life = ? AND boot = ? LIMIT 1", (tick.board, tick.life, tick.boot)
    ).fetchone()
    if known:
        return
    began_utc_s = tick.start_utc_s + tick.dt_s - tick.up_s
    what = f"boot {tick.boot}" if tick.life == life else f"boot {tick.boot} of another board in its place"
    happen(db, labels, Event(began_utc_s, REBOOT, tick.board, what))


def _fill(db: sqlite3.Connection, labels: Labels | None, tick: Tick) -> None:
    """A record from a board's journal makes the gap in which it lies smaller; the gap's point is written again."""
    row = db.execute(
        "SELECT id, until_utc_s, missing_s FROM event WHERE kind = 'gap' AND subject = ? AND utc_s <= ? "
        "ORDER BY utc_s DESC LIMIT 1",
        (tick.board, tick.start_utc_s),
    ).fetchone()
    if row is None or tick.start_utc_s >= row[1] or not row[2]:
        return
    number, missing_s = row[0], max(0, row[2] - tick.dt_s)
    db.execute("UPDATE event SET missing_s = ? WHERE id = ?", (missing_s, number))
    if labels is not None:
        second, *fields = db.execute(f"SELECT point_utc_s, {_COLUMNS} FROM event WHERE id = ?", (number,)).fetchone()
        spool.put(db, line(labels.site, Event(*fields), second), 1)


class EventRepository(Repository):
    """Rare events."""

    def __init__(self, writer: Writer, clock: Clock, lines: spool.SpoolRepository) -> None:
        super().__init__(writer, clock)
        self._spool = lines

    async def append(self, kind: str, subject: str, detail: str) -> None:
        """Keep an event; it also becomes a point."""
        event, labels = Event(self._now(), kind, subject, detail), self._spool.labels
        await self.write(lambda db: happen(db, labels, event))
        self._spool.waiting.set()

    async def happened(self, from_utc_s: float, to_utc_s: float, kind: str | None = None) -> list[Event]:
        """Events of a period, oldest first."""
        return await self.read(lambda db: events(db, from_utc_s, to_utc_s, kind))
