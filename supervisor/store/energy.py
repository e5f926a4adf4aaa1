"""Energy by zone and hour; `supervisor.energy.tables` makes reports of it."""

from __future__ import annotations

import sqlite3

from msgspec import Struct


class HourEnergy(Struct, frozen=True):
    """One zone over one hour."""

    start_utc_s: int
    zone: str
    quarters_wh: tuple[int, int, int, int]  # the tariff's intervals
    on_s: int
    covered_s: int  # seconds that telemetry covers

    @property
    def energy_wh(self) -> int:
        return sum(self.quarters_wh)


def hours(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> list[HourEnergy]:
    """The hours that begin in a period, in order of time and zone."""
    rows = db.execute(
        "SELECT start_utc_s, zone, wh0, wh1, wh2, wh3, on_s, covered_s FROM zone_1h "
        "WHERE start_utc_s >= ? AND start_utc_s < ? ORDER BY start_utc_s, zone",
        (from_utc_s, to_utc_s),
    )
    return [HourEnergy(row[0], row[1], (row[2], row[3], row[4], row[5]), row[6], row[7]) for row in rows]


def span(db: sqlite3.Connection) -> tuple[int, int] | None:
    """Start and end of the record [UTC s]; None while it is empty."""
    first, last = db.execute("SELECT min(start_utc_s), max(start_utc_s) FROM zone_1h").fetchone()
    return None if first is None else (int(first), int(last) + 3600)


def sent_hours(
    db: sqlite3.Connection, from_utc_s: int, to_utc_s: int
) -> tuple[dict[tuple[str, int], int], set[tuple[str, int]]]:
    """(zone, start) → energy [Wh] of the hours whose points are as they stand, and the hours still to be sent."""
    rows = db.execute(
        "SELECT zone, start_utc_s, wh0 + wh1 + wh2 + wh3, dirty FROM zone_1h "
        "WHERE start_utc_s >= ? AND start_utc_s < ?",
        (from_utc_s, to_utc_s),
    ).fetchall()
    sent = {(zone, start_utc_s): energy_wh for zone, start_utc_s, energy_wh, dirty in rows if not dirty}
    return sent, {(zone, start_utc_s) for zone, start_utc_s, _, dirty in rows if dirty}
