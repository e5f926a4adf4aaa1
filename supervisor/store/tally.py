"""How often what was used or delivered, by local day, and lessons of staff. Plain functions on a connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from supervisor.store.repository import Repository


def add(db: sqlite3.Connection, day: str, counts: Mapping[str, int]) -> None:
    """Add to a day's counts."""
    db.executemany(
        "INSERT INTO tally_day VALUES (?, ?, ?) ON CONFLICT (day, what) DO UPDATE SET count = count + excluded.count",
        [(day, what, count) for what, count in counts.items()],
    )


def trained(db: sqlite3.Connection, utc_s: int, lesson: str, score: int, person: str) -> None:
    """Note a lesson that somebody finished."""
    db.execute(
        "INSERT INTO training (utc_s, lesson, score, person) VALUES (?, ?, ?, ?)", (utc_s, lesson, score, person)
    )


class TallyRepository(Repository):
    """Counts by day."""

    async def add(self, day: str, counts: Mapping[str, int]) -> None:
        """Add to a day's counts."""
        await self.write(lambda db: add(db, day, counts))
