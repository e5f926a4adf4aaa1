"""The web listener: TLS where configured, caps on connections, start and end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from supervisor.config import Config
from supervisor.config.listen import join_listen, split_listen
from supervisor.domain.errors import ConfigError
from supervisor.net.accept import Acceptor
from supervisor.net.connections import Connections
from supervisor.net.handles import WEB_MAX
from supervisor.net.refusals import Refusals
from supervisor.runtime.background import Background
from supervisor.web.certificate import follow, server_context
from supervisor.web.keys import SERVICES
from supervisor.web.listening import ENTRANCE, HANDSHAKES, HEADER_S, web_caps
from supervisor.web.metrics import REFUSED
from supervisor.web.stream import PACE


@asynccontextmanager
async def listen_web(config: Config, app: web.Application, connections_max: int = WEB_MAX) -> AsyncIterator[str]:
    """The crew app's listener, with so many connections at a time; gives its URL."""
    host, port = split_listen(config.web.listen)
    files = (config.resolve(config.web.cert), config.resolve(config.web.key)) if config.web.cert else None
    context = server_context(*files) if files is not None else None
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
        if files is not None and context is not None:
            background.keep("web certificate", partial(follow, context, *files))
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
