"""Accepting in two stages: first a connection must send its first bytes, then it gets a slot for the handshake.

Stage 1 costs only a file handle, has a short deadline and caps (`connections`), and delays no other
connection: accepting itself never waits. Stage 2 costs processor time: `slots` handshakes at a time, addresses taking
turns, so that thousands of boards that connect at once are served one after the other instead of all timing out.
A slot is lent for `SLOT_S`: a handshake that waits longer for the network continues without it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from supervisor.net.connections import Connection, Connections, Stage
from supervisor.runtime.work import in_thread

logger = logging.getLogger(__name__)

BACKLOG: Final = 4096  # connections that the kernel holds between two turns of the loop
ACCEPT_MAX: Final = 128  # accepted in one turn; other work runs in between
FIRST_BYTES_S: Final = 5.0  # a ClientHello follows the connection at once; LTE with loss takes seconds
HANDSHAKE_S: Final = 20.0  # a chip needs about 1 s; LTE with loss several
SLOT_S: Final = 0.25  # our part of a handshake takes 2 ms, the rest is waiting: 64 slots begin 256 of them a second
RETRY_S: Final = 0.2  # out of file handles, or bytes that are not all there
TLS_BUFFER_BYTES: Final = 4 * 1024  # each connection keeps one, and asyncio's default is 256 KiB; a frame has 1 KiB
RECORD_HEAD: Final = 5  # bytes of a TLS record before its content: kind, version, length
RECORD_MAX: Final = 16 * 1024
HANDSHAKE_RECORD: Final = 0x16


class Spawner(Protocol):
    """Starts a task and logs its failure."""

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> object: ...


class _Watched(asyncio.Protocol):
    """Passes everything on to the protocol that serves the connection, and notes its begin, its bytes and its end."""

    def __init__(
        self,
        inner: asyncio.Protocol,
        entry: Connection,
        began: Callable[[asyncio.Transport], None],
        ended: Callable[[], None],
    ) -> None:
        self._inner = inner
        self._entry = entry
        self._began = began
        self._ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._began(transport)
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)
        if self._entry.arrived is not None:
            self._entry.arrived(len(data))

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


class Acceptor:
    """Listens, and hands connections that have passed both stages to `make_protocol`.

    `context` None: no TLS, and then the first byte is all that is waited for. `opened_s` says how long an open
    connection may take to identify itself, and what is missing until then.
    """

    def __init__(
        self,
        make_protocol: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext | None,
        slots: int,
        connections: Connections,
        refuse: Callable[[str, str, str], None],
        tasks: Spawner,
        opened_s: Callable[[], tuple[float, str]],
    ) -> None:
        self._make_protocol = make_protocol
        self._context = context
        self._free = slots
        self.connections = connections
        self._refuse = refuse
        self._tasks = tasks
        self._opened_s = opened_s
        self._waiting: OrderedDict[str, deque[tuple[Connection, socket.socket]]] = OrderedDict()
        self._by_transport: WeakKeyDictionary[asyncio.BaseTransport, Connection] = WeakKeyDictionary()
        self._listening: list[socket.socket] = []

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen at all addresses of `host`; returns the first one (port 0 asks the system for a free one).

        Raises OSError where no address of it can be listened at.
        """
        asyncio.sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES  # type: ignore[attr-defined]
        loop = asyncio.get_running_loop()
        # Not by `loop.getaddrinfo`: in lock-step its thread is not counted as work under way.
        found = await in_thread(
            None, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        )
        for family, address in dict.fromkeys((each[0], each[4]) for each in found):
            if port == 0 and self._listening:
                break  # a free port of one address need not be free on another
            try:
                listening = socket.create_server((str(address[0]), port), family=family, backlog=BACKLOG)
            except OSError:
                if (family, address) == (found[-1][0], found[-1][4]) and not self._listening:
                    raise
                continue  # such as "localhost" on a machine without IPv6
            listening.setblocking(False)
            self._listening.append(listening)
            loop.add_reader(listening, self._accept, listening)
        name = self._listening[0].getsockname()
        return str(name[0]), int(name[1])

    def stop(self) -> None:
        """Accept no more; open connections go on."""
        loop = asyncio.get_running_loop()
        for listening in self._listening:
            loop.remove_reader(listening)
            listening.close()
        self._listening.clear()

    def close(self) -> None:
        """Accept no more, and drop every connection."""
        self.stop()
        self.connections.close()

    def of(self, transport: asyncio.BaseTransport | None) -> Connection | None:
        """The entry of an open connection."""
        return None if transport is None else self._by_transport.get(transport)

    def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPT_MAX):
            try:
                connection, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # out of file handles: one is freed, and the rest waits in the kernel
                logger.error("cannot accept connections: %s", error)
                self.connections.make_room()
                loop.remove_reader(listening)
                loop.call_later(RETRY_S, self._resume, listening)
                return
            self._take(connection, str(address[0]))

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._listening:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _take(self, sock: socket.socket, host: str) -> None:
        entry = self.connections.enter(host, lambda: self._discard(sock), FIRST_BYTES_S, "nothing was sent")
        if entry is None:
            sock.close()
            return
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._wait_for(entry, sock, RECORD_HEAD if self._context is not None else 1)
        except OSError:  # closed already
            self.connections.leave(entry)
            self._discard(sock)

    def _discard(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()

    def _wait_for(self, entry: Connection, sock: socket.socket, count: int) -> None:
        """Wake when `count` bytes are there; the kernel counts them, so that single bytes wake nothing."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
        asyncio.get_running_loop().add_reader(sock, self._look, entry, sock, count)

    def _look(self, entry: Connection, sock: socket.socket, count: int) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(sock)
        try:
            seen = sock.recv(count, socket.MSG_PEEK)
            if len(seen) < count and seen:  # the other side sends no more, or the kernel is short of memory
                loop.call_later(RETRY_S, self._look_again, entry, sock, count)
            elif not seen:
                self._gone(entry, sock, "", "")
            elif self._context is None:
                self._open(entry, sock)
            elif seen[0] != HANDSHAKE_RECORD:
                self._gone(entry, sock, "tls", "no TLS")
            elif count == RECORD_HEAD:
                self._wait_for(entry, sock, RECORD_HEAD + min(int.from_bytes(seen[3:5], "big"), RECORD_MAX))
            else:
                self._open(entry, sock)
        except OSError:
            self._gone(entry, sock, "", "")

    def _look_again(self, entry: Connection, sock: socket.socket, count: int) -> None:
        if sock.fileno() >= 0:
            self._look(entry, sock, count)

    def _gone(self, entry: Connection, sock: socket.socket, reason: str, detail: str) -> None:
        if reason:
            self._refuse(reason, entry.address, detail)
        self.connections.leave(entry)
        self._discard(sock)

    def _open(self, entry: Connection, sock: socket.socket) -> None:
        """Stage 2: queue for a slot."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        if self._context is None:
            self._tasks.spawn(self._serve(entry, sock), "connection")
            return
        self.connections.move(entry, Stage.UNPROVEN, HANDSHAKE_S, "handshake not finished")
        self._waiting.setdefault(entry.address, deque()).append((entry, sock))
        self._next()

    def _next(self) -> None:
        """Assign free slots, one to each address in turn."""
        while self._free > 0 and self._waiting:
            address, queue = next(iter(self._waiting.items()))
            entry, sock = queue.popleft()
            self._waiting.move_to_end(address)
            if not queue:
                del self._waiting[address]
            if sock.fileno() >= 0:  # not dropped while it waited
                self._free -= 1
                self._tasks.spawn(self._handshake(entry, sock), "handshake")

    async def _handshake(self, entry: Connection, sock: socket.socket) -> None:
        lent = True

        def give_back() -> None:
            nonlocal lent
            if lent:
                lent = False
                self._free += 1
                self._next()

        timer = asyncio.get_running_loop().call_later(SLOT_S, give_back)
        try:
            await self._serve(entry, sock)
        finally:
            timer.cancel()
            give_back()

    async def _serve(self, entry: Connection, sock: socket.socket) -> None:
        """Shake hands and hand over. A connection that is dropped meanwhile is cut off below the handshake."""
        loop = asyncio.get_running_loop()

        def began(transport: asyncio.Transport) -> None:
            entry.drop = transport.abort
            self._by_transport[transport] = entry
            left_s, late = self._opened_s()
            stage = Stage.SILENT if self._context is None else Stage.UNPROVEN
            self.connections.move(entry, stage, left_s, late)

        def protocol() -> asyncio.Protocol:
            return _Watched(self._make_protocol(), entry, began, lambda: self.connections.leave(entry))

        entry.drop = lambda: _cut(sock)
        tls = {} if self._context is None else {"ssl_handshake_timeout": HANDSHAKE_S, "ssl_shutdown_timeout": 2.0}
        try:
            await loop.connect_accepted_socket(protocol, sock, ssl=self._context, **tls)
        except Exception as error:  # errors of network or TLS end this connection only
            self._refuse("tls", entry.address, str(error) or type(error).__name__)
            self.connections.leave(entry)
            sock.close()
        except asyncio.CancelledError:
            self.connections.leave(entry)
            sock.close()
            raise


def _cut(sock: socket.socket) -> None:
    """End a connection whose socket is the loop's: the handshake over it then fails."""
    with suppress(OSError):  # closed already
        sock.shutdown(socket.SHUT_RDWR)
