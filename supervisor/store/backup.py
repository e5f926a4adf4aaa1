"""A copy of the database beside it before its schema is upgraded: `roadheat.db.before-5`.

The copy is complete, checked and on the disk before anything is changed; without it nothing is changed. An existing
copy is never overwritten: it is reused where it holds the same record, else the next one gets a number.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from supervisor.domain.errors import StoreError
from supervisor.runtime.disk import to_disk

logger = logging.getLogger(__name__)

COPIES_MAX = 9  # of one step: a start that fails repeatedly must not fill the disk


def back_up(connection: sqlite3.Connection, path: Path, step: int) -> Path:
    """Copy the open database at `path` before schema step `step`. Raises StoreError; then there is no new copy."""
    held = _held(connection)
    target = None
    for number in range(1, COPIES_MAX + 1):
        candidate = path.with_name(f"{path.name}.before-{step}" + (f"-{number}" if number > 1 else ""))
        if not candidate.exists():
            target = candidate
            break
        if _holds(candidate) == held:
            logger.info("the backup %s holds this record already", candidate)
            return candidate
    if target is None:
        raise StoreError(
            f"{COPIES_MAX} backups of other records exist already, nothing was changed",
            where=f"{path}.before-{step}",
            remedy="Move backups that are no longer needed to another disk",
        )
    half = target.with_name(target.name + ".tmp")
    try:
        half.unlink(missing_ok=True)
        copy = sqlite3.connect(half)
        try:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
            verdict = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        finally:
            copy.close()
        if verdict != "ok":
            raise StoreError(
                f"the copy made before the upgrade is damaged ({verdict}), nothing was changed",
                where=str(path),
                remedy="Check the disk, and the database with `sqlite3 FILE 'PRAGMA integrity_check'`",
            )
        to_disk(half)
        half.replace(target)
        to_disk(target.parent)
    except (sqlite3.Error, OSError) as error:
        size_mb = path.stat().st_size / 1e6
        raise StoreError(
            f"no backup before the upgrade ({error}), nothing was changed",
            where=str(target),
            remedy=f"Free at least {size_mb:.0f} MB on the disk of the state folder and start again",
            code="store-full" if "full" in str(error) or getattr(error, "errno", 0) == 28 else "store",
        ) from error
    finally:
        half.unlink(missing_ok=True)
    logger.info("database copied to %s before its upgrade", target)
    return target


def _held(connection: sqlite3.Connection) -> tuple[object, ...]:
    """What distinguishes two states of a record."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    found: list[object] = [connection.execute("PRAGMA user_version").fetchone()[0]]
    for table, what in (("tick", "max(id)"), ("audit", "max(id)"), ("zone_total", "sum(total_wh)"), ("kv", "count(*)")):
        found.append(connection.execute(f"SELECT {what} FROM {table}").fetchone()[0] if table in tables else None)
    return tuple(found)


def _holds(path: Path) -> tuple[object, ...] | None:
    """The same of a copy; None where it is damaged."""
    copy = None
    try:
        copy = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        if copy.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
            return None
        return _held(copy)
    except sqlite3.Error:
        return None
    finally:
        if copy is not None:
            copy.close()
