"""Wear of circuits by local day, what boards count of contactors, and readings of panels."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec import Struct

from supervisor.domain.panel import PanelReading
from supervisor.store.repository import Repository

Row = TypeVar("Row", "WearDay", "LifeDay", PanelReading)


class WearDay(Struct, frozen=True):
    """A day of a circuit."""

    day: str
    zone: str
    starts: int
    on_s: int
    full_s: int
    full_ws: int


class LifeDay(Struct, frozen=True):
    """What a board had counted of a contactor since the board was new, as it stood on a day."""

    zone: str
    day: str
    switchings: int
    on_h: int


def by_zone(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows of days or readings by their zone, in order; a zone without any has none."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for one in rows:
        found[one.zone].append(one)
    return found


def add_wear(db: sqlite3.Connection, day: str, wear: Mapping[str, tuple[int, int, int, int]]) -> None:
    """Add starts, on_s, full_s and full_ws of zones to a day."""
    db.executemany(
        "INSERT INTO wear_day VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (day, zone) DO UPDATE SET starts = starts + "
        "excluded.starts, on_s = on_s + excluded.on_s, full_s = full_s + excluded.full_s, full_ws = full_ws + "
        "excluded.full_ws",
        [(day, zone, *values) for zone, values in wear.items()],
    )


def wear(db: sqlite3.Connection, from_day: str, to_day: str) -> list[WearDay]:
    """Days in [from, to), oldest first."""
    query = (
        "SELECT day, zone, starts, on_s, full_s, full_ws FROM wear_day WHERE day >= ? AND day < ? ORDER BY day, zone"
    )
    return [WearDay(*row) for row in db.execute(query, (from_day, to_day))]


def keep_life(db: sqlite3.Connection, one: LifeDay) -> None:
    """Keep what a board had counted on a day, instead of what it said earlier that day."""
    db.execute(
        "INSERT INTO life_day (zone, day, switchings, on_h) VALUES (?, ?, ?, ?) ON CONFLICT (zone, day) DO UPDATE SET "
        "switchings = excluded.switchings, on_h = excluded.on_h",
        (one.zone, one.day, one.switchings, one.on_h),
    )


def lives(db: sqlite3.Connection) -> list[LifeDay]:
    """All that boards counted, oldest first."""
    return [LifeDay(*row) for row in db.execute("SELECT zone, day, switchings, on_h FROM life_day ORDER BY day, zone")]


def add_reading(db: sqlite3.Connection, one: PanelReading) -> bool:
    """Keep a reading; False where one of the same road, moment and source is there."""
    values = (one.utc_s, one.zone, one.source, one.voltage_v, one.current_a, one.leakage_ma, one.panel_c)
    return db.execute("INSERT OR IGNORE INTO panel_reading VALUES (?, ?, ?, ?, ?, ?, ?)", values).rowcount > 0


def readings(db: sqlite3.Connection, from_utc_s: float, to_utc_s: float) -> list[PanelReading]:
    """Of a period, oldest first."""
    query = (
        "SELECT utc_s, zone, user, voltage_v, current_a, leakage_ma, panel_c FROM panel_reading "
        "WHERE utc_s >= ? AND utc_s < ? ORDER BY utc_s, zone, user"
    )
    names = PanelReading.__struct_fields__
    return [PanelReading(**dict(zip(names, row, strict=True))) for row in db.execute(query, (from_utc_s, to_utc_s))]


class HealthRepository(Repository):
    """Wear, lives and readings."""

    async def add_wear(self, day: str, wear: Mapping[str, tuple[int, int, int, int]]) -> None:
        """Add starts, on_s, full_s and full_ws of zones to a day."""
        await self.write(lambda db: add_wear(db, day, wear))

    async def keep_life(self, one: LifeDay) -> None:
        """Keep what a board had counted on a day."""
        await self.write(lambda db: keep_life(db, one))

    async def add_reading(self, one: PanelReading) -> bool:
        """Keep a reading; False where it is there already."""
        return bool(await self.write(lambda db: add_reading(db, one)))
