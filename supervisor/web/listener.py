"""The web listener: TLS where configured, caps on connections, start and end."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from supervisor.config import Config
from supervisor.config.rules import join_listen, split_listen
from supervisor.domain.errors import ConfigError
from supervisor.net.accept import Acceptor
from supervisor.net.connections import Connections
from supervisor.net.handles import WEB_MAX
from supervisor.net.refusals import Refusals
from supervisor.runtime.background import Background
from supervisor.web.keys import SERVICES
from supervisor.web.listening import ENTRANCE, HANDSHAKES, HEADER_S, web_caps
from supervisor.web.metrics import REFUSED
from supervisor.web.stream import PACE


@asynccontextmanager
async def listen_web(config: Config, app: web.Application, connections_max: int = WEB_MAX) -> AsyncIterator[str]:
    """The crew app's listener, with so many connections at a time; gives its URL."""
    host, port = split_listen(config.web.listen)
    context = None
    if config.web.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _load_certificate(context, config)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
    await runner.setup()
    assert runner.server is not None
    caps = web_caps(connections_max, config.web.connections_per_address, config.web.proxies)
    refusals = Refusals(lambda reason: app[REFUSED].labels(reason).inc())
    connections = Connections(caps, refusals.refuse, app[SERVICES].wall.monotonic_s, app[PACE].loop_s)
    async with Background() as background:
        acceptor = Acceptor(
            runner.server, context, HANDSHAKES, connections, refusals.refuse, background,
            lambda: (HEADER_S, f"no whole request within {HEADER_S:g} s"),
        )  # fmt: skip
        app[ENTRANCE].acceptor = acceptor
        try:
            _, bound = await acceptor.start(host, port)
            yield config.web.public_url or f"{'https' if context else 'http'}://{join_listen(host, bound)}"
        except OSError as error:
            raise ConfigError(
                f"cannot listen: {error.strerror}", where=f"web.listen = {config.web.listen!r}", remedy="Free the port"
            ) from error
        finally:
            acceptor.stop()
            await runner.cleanup()
            acceptor.close()


def _load_certificate(context: ssl.SSLContext, config: Config) -> None:
    cert, key = config.resolve(config.web.cert), config.resolve(config.web.key)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise ConfigError(
            f"web.cert and web.key cannot be used: {error}", where=f"{cert} and {key}",
            remedy="Name a PEM certificate and the private key that belongs to it",
        ) from error  # fmt: skip
