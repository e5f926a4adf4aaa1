"""One core for each district on PostgreSQL: the others stand by until its lease is free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supervisor.config import Config
from supervisor.store.place import Server, place_of

if TYPE_CHECKING:
    from supervisor.store.lease import Lease


@dataclass(frozen=True)
class Lead:
    """What a core has that runs its district. `kept` ends, by an error, where another core has taken it."""

    lease: Lease
    place: Server
    kept: asyncio.Task[None]


@asynccontextmanager
async def leading(config: Config, say: Callable[[str], None], stop: asyncio.Event) -> AsyncIterator[Lead | None]:
    """Wait until this core may run the district, or `stop`; None for a record in a file, whose lock serves.

    Raises StoreError.
    """
    place = place_of(config)
    if not isinstance(place, Server):
        yield None
        return
    from supervisor.store.lease import Lease

    lease = Lease(place)
    taking = asyncio.ensure_future(lease.take(say))
    stopped = asyncio.ensure_future(stop.wait())
    kept: asyncio.Task[None] | None = None
    try:
        await asyncio.wait({taking, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not taking.done():
            yield None
            return
        taken = taking.result()
        kept = asyncio.create_task(lease.keep(), name="lease")
        yield Lead(lease, taken, kept)
    finally:
        for task in (taking, stopped, *([kept] if kept else ())):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        await lease.release()
