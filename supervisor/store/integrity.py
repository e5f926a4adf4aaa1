"""Whether the database is whole: a bounded look at each start, a thorough one by command.

A start must not wait minutes for a large record while roads are without plans, so its look ends after some seconds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from supervisor.domain.errors import StoreError
from supervisor.runtime.clock import Clock
from supervisor.store.database import BUSY_TIMEOUT_MS, DAMAGED, migrations

AT_START_S = 5.0
STEPS = 20_000  # of SQLite's machine between two looks at the time: some milliseconds
SHOWN_MAX = 20
REMEDY = "Stop the service and put your last backup in its place: `roadheat restore`; keep the damaged file"


class Verdict(NamedTuple):
    """`damages`: empty where none was found; `whole`: whether all of the file was looked at."""

    damages: tuple[str, ...]
    whole: bool


def look(path: Path, *, thorough: bool = False, expired: Callable[[], bool] | None = None) -> Verdict:
    """Damages of the database at `path`, beside a running service. Raises StoreError where it cannot be looked at.

    `thorough` compares indices with tables and references with what they name, too. Ends once `expired` says so.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            return _look(db, thorough, expired)
    except sqlite3.DatabaseError as error:
        if any(words in str(error) for words in DAMAGED):
            return Verdict((str(error),), whole=False)
        raise StoreError(f"the database cannot be checked: {error}", where=str(path)) from error


def _look(db: sqlite3.Connection, thorough: bool, expired: Callable[[], bool] | None) -> Verdict:
    db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    db.execute("PRAGMA query_only = ON")
    if expired is not None:
        db.set_progress_handler(expired, STEPS)
    try:
        kind = "integrity_check" if thorough else "quick_check"
        found = [str(row[0]) for row in db.execute(f"PRAGMA {kind}({SHOWN_MAX})")]
        if thorough:
            found += [f"{row[0]}: row {row[1]} names a missing row of {row[2]}"
                      for row in db.execute("PRAGMA foreign_key_check").fetchmany(SHOWN_MAX)]  # fmt: skip
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return Verdict((), whole=False)
        raise
    return Verdict(tuple(line for line in found if line != "ok"), whole=True)


def refuse_damaged(path: Path, clock: Clock) -> bool:
    """Raise StoreError where the database is damaged; whether all of it was looked at within `AT_START_S`."""
    if not path.exists() or not path.stat().st_size:
        return True
    end_s = clock.monotonic_s() + AT_START_S
    verdict = look(path, expired=lambda: clock.monotonic_s() > end_s)
    if verdict.damages:
        raise damaged(path, verdict)
    return verdict.whole


def damaged(path: Path, verdict: Verdict) -> StoreError:
    """The sentence for what was found."""
    more = f" and {len(verdict.damages) - 1} more" if len(verdict.damages) > 1 else ""
    first = " ".join(verdict.damages[0].split())
    return StoreError(f"the database is damaged: {first}{more}", where=str(path), remedy=REMEDY)


def schema(path: Path) -> tuple[int, int]:
    """Schema of the file, and the newest that this version knows."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0]), len(migrations())
