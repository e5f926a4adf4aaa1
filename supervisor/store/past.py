"""What happened to a zone, by quarters of an hour and by events: for its chart and the history. Reads only."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from supervisor.domain.override import LIVE_STATES, Override, OverrideState
from supervisor.store import journal, late
from supervisor.store.alarms import AlarmRecord
from supervisor.store.energy import quarters_wh

QUARTER_S = 900
LONGEST_S = 86_400  # an override, which may have begun before a period
SAMPLE_S = 300  # of the surface: it changes by tenths of a degree in that time


class Quarters(Struct, frozen=True):
    """Means by quarter of an hour from `from_utc_s` on; None where nothing was heard."""

    from_utc_s: int
    surface_c: list[float | None]
    power_w: list[float | None]


def quarters(db: sqlite3.Connection, board: str, zone: str, from_utc_s: int, count: int) -> Quarters:
    """Measured means of `count` quarters; `from_utc_s` is the start of one."""
    until = from_utc_s + count * QUARTER_S
    found: defaultdict[int, list[float]] = defaultdict(list)
    heard: set[int] = set()
    rows = db.execute(  # SQLite takes the other columns from the row with the minimum
        f"SELECT {late.COLUMNS}, MIN(start_utc_s) FROM tick WHERE board = ? AND start_utc_s >= ? AND start_utc_s < ? "
        f"GROUP BY start_utc_s / {SAMPLE_S}",
        (board, from_utc_s, until),
    )
    for row in rows:
        tick = late.tick_of(row[:-1])[1]
        for one in tick.zones:
            if one.sample.zone == zone:
                quarter = (tick.start_utc_s - from_utc_s) // QUARTER_S
                heard.add(quarter)
                if one.surface_mc is not None:
                    found[quarter].append(one.surface_mc / 1000)
    energy = quarters_wh(db, zone, from_utc_s, until)
    return Quarters(
        from_utc_s,
        [sum(found[q]) / len(found[q]) if found[q] else None for q in range(count)],
        [4.0 * energy.get(from_utc_s + q * QUARTER_S, 0) if q in heard else None for q in range(count)],
    )


def alarms(
    db: sqlite3.Connection, subjects: Sequence[str] | None, from_utc_s: int, until_utc_s: int
) -> list[AlarmRecord]:
    """Alarms that stood in a period, newest first; `subjects`: of these zones, boards and feeders only."""
    marks = ", ".join("?" * len(subjects or ()))
    of = f"AND subject IN ({marks}) " if subjects is not None else ""
    rows = db.execute(
        "SELECT * FROM alarm WHERE raised_utc_s < ? AND (cleared_utc_s IS NULL OR cleared_utc_s >= ?) "
        f"{of}ORDER BY raised_utc_s DESC, id DESC",
        (until_utc_s, from_utc_s, *(subjects or ())),
    )
    return [AlarmRecord(*row) for row in rows]


def ends(made: Sequence[Override], cancelled_utc_s: Mapping[int, int]) -> list[tuple[Override, int]]:
    """Overrides, newest first, each with its end: by its expiry, a newer one of its zone or a person's cancel.

    `cancelled_utc_s`: of `cancelled`, from the oldest of them on; one reading serves all zones.
    """
    found: list[tuple[Override, int]] = []
    newer_utc_s: dict[str, int] = {}
    for override in made:
        end = override.expires_utc_s
        if override.state not in LIVE_STATES:
            end = min(end, cancelled_utc_s.get(override.id, end))
        end = min(end, newer_utc_s.get(override.zone, end))
        if override.state is not OverrideState.REFUSED:  # one that was refused displaced nothing on the board
            newer_utc_s[override.zone] = override.created_utc_s
        found.append((override, max(end, override.created_utc_s)))
    return found


def cancelled(db: sqlite3.Connection, from_utc_s: int, now_utc_s: int) -> dict[int, int]:
    """Number of each override that a person ended → when."""
    found = {}
    for entry in journal.audit(db, from_utc_s, now_utc_s + 1):
        if entry.action == "cancel" and (number := re.match(r"\d+", entry.detail)):
            found[int(number[0])] = entry.utc_s
    return found
