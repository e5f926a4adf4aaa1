"""Requests and answers over NATS, each with a deadline; nothing is kept for later while there is no connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import nats.errors
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg

from supervisor.cluster.messages import Refused, decode, encode
from supervisor.cluster.servers import WHERE, is_local, shown
from supervisor.domain.errors import ClusterError, ConfigError
from supervisor.runtime.background import Background

logger = logging.getLogger(__name__)

CONNECT_S: Final = 10.0  # at start: a server that is being restarted with this process is up by then
AGAIN_S: Final = 1  # between two attempts: a NATS server starts in 0.1 s
PING_S: Final = 2  # two without an answer end a connection of which only one direction works: 6 s
PINGS: Final = 2
IN_WORK_MAX: Final = 512  # messages being handled: of a hundred gateways 4 each; beyond them senders are told to wait

Handler = Callable[[bytes], Awaitable[Struct | None]]


class Transport:
    """One connection to a group of NATS servers. Use as `async with`."""

    def __init__(self, servers: Sequence[str], name: str, ca: Path | None = None) -> None:
        """`servers` as `parse_servers` gives them; `name` is what NATS shows; `ca`: who signed their certificates."""
        self._servers = tuple(servers)
        self._name = name
        self._ca = ca
        self._client = _Client(any(not is_local(server) for server in servers))
        self._background = Background()
        self._in_work = 0
        self.reconnected: list[Callable[[], None]] = []  # called when the connection is back

    async def __aenter__(self) -> Transport:
        """Raises ConfigError where no server can be used."""
        where = ", ".join(shown(server) for server in self._servers)
        try:
            context = ssl.create_default_context(cafile=None if self._ca is None else str(self._ca))
        except OSError as error:  # also ssl.SSLError
            raise ConfigError(
                f"the authority of the NATS servers cannot be read: {error}", where=str(self._ca),
                remedy="Name a PEM file with --nats-ca",
            ) from error  # fmt: skip
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._client.connect(
                    list(self._servers), name=self._name, tls=context, error_cb=self._failed,
                    disconnected_cb=self._lost, reconnected_cb=self._back, max_reconnect_attempts=-1,
                    reconnect_time_wait=AGAIN_S, ping_interval=PING_S, max_outstanding_pings=PINGS,
                    pending_size=0,  # what could not be sent at once would arrive when it counts no more
                    connect_timeout=2,
                )  # fmt: skip
        except (TimeoutError, nats.errors.Error, OSError) as error:
            await self._client.close()
            if self._client.complaint is not None:
                raise self._client.complaint from error
            raise ConfigError(
                f"no NATS server answers at {where}", where=WHERE,
                remedy="Start it, or look at its log: it may refuse the user or the certificate",
            ) from error  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._background.close()
        await self._client.close()

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    async def request(self, subject: str, message: Struct, kind: Any, wait_s: float) -> Any:
        """The answer, of `kind`. Raises ClusterError: nobody there, no answer in time, or the answer is `Refused`."""
        try:
            # The library's own deadline is `asyncio.wait_for`, which before Python 3.12 loses a cancellation that comes
            # together with the answer (python/cpython#86296): without one it waits for the answer itself.
            async with asyncio.timeout(wait_s):
                answer = await self._client.request(subject, encode(message), timeout=None)  # type: ignore[arg-type]
        except nats.errors.NoRespondersError:
            raise ClusterError("nobody serves it now", where=subject, code="nobody") from None
        except TimeoutError:
            raise ClusterError(f"no answer within {wait_s:g} s", where=subject, code="silent") from None
        except (nats.errors.Error, OSError) as error:
            text = f"there is no connection to NATS: {type(error).__name__}"
            raise ClusterError(text, where=subject, code="unconnected") from error
        made = decode(answer.data, kind | Refused)
        if isinstance(made, Refused):
            raise ClusterError(made.text, where=subject, code=made.code)
        return made

    async def publish(self, subject: str, message: Struct) -> None:
        """Send to whoever listens; nothing while there is no connection."""
        try:
            await self._client.publish(subject, encode(message))
        except (nats.errors.Error, OSError) as error:
            logger.debug("%s not published: %s", subject, type(error).__name__)

    async def serve(self, subject: str, handler: Handler) -> Callable[[], Awaitable[None]]:
        """Hand each message to `handler`, begun in their order, several at a time; answer what it returns.

        A ClusterError that it raises is answered as `Refused`. Returns what ends it.
        """

        async def take(message: Msg) -> None:
            if self._in_work >= IN_WORK_MAX:
                await self._answer(message, Refused("busy", f"{IN_WORK_MAX} messages are being handled"))
                return
            self._in_work += 1
            self._background.spawn(self._handle(message, handler), subject)

        subscription = await self._client.subscribe(subject, cb=take)

        async def end() -> None:
            with contextlib.suppress(nats.errors.Error):  # the connection has ended before
                await subscription.unsubscribe()

        return end

    async def flush(self) -> None:
        """Return once the servers have what was sent and subscribed. Raises ClusterError."""
        try:
            await self._client.flush(timeout=PING_S)
        except (nats.errors.Error, OSError) as error:
            raise ClusterError(f"NATS does not answer: {type(error).__name__}", where=WHERE) from error
        if (task := asyncio.current_task()) is not None and task.cancelling():  # lost in the library, as in `request`
            raise asyncio.CancelledError

    async def _handle(self, message: Msg, handler: Handler) -> None:
        try:
            answer = await handler(message.data)
        except ClusterError as error:
            logger.warning("%s: refused: %s", message.subject, error)
            answer = Refused(error.code, str(error))
        except Exception as error:  # a fault of the program: the sender need not wait for its deadline
            logger.error("%s failed", message.subject, exc_info=error)
            answer = Refused("failed", type(error).__name__)
        finally:
            self._in_work -= 1
        if answer is not None:
            await self._answer(message, answer)

    async def _answer(self, message: Msg, answer: Struct) -> None:
        if not message.reply:
            return
        try:
            await self._client.publish(message.reply, encode(answer))
        except (nats.errors.Error, OSError) as error:  # the other side asks again
            logger.debug("%s not answered: %s", message.subject, type(error).__name__)

    async def _failed(self, error: Exception) -> None:
        logger.warning("NATS: %s: %s", type(error).__name__, error)

    async def _lost(self) -> None:
        logger.warning("NATS: connection lost")

    async def _back(self) -> None:
        logger.info("NATS: connected again")
        for listener in self.reconnected:
            listener()


class _Client(Client):
    """The library's client, which before each sign-in looks at what the server says of itself.

    The library would go on without TLS where a server, or somebody on the way, says that none is needed, and would
    not notice a server that lets everybody in. Servers that it hears of from others are checked too.
    """

    def __init__(self, beyond: bool) -> None:
        """`beyond`: some of the servers are not on this machine."""
        super().__init__()
        self._beyond = beyond
        self.complaint: ConfigError | None = None

    def _connect_command(self) -> bytes:
        self.complaint = None
        if self._beyond:
            if not self._server_info.get("tls_required"):
                self._refuse("it does not ask for TLS", "Give it a certificate (tls in its configuration)")
            if not self._server_info.get("auth_required"):
                self._refuse("it lets everybody in", "Give it users with passwords (authorization)")
        return bytes(super()._connect_command())

    def _refuse(self, why: str, remedy: str) -> None:
        self.complaint = ConfigError(f"the NATS server is not used: {why}", where=WHERE, remedy=remedy)
        raise nats.errors.Error(str(self.complaint))
