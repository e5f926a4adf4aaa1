"""The web listener's side of each connection: time for a request, time between requests, and who is signed in.

A browser that is signed in keeps its connection; one without a session is dropped first when handles run short.
Deadlines run on wall time, in a demo too.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from supervisor.net.accept import Acceptor
from supervisor.net.connections import Caps, Stage
from supervisor.web.keys import SESSION

HEADER_S: Final = 10.0  # from an open connection to a whole request header
IDLE_S: Final = 75.0  # between requests of a signed-in person: longer than a proxy's usual 60 s
IDLE_UNPROVEN_S: Final = 10.0  # after an answer to a request without a session
REQUEST_S: Final = 60.0  # for a whole request and its answer, the stream excepted: body 10 s, commit some seconds
HANDSHAKES: Final = 64  # TLS handshakes at a time
SILENT_PER_ADDRESS: Final = 32  # a browser opens a few connections ahead; many browsers may share a carrier's address
STREAM: Final = "/api/v1/stream"  # has deadlines of its own


class Entrance:
    """Set once the listener exists; an application in a test has none."""

    acceptor: Acceptor | None = None


ENTRANCE: Final = web.AppKey("entrance", Entrance)


def web_caps(total: int, per_address: int, proxies: tuple[str, ...]) -> Caps:
    """Caps for people. Loopback and named proxies bring many people from one address and have no cap of their own."""
    known = {ipaddress.ip_address(proxy) for proxy in proxies}

    def exempt(host: str) -> bool:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return (
            address.is_loopback or address in known or (mapped is not None and (mapped.is_loopback or mapped in known))
        )

    most = per_address or max(SILENT_PER_ADDRESS, total // 4)
    return Caps(total, min(SILENT_PER_ADDRESS, most), most, exempt)


@web.middleware
async def watch_connection(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Outermost: notes on the connection that a request is under way, and afterwards how long it may be idle."""
    acceptor = request.app[ENTRANCE].acceptor
    connection = acceptor.of(request.transport) if acceptor is not None else None
    if acceptor is None or connection is None:
        return await handler(request)
    table = acceptor.connections
    stage = Stage.KEPT if connection.proven else Stage.UNPROVEN
    table.move(connection, stage, REQUEST_S, f"a request took longer than {REQUEST_S:g} s")
    try:
        return await handler(request)
    finally:
        if connection.proven:
            table.move(connection, Stage.IDLE, IDLE_S, "")
        else:
            table.move(connection, Stage.UNPROVEN, IDLE_UNPROVEN_S, "no further request")


def signed_in(request: web.Request) -> None:
    """The request belongs to a session: its connection is not dropped while it is served."""
    acceptor = request.app[ENTRANCE].acceptor
    connection = acceptor.of(request.transport) if acceptor is not None else None
    if acceptor is None or connection is None:
        return
    connection.proven = SESSION in request
    left_s = None if request.path == STREAM else REQUEST_S
    acceptor.connections.move(connection, Stage.KEPT, left_s, f"a request took longer than {REQUEST_S:g} s")
