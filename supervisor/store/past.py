"""What happened to a zone, by quarters of an hour and by events: for its chart and the history. Reads only."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from msgspec import Struct

from supervisor.store import late
from supervisor.store.energy import quarters_wh
from supervisor.store.journal import AlarmRecord

QUARTER_S = 900
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
