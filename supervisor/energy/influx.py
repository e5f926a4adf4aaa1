"""The configured way of the energy record to InfluxDB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from supervisor.config import Config
from supervisor.energy.endpoint import configured
from supervisor.energy.shipper import AlarmSink, Shipper, Spool, shipping
from supervisor.runtime.clock import Clock


@asynccontextmanager
async def open_influx(config: Config, spool: Spool, clock: Clock, alarm: AlarmSink) -> AsyncIterator[Shipper | None]:
    """A shipper, None where no `[influx]` is configured. The token comes from the environment."""
    influx = config.influx
    if influx is None:
        yield None
        return
    async with shipping(configured(influx), spool, clock, alarm) as shipper:
        yield shipper
