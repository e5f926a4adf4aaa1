"""The store of a configured service."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import cast

from supervisor.config import Config
from supervisor.domain.errors import StoreError
from supervisor.runtime.clock import Clock
from supervisor.store import database
from supervisor.store.engine import transaction
from supervisor.store.integrity import refuse_damaged
from supervisor.store.place import RIGHTS, Place, Server, place_of
from supervisor.store.spool_cap import spool_cap_bytes
from supervisor.store.store import Store

logger = logging.getLogger(__name__)


def enter(place: Server, config: Config) -> None:
    """Enter the district among those of its database. Raises StoreError where it, or a board, is there twice."""
    with closing(database.connect(place)) as connection:
        from supervisor.store.postgres import Postgres
        from supervisor.store.province import claim

        db = cast(Postgres, connection)
        try:
            with transaction(db):
                claim(db, config.site.name, [board.id for board in config.board])
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
