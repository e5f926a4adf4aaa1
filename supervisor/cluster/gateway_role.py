"""`roadheat serve --role gateway`: the boards' listener as a process of its own, without configuration and record.

All it needs comes from the core: certificate, boards' keys, limits. It keeps nothing on disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from supervisor.cluster.core_link import CoreLink
from supervisor.cluster.gateway_metrics import GatewayMetrics
from supervisor.cluster.memory_files import MemoryPki
from supervisor.cluster.messages import Joined, Subjects
from supervisor.cluster.transport import Transport
from supervisor.config.listen import split_listen
from supervisor.config.schema import BoardsConfig
from supervisor.domain.errors import ConfigError
from supervisor.gateway.gateway import Gateway, Served
from supervisor.net.handles import raise_limit, share_out
from supervisor.runtime.stopping import stop_asked

logger = logging.getLogger(__name__)

NAME: Final = "roadheat gateway"


@dataclass(frozen=True)
class GatewayOptions:
    """`listen` is where boards dial in, `metrics` where Prometheus and a balancer ask ("" for nowhere)."""

    listen: str
    metrics: str = ""


@dataclass(frozen=True)
class RunningGateway:
    """What runs, for those who start it: tests and `serve_gateway`."""

    address: tuple[str, int]
    link: CoreLink
    metrics: GatewayMetrics
    boards: int


@asynccontextmanager
async def running_gateway(
    transport: Transport, subjects: Subjects, options: GatewayOptions
) -> AsyncIterator[RunningGateway]:
    """A gateway between enter and exit; waits for the first core, for ever. Raises ConfigError."""
    _address(options.listen, "--listen")
    async with AsyncExitStack() as stack:
        metrics = GatewayMetrics()
        await stack.enter_async_context(transport)
        link = await stack.enter_async_context(CoreLink(transport, subjects, metrics))
        if options.metrics:
            await stack.enter_async_context(_telling(metrics, link, options.metrics))
        core = await asyncio.shield(link.membership.joined)
        files = MemoryPki(core.certificate, core.key)
        stack.callback(files.close)
        boards = BoardsConfig(
            listen=options.listen, handshakes_max=core.handshakes_max,
            connections_per_address=core.connections_per_address,
        )  # fmt: skip
        served = Served(boards, range(core.boards), link.membership.keys)
        budget = share_out(raise_limit(), core.boards).boards
        gateway = Gateway(served, files.pki, link, metrics, connections_max=budget)

        def renew(core: Joined) -> None:
            files.replace(core.certificate, core.key)
            try:
                gateway.renew_certificate()
            except OSError as error:
                logger.error("the core's certificate cannot be used: %s", error)

        link.membership.renewed.append(renew)
        await stack.enter_async_context(gateway)
        yield RunningGateway(gateway.address, link, metrics, core.boards)


async def serve_gateway(
    transport: Transport, subjects: Subjects, options: GatewayOptions, say: Callable[[str], None] = print
) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = stop_asked()

    async def run() -> None:
        async with running_gateway(transport, subjects, options) as gateway:
            host, port = gateway.address
            say(f"boards dial in at {host}:{port}, {gateway.boards} are configured")
            await asyncio.Event().wait()

    running = asyncio.create_task(run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not running.done():
        logger.info("stopping")
        running.cancel()
    outcome = (await asyncio.gather(running, return_exceptions=True))[0]
    if isinstance(outcome, Exception):
        raise outcome


@asynccontextmanager
async def _telling(metrics: GatewayMetrics, link: CoreLink, listen: str) -> AsyncIterator[None]:
    """/metrics, and /healthz for a balancer: 200 while the gateway has a core."""

    async def numbers(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def health(_: web.Request) -> web.Response:
        away_s = link.membership.away_s
        body = msgspec.json.encode({"core": away_s == 0, "away_s": round(away_s)})
        return web.Response(status=200 if away_s == 0 else 503, body=body, content_type="application/json")

    host, port = _address(listen, "--metrics")
    app = web.Application()
    app.router.add_get("/metrics", numbers)
    app.router.add_get("/healthz", health)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigError(f"cannot listen: {error.strerror}", where="--metrics", remedy="Free the port") from error
    try:
        yield
    finally:
        await runner.cleanup()


def _address(listen: str, where: str) -> tuple[str, int]:
    try:
        return split_listen(listen)
    except ValueError:
        raise ConfigError(f"{listen!r} is not host:port", where=where, remedy="Write 0.0.0.0:8443") from None
