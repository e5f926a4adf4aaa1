"""The configured way of the energy record to InfluxDB."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from supervisor.config import Config
from supervisor.energy.endpoint import Target
from supervisor.energy.shipper import AlarmSink, Shipper, Spool, shipping
from supervisor.runtime.clock import Clock


@asynccontextmanager
async def open_influx(config: Config, spool: Spool, clock: Clock, alarm: AlarmSink) -> AsyncIterator[Shipper | None]:
    """A shipper, None where no `[influx]` is configured. The token comes from the environment."""
    influx = config.influx
    if influx is None:
        yield None
        return
    target = Target(
        api=influx.api,
        url=influx.url,
        database=influx.database,
        bucket=influx.bucket,
        org=influx.org,
        token=os.environ.get(influx.token_env, ""),
    )
    async with shipping(target, spool, clock, alarm) as shipper:
        yield shipper
