"""The store of a configured service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from supervisor.config import Config
from supervisor.runtime.clock import Clock
from supervisor.store.store import DATABASE_NAME, SPOOL_CAP_BYTES, Store


@asynccontextmanager
async def open_store(config: Config, clock: Clock) -> AsyncIterator[Store]:
    """The store in the configured folder; lines for InfluxDB are kept only where it is configured."""
    store = Store.open(
        config.state_dir / DATABASE_NAME,
        clock,
        site=config.site.name,
        timezone=config.site.timezone,
        spool_cap_bytes=SPOOL_CAP_BYTES if config.influx else 0,
    )
    try:
        yield store
    finally:
        await store.close()
