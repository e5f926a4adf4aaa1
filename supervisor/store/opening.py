"""The store of a configured service."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from supervisor.config import Config
from supervisor.runtime.clock import Clock
from supervisor.store.integrity import refuse_damaged
from supervisor.store.store import DATABASE_NAME, Store

logger = logging.getLogger(__name__)


def spool_cap_bytes(config: Config) -> int:
    """The most that waits for InfluxDB; 0 where none is configured."""
    return config.influx.spool_mib * 1024**2 if config.influx else 0


@asynccontextmanager
async def open_store(config: Config, clock: Clock) -> AsyncIterator[Store]:
    """The store in the configured folder; lines for InfluxDB are kept only where it is configured.

    Raises StoreError, also where a first look finds the database damaged.
    """
    path = config.state_dir / DATABASE_NAME
    if not refuse_damaged(path, clock):
        logger.info("%s is large: only a part was checked at this start; `roadheat check-database` reads all", path)
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
