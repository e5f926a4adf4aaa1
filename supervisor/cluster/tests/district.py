"""A district in several parts for tests: a real core, gateways and NATS; the boards' link in Python."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp

from supervisor.app import Service, running
from supervisor.cluster.gateway_role import GatewayOptions, RunningGateway, running_gateway
from supervisor.cluster.messages import Subjects
from supervisor.cluster.transport import Transport
from supervisor.config import Config
from supervisor.gateway.tests.board_client import BoardClient
from supervisor.roles import core_entrance
from supervisor.runtime.clock import SystemClock
from supervisor.wire.keys import load_key
from supervisor.wire.messages import Hello
from tools.bench.role_process import DISTRICT


@asynccontextmanager
async def core(config: Config, nats: str) -> AsyncIterator[Service]:
    entrance = core_entrance({"nats": nats, "district": DISTRICT})
    async with running(
        config, SystemClock(), planner_executor=lambda: ThreadPoolExecutor(1), entrance=entrance
    ) as started:
        yield started


def gateway(nats: str, metrics: str = "") -> AbstractAsyncContextManager[RunningGateway]:
    options = GatewayOptions("127.0.0.1:0", metrics)
    return running_gateway(Transport([nats], "gateway"), Subjects(DISTRICT), options)


async def dial(config: Config, http: aiohttp.ClientSession, at: RunningGateway, who: Hello) -> BoardClient:
    tls = ssl.create_default_context(cafile=config.pki_dir / "ca.pem")
    board = await BoardClient.dial(http, at.address, tls, load_key(config.board_key_path(who.b)))
    await board.send(who)
    return board
