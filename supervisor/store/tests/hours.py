"""The hours of the record as objects, for tests: reports read them as arrays."""

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
