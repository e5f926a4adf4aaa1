"""Energy by zone and hour; `supervisor.energy.tables` makes reports of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

SEPARATOR = "\x1f"  # of names that SQLite joins; no name has it


def grouped_hours(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> Iterator[tuple[int, str, str]]:
    """The hours that begin in a period: (start, zones by SEPARATOR, three packed numbers of each zone by spaces).

    SQLite joins the rows of an hour: a row of Python objects for each zone took three times as long. The numbers are
    wh0 + wh1·2³², wh2 + wh3·2³² and on_s + covered_s·2³².
    """
    return db.execute(
        "SELECT start_utc_s, group_concat(zone, char(31)), group_concat((wh0 + (wh1 << 32)) || ' ' || "
        "(wh2 + (wh3 << 32)) || ' ' || (on_s + (covered_s << 32)), ' ') FROM zone_1h "
        "WHERE start_utc_s >= ? AND start_utc_s < ? GROUP BY start_utc_s",
        (from_utc_s, to_utc_s),
    )


def hour_sums(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> Iterator[tuple[int, int, int, int, int]]:
    """All zones' energy [Wh] in the quarters of each hour that begins in a period: (start, four sums)."""
    return db.execute(
        "SELECT start_utc_s, sum(wh0), sum(wh1), sum(wh2), sum(wh3) FROM zone_1h "
        "WHERE start_utc_s >= ? AND start_utc_s < ? GROUP BY start_utc_s",
        (from_utc_s, to_utc_s),
    )


def times_of(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> dict[str, tuple[int, int]]:
    """Zone → seconds heated and seconds with telemetry, of the hours that begin in a period."""
    rows = db.execute(
        "SELECT zone, sum(on_s), sum(covered_s) FROM zone_1h WHERE start_utc_s >= ? AND start_utc_s < ? GROUP BY zone",
        (from_utc_s, to_utc_s),
    )
    return {zone: (on_s, covered_s) for zone, on_s, covered_s in rows}


def quarters_wh(db: sqlite3.Connection, zone: str, from_utc_s: int, to_utc_s: int) -> dict[int, int]:
    """A zone's energy [Wh] by the UTC second at which its quarter of an hour starts; quarters without are left out."""
    rows = db.execute(
        "SELECT start_utc_s, wh0, wh1, wh2, wh3 FROM zone_1h WHERE zone = ? AND start_utc_s > ? AND start_utc_s < ?",
        (zone, from_utc_s - 3600, to_utc_s),
    )
    return {start + 900 * n: wh for start, *quarters in rows for n, wh in enumerate(quarters) if wh}


def hour_starts(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> tuple[int, int] | None:
    """Start of the first and of the last hour that begin in a period [UTC s]; None where there is none."""
    first, last = (
        db.execute(
            f"SELECT {which}(start_utc_s) FROM zone_1h WHERE start_utc_s >= ? AND start_utc_s < ?",
            (from_utc_s, to_utc_s),
        ).fetchone()[0]
        for which in ("min", "max")
    )
    return None if first is None else (int(first), int(last))


def span(db: sqlite3.Connection) -> tuple[int, int] | None:
    """Start and end of the record [UTC s]; None while it is empty."""
    # Two queries: SQLite finds the ends of an index only where it is asked for one of them.
    first, last = (db.execute(f"SELECT {one}(start_utc_s) FROM zone_1h").fetchone()[0] for one in ("min", "max"))
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


def coldest(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> dict[str, float]:
    """Zone → coldest surface of the hours that begin in a period [°C]; zones without a known one are left out."""
    rows = db.execute(
        "SELECT zone, min(surface_min_mc) FROM zone_1h WHERE start_utc_s >= ? AND start_utc_s < ? GROUP BY zone",
        (from_utc_s, to_utc_s),
    )
    return {zone: least / 1000 for zone, least in rows if least is not None}


def frozen_hours(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> tuple[float, float]:
    """Hours of zones with a mean surface below 0 °C, and those with a known surface, in the hours of a period."""
    frozen_s, known_s = db.execute(
        "SELECT coalesce(sum(surface_s) FILTER (WHERE surface_mc_s < 0), 0), coalesce(sum(surface_s), 0) FROM zone_1h "
        "WHERE start_utc_s >= ? AND start_utc_s < ?",
        (from_utc_s - 3599, to_utc_s),
    ).fetchone()
    return frozen_s / 3600, known_s / 3600


def surface_hours(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> Iterator[tuple[str, int, float]]:
    """(zone, start of the hour, mean surface [°C]) of the hours that begin in a period and were measured half or more.

    Half an hour leaves out what a board saw of an hour in which it started.
    """
    return db.execute(
        "SELECT zone, start_utc_s, surface_mc_s / 1000.0 / surface_s FROM zone_1h "
        "WHERE start_utc_s >= ? AND start_utc_s < ? AND surface_s >= 1800",
        (from_utc_s, to_utc_s),
    )
