"""The weather as it was: rows of a `WeatherSeries`, kept as time passes. Plain functions on a connection."""

from __future__ import annotations

import sqlite3
from dataclasses import fields

import numpy as np

from supervisor.domain.weather import WeatherSeries
from supervisor.store.engine import has_table
from supervisor.store.repository import Repository

_COLUMNS = tuple(f.name for f in fields(WeatherSeries) if f.name != "time_utc_s")
_NAMES = ", ".join(("utc_s", *_COLUMNS))


def put(db: sqlite3.Connection, series: WeatherSeries) -> None:
    """Keep every row; one that is there already is replaced, since later data on the same hour are better."""
    times = np.round(series.time_utc_s).astype(int).tolist()
    columns = (getattr(series, name).tolist() for name in _COLUMNS)
    marks = ", ".join("?" * (len(_COLUMNS) + 1))
    db.executemany(f"INSERT OR REPLACE INTO weather ({_NAMES}) VALUES ({marks})", zip(times, *columns, strict=True))


def between(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> WeatherSeries:
    """The rows that end in (from, to]; there may be none, as in a database from before this table existed."""
    query = f"SELECT {_NAMES} FROM weather WHERE utc_s > ? AND utc_s <= ? ORDER BY utc_s"
    there = has_table(db, "weather")
    found = db.execute(query, (from_utc_s, to_utc_s)).fetchall() if there else []
    table = np.array(found, dtype=np.float64).reshape(len(found), len(_COLUMNS) + 1)
    return WeatherSeries(*(np.ascontiguousarray(column) for column in table.T))


def prune(db: sqlite3.Connection, before_utc_s: int) -> int:
    """Delete older rows. Returns how many."""
    return db.execute("DELETE FROM weather WHERE utc_s < ?", (before_utc_s,)).rowcount


class WeatherRepository(Repository):
    """The weather as it was."""

    async def put(self, series: WeatherSeries) -> None:
        """Keep every row, in the place of an older one of the same time."""
        await self.write(lambda db: put(db, series))

    async def between(self, from_utc_s: float, to_utc_s: float) -> WeatherSeries:
        """The rows that end in (from, to]; there may be none."""
        return await self.read(lambda db: between(db, int(from_utc_s), int(to_utc_s)))

    async def prune(self, before_utc_s: float) -> int:
        """Delete older rows. Returns how many."""
        return await self.write(lambda db: prune(db, int(before_utc_s)))
