"""The store of a configured service."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final, cast

from supervisor.config import Config
from supervisor.config.influx_rules import SPOOL_MIB
from supervisor.domain.errors import StoreError
from supervisor.runtime.clock import Clock
from supervisor.store import database
from supervisor.store.integrity import refuse_damaged
from supervisor.store.place import Place, Server, place_of
from supervisor.store.store import SPOOL_CAP_BYTES, Store

RIGHTS = "The user needs the right to create schemas: GRANT CREATE ON DATABASE … TO …"

logger = logging.getLogger(__name__)


SPOOL_DAYS: Final = 14  # a holiday week and the time to get a server repaired
SPOOL_BYTES_PER_ZONE_DAY: Final = 8_640 * 200  # points of 10 s, 150 to 200 bytes each by the lengths of names
SPOOL_DISK_SHARE: Final = 0.25  # of the disk at most where no size is configured: the record itself needs the rest


def spool_cap_bytes(config: Config) -> int:
    """The most that waits for InfluxDB; 0 where none is configured.

    Without `spool_mib` it is what fourteen days of the zones take, within a quarter of the disk.
    """
    if config.influx is None:
        return 0
    if config.influx.spool_mib is not None:
        return config.influx.spool_mib * 1024**2
    disk_bytes = shutil.disk_usage(_existing(config.state_dir)).total
    return max(min(spool_needed_bytes(config), int(disk_bytes * SPOOL_DISK_SHARE)), SPOOL_MIB[0] * 1024**2)


def spool_needed_bytes(config: Config) -> int:
    """What fourteen days of the zones take; of a small district that of fifty zones."""
    return max(len(config.zone) * SPOOL_BYTES_PER_ZONE_DAY * SPOOL_DAYS, SPOOL_CAP_BYTES)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def enter(place: Server, config: Config) -> None:
    """Enter the district among those of its database. Raises StoreError where it, or a board, is there twice."""
    with closing(database.connect(place)) as connection:
        from supervisor.store.postgres import Postgres
        from supervisor.store.province import claim

        db = cast(Postgres, connection)
        try:
            db.execute("BEGIN IMMEDIATE")
            claim(db, config.site.name, [board.id for board in config.board])
            db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"not entered: {error}", where=str(place), remedy=RIGHTS) from error


@asynccontextmanager
async def open_store(config: Config, clock: Clock, place: Place | None = None) -> AsyncIterator[Store]:
    """The store in the configured folder; lines for InfluxDB are kept only where it is configured.

    `place`: the configured one, with the lease that the writer must have. Raises StoreError, also where a first look
    finds the database damaged.
    """
    path = place or place_of(config)
    if isinstance(path, Path) and not refuse_damaged(path, clock):
        logger.info("%s is large: only a part was checked at this start; `roadheat check-database` reads all", path)
    if isinstance(path, Server):
        enter(path, config)
    store = Store.open(
        path,
        clock,
        site=config.site.name,
        timezone=config.site.timezone,
        spool_cap_bytes=spool_cap_bytes(config),
    )
    try:
        await store.spool.supplied_by({zone.id: zone.feeder for zone in config.zone})
        yield store
    finally:
        await store.close()
