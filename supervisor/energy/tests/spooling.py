"""A spool with 40 lines, a shipper, and a server for it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supervisor.energy.endpoint import Target, connect
from supervisor.energy.shipper import Shipper
from supervisor.runtime.clock import ManualClock
from supervisor.store import DATABASE_NAME, SPOOL_CAP_BYTES, Store, spool

Api = Literal["v1", "v2"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
both = pytest.mark.parametrize("api", ["v1", "v2"])


class Standing:
    """Alarms that stand now."""

    def __init__(self) -> None:
        self.codes: set[str] = set()

    def set(self, code: str, subject: str, stands: bool, text: str = "") -> None:
        self.codes = self.codes | {code} if stands else self.codes - {code}


class Spooling:
    """A spool with 40 lines, a server that answers what the test says, a shipper between."""

    def __init__(self, store: Store, shipper: Shipper, standing: Standing, clock: ManualClock) -> None:
        self.store, self.shipper, self.standing, self.clock = store, shipper, standing, clock

    async def put(self, lines: list[str]) -> None:
        text = "\n".join(lines)
        await self.store.write(lambda db: spool.put(db, text, len(lines)))

    async def waiting(self) -> int:
        return (await self.store.spool.state()).points


def line(n: int) -> str:
    return f"zone,zone=z01 delta_wh={n}i {n}"


@asynccontextmanager
async def spooling(folder: Path, api: Api, url: str) -> AsyncIterator[Spooling]:
    clock = ManualClock(1_700_000_000.0)
    store = Store.open(folder / DATABASE_NAME, clock, site="s", spool_cap_bytes=SPOOL_CAP_BYTES)
    standing = Standing()
    target = Target(api=api, url=url, database="heat", bucket="heat", org="city", token="t")
    endpoint = connect(target)
    try:
        made = Spooling(store, Shipper(store.spool, endpoint, clock, standing.set, random.Random(1)), standing, clock)
        await made.put([line(n) for n in range(40)])
        yield made
    finally:
        await endpoint.close()
        await store.close()


@asynccontextmanager
async def answering(folder: Path, api: Api, handler: Handler) -> AsyncIterator[Spooling]:
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server, spooling(folder, api, f"http://127.0.0.1:{server.port}") as made:
        yield made
