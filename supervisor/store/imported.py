"""Hours that another system measured, before this service did."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from msgspec import Struct


class Hour(Struct, frozen=True):
    """An hour of a zone."""

    zone: str
    start_utc_s: int
    quarters_wh: tuple[int, ...]  # four
    on_s: int
    covered_s: int

    @property
    def energy_wh(self) -> int:
        return sum(self.quarters_wh)


def missing(db: sqlite3.Connection, hours: Sequence[Hour]) -> list[Hour]:
    """Those of which the record has nothing."""
    found = []
    for hour in hours:
        row = db.execute("SELECT 1 FROM zone_1h WHERE start_utc_s = ? AND zone = ?", (hour.start_utc_s, hour.zone))
        if row.fetchone() is None:
            found.append(hour)
    return found


def put(db: sqlite3.Connection, hours: Sequence[Hour]) -> None:
    """Add hours, to be rolled up; without a surface temperature. Totals of the zones stay: they are of their boards."""
    db.executemany(
        "INSERT INTO zone_1h VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, NULL, 1)",
        [(hour.start_utc_s, hour.zone, *hour.quarters_wh, hour.on_s, hour.covered_s) for hour in hours],
    )
