"""The boards' listener: TLS on a port of its own, two stages of accepting, and a deadline until a verified hello."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from supervisor.net.accept import Acceptor
from supervisor.net.connections import Caps, Connections, Stage
from supervisor.net.refusals import Refusals
from supervisor.net.tls import listener_context
from supervisor.runtime.background import Background
from supervisor.wire.pki import Pki

HELLO_S = 10.0  # from handshake to a verified hello: cuts slow-loris and idle sockets
SILENT_MIN = 32  # connections of one address without a hello, however few boards there are
UNPROVEN_MIN = 64


def server_context(pki: Pki) -> ssl.SSLContext:
    """TLS with the boards' own authority."""
    context = listener_context(pki.server_pem, pki.server_key)
    context.num_tickets = 0  # boards do not resume TLS sessions: a ticket is one more record to receive
    return context


def board_caps(total: int, boards: int, per_address: int) -> Caps:
    """Caps for that number of configured boards. All of them may share one address (a carrier's, a gateway's), and all
    may connect at once when the power returns; `per_address` 0 allows for that."""
    return Caps(
        total=total,
        silent_per_address=min(per_address or total, max(SILENT_MIN, boards)),
        unproven_per_address=per_address or max(UNPROVEN_MIN, boards + SILENT_MIN),
    )


class Listener:
    """Passes connections to the HTTP server, and drops those that send no hello in time."""

    def __init__(
        self,
        make_protocol: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext,
        handshakes_max: int,
        caps: Caps,
        refusals: Refusals,
        background: Background,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.connections = Connections(caps, refusals.refuse, loop.time)
        self._acceptor = Acceptor(
            make_protocol, context, handshakes_max, self.connections, refusals.refuse, background,
            lambda: (HELLO_S, f"no hello within {HELLO_S:g} s"),
        )  # fmt: skip

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address (port 0 asks the system for a free one)."""
        return await self._acceptor.start(host, port)

    def close(self) -> None:
        """Accept no more; sessions are ended by the gateway, with a reason."""
        self._acceptor.stop()

    def drop_all(self) -> None:
        """End what is still open."""
        self._acceptor.close()

    def watch(self, transport: asyncio.BaseTransport | None, floods: Callable[[int], bool]) -> None:
        """Tell `floods` of the bytes that come on this connection; where it says so, the connection ends at once."""
        connection = self._acceptor.of(transport)
        if connection is not None:
            connection.arrived = lambda count: connection.drop() if floods(count) else None

    def said_hello(self, transport: asyncio.BaseTransport | None) -> None:
        """The board of this connection is authenticated: no deadline any more, and never dropped to free a handle."""
        if (connection := self._acceptor.of(transport)) is not None:
            self.connections.move(connection, Stage.KEPT, None)
