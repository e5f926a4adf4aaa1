"""All board sessions: who is connected, one session a board, keys looked up afresh at each hello.

A board that connects again has lost its old connection, even where the old socket still looks open: the newer session
replaces it. A key that is removed or changed ends the board's session within a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web
from prometheus_client import Counter

from supervisor.config import Config
from supervisor.config.listen import split_listen
from supervisor.config.schema import BoardsConfig
from supervisor.control.alarms import Alarms
from supervisor.domain.errors import ConfigError
from supervisor.gateway.board_keys import BoardKeys, KeyFiles
from supervisor.gateway.listener import Listener, board_caps, server_context
from supervisor.gateway.pace import Pace
from supervisor.gateway.session import CLOSE_S, HEARTBEAT_S, BoardControl, BoardSession
from supervisor.net.refusals import Refusals
from supervisor.runtime import logs
from supervisor.runtime.background import Background
from supervisor.runtime.pace import in_turns
from supervisor.runtime.work import in_thread
from supervisor.wire.messages import FRAME_MAX_BYTES
from supervisor.wire.pki import Pki

logger = logging.getLogger(__name__)

PATH: Final = "/board/v1"
FAREWELL_S = 1.5  # for closing sessions one by one at the end; then the connections that are left are cut
REVOKE_CHECK_S = 30.0  # a removed key stops working within 60 s


class GatewayMetrics(Protocol):
    """What the gateway counts (`control.metrics.Metrics`, or a gateway process's own)."""

    sessions: Counter
    refused: Counter
    loop_restarts: Counter


@dataclass(frozen=True)
class Served:
    """What a gateway is told in place of city.toml, in a process without one."""

    boards: BoardsConfig
    board: Sized  # the configured ones
    keys: BoardKeys


class Gateway:
    """Use as `async with`: listening between enter and exit; `address` says where."""

    def __init__(
        self,
        config: Config | Served,
        pki: Pki,
        control: BoardControl,
        metrics: GatewayMetrics,
        alarms: Alarms | None = None,
        *,
        connections_max: int | None = None,
    ) -> None:
        """`alarms`: where loops that fail are reported; `connections_max`: this listener's share of the open files."""
        self._config = config
        self._pki = pki
        self._control = control
        self._metrics = metrics
        self._keys: BoardKeys
        if isinstance(config, Config):
            self._keys = KeyFiles({board.id: config.board_key_path(board.id) for board in config.board})
        else:
            self._keys = config.keys
        self._sessions: dict[str, BoardSession] = {}
        self._deserted = asyncio.Event()  # there is no session
        self._deserted.set()
        self._paces: dict[str, Pace] = {}  # of authenticated boards
        self._refusals = Refusals(lambda reason: metrics.refused.labels(reason).inc())
        # Its share of the process's file handles; without one, two for each board and 256 for others.
        self._connections_max = connections_max or 2 * len(config.board) + 256
        self._background = Background(alarms, metrics.loop_restarts)
        self._runner: web.AppRunner | None = None
        self._listener: Listener | None = None
        self._context: ssl.SSLContext | None = None
        self.address = ("", 0)

    async def __aenter__(self) -> Gateway:
        logs.spare("aiohttp.server")  # any client can send it bytes that are not HTTP
        app = web.Application(client_max_size=FRAME_MAX_BYTES)
        app.router.add_get(PATH, self._serve)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, keepalive_timeout=5)
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        boards = self._config.boards
        caps = board_caps(self._connections_max, len(self._config.board), boards.connections_per_address)
        self._context = server_context(self._pki)
        self._listener = Listener(server, self._context, boards.handshakes_max, caps, self._refusals, self._background)
        host, port = split_listen(boards.listen)
        try:
            self.address = await self._listener.start(host, port)
        except OSError as error:
            self._listener.close()
            await self._runner.cleanup()
            where = f"boards.listen = {boards.listen!r}"
            raise ConfigError(f"cannot listen: {error.strerror}", where=where, remedy="Free the port") from error
        self._background.keep("board-keys", self._revoke)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listener is not None:
            self._listener.close()
        for session in list(self._sessions.values()):
            session.close("shutdown")
        await self._background.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._deserted.wait()
        if self._listener is not None:
            self._listener.drop_all()
        if self._runner is not None:
            await self._runner.cleanup()

    def renew_certificate(self) -> None:
        """Serve the next connections with the certificate that is on disk now. Raises OSError (also ssl.SSLError)."""
        assert self._context is not None
        server_context(self._pki)  # first apart: half of a new pair would leave the one in use without its key
        self._context.load_cert_chain(self._pki.server_pem, self._pki.server_key)

    def _pace_of(self, board_id: str) -> Pace:
        if board_id not in self._paces:
            self._paces[board_id] = Pace(asyncio.get_running_loop().time)
        return self._paces[board_id]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(
            timeout=CLOSE_S, heartbeat=HEARTBEAT_S, compress=False, max_msg_size=FRAME_MAX_BYTES, autoping=False
        )
        try:
            await ws.prepare(request)
        except ConnectionError:  # it has gone during the upgrade
            return ws
        session = BoardSession(ws, request.remote or "unknown", self._keys.of, self._pace_of, self._refusals)
        assert self._listener is not None
        self._listener.watch(request.transport, session.floods)

        def admit(session: BoardSession) -> None:
            assert self._listener is not None
            self._listener.said_hello(request.transport)
            self._metrics.sessions.inc()
            self._keys.proved(session.board_id, session.key)
            older = self._sessions.pop(session.board_id, None)
            self._sessions[session.board_id] = session
            self._deserted.clear()
            if older is not None:
                logger.info("board %s connected again: its older session ends", session.board_id)
                older.close("replaced")

        try:
            await session.run(self._control, admit)
        finally:
            if session.hello is not None and self._sessions.get(session.board_id) is session:
                del self._sessions[session.board_id]
            if not self._sessions:
                self._deserted.set()
        return ws

    async def _revoke(self) -> None:
        """End sessions whose key has been removed or changed."""
        while True:
            await asyncio.sleep(REVOKE_CHECK_S)
            async for some in in_turns(self._sessions.values()):
                held = [(session.board_id, session.key) for session in some]
                for session, holds in zip(some, await in_thread(None, self._hold, held), strict=True):
                    if not holds:
                        session.refuse("revoked", "its key has been removed or changed")

    def _hold(self, keys: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Whether boards' keys still count. Files are read beside the loop: ten thousand took it 0.2 s."""
        return [self._keys.hold(board_id, key) for board_id, key in keys]
