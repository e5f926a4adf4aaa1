"""The boards' door: TLS on a port of its own, a cap on handshakes under way, and a deadline for the silent.

Thousands of boards dial in at once when the power returns. Handshakes beyond the cap wait in the kernel's queue
instead of all timing out together; without the cap 10,000 boards never converge (FAULTS §5).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from weakref import WeakKeyDictionary

from supervisor.control.background import Background
from supervisor.gateway.refusals import Refusals
from supervisor.wire.pki import Pki

logger = logging.getLogger(__name__)

BACKLOG = 4096  # connections that the kernel holds while handshakes are under way
HANDSHAKE_S = 20.0  # a chip needs about 1 s; LTE with loss several
HELLO_S = 10.0  # from handshake to a verified hello: cuts slow-loris and idle sockets
TLS_BUFFER_BYTES = 16 * 1024  # asyncio's default of 256 KiB costs 305 KB a connection, this 56 KB (FAULTS §5)


def server_context(pki: Pki) -> ssl.SSLContext:
    """TLS 1.2 or newer with the boards' own authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki.server_pem, pki.server_key)
    context.num_tickets = 0  # boards keep no session: a ticket would only be one more record to receive
    return context


class Listener:
    """Accepts, shakes hands, hands the connection to the HTTP server, and drops what does not say hello."""

    def __init__(
        self,
        make_protocol: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext,
        handshakes_max: int,
        refusals: Refusals,
        background: Background,
    ) -> None:
        self._make_protocol = make_protocol
        self._context = context
        self._slots = asyncio.Semaphore(handshakes_max)
        self._refusals = refusals
        self._background = background
        self._deadlines: WeakKeyDictionary[asyncio.BaseTransport, asyncio.TimerHandle] = WeakKeyDictionary()
        self._sockets: list[socket.socket] = []

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address (port 0 asks the system for a free one)."""
        asyncio.sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES  # type: ignore[attr-defined]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
        listening.setblocking(False)
        self._sockets.append(listening)
        self._background.keep("boards-accept", lambda: self._accept(listening))
        name = listening.getsockname()
        return str(name[0]), int(name[1])

    def close(self) -> None:
        """Accept no more."""
        for listening in self._sockets:
            listening.close()

    def said_hello(self, transport: asyncio.BaseTransport | None) -> None:
        """The board behind this connection has proven who it is: no deadline any more."""
        if transport is not None and (deadline := self._deadlines.pop(transport, None)) is not None:
            deadline.cancel()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._slots.acquire()
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as error:  # out of file descriptors: wait for some to be freed
                self._slots.release()
                logger.error("cannot accept boards: %s", error)
                await asyncio.sleep(1)
                continue
            except BaseException:
                self._slots.release()
                raise
            self._background.spawn(self._handshake(connection), "board-handshake")

    async def _handshake(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        peer = _peer(connection)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport, _ = await loop.connect_accepted_socket(
                self._make_protocol,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=2.0,
            )
        except Exception as error:  # the network's, TLS's: whatever a connection does ends that connection
            self._refusals.refuse("tls", peer, str(error) or type(error).__name__)
            connection.close()
            return
        finally:
            self._slots.release()
        self._deadlines[transport] = loop.call_later(HELLO_S, self._drop, transport, peer)

    def _drop(self, transport: asyncio.Transport, peer: str) -> None:
        if not transport.is_closing():
            self._refusals.refuse("silent", peer, f"no hello within {HELLO_S:g} s")
            transport.abort()


def _peer(connection: socket.socket) -> str:
    try:
        return str(connection.getpeername()[0])
    except OSError:  # already gone
        return "unknown"
