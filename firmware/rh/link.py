"""The board's one connection: dial, prove who we are, take commands, send telemetry, try again with jitter.

Nothing here can delay the safety loop: all waiting is in asyncio, all buffers are bounded.
"""

import asyncio
import json
import random

from . import VERSION
from .codes import OK, OLD_EPOCH, STORE_FAILED
from .telemetry import key
from .wire import FrameError, parse
from .ws import WebSocket, WsError

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Awaitable, Callable

    from .board import Board
    from .config import Config
    from .wire import Mac

PATH = "/board/v1"
OPEN_TIMEOUT_S = 30  # TCP, TLS (1 s of computing on the chip), upgrade, nonce
SILENCE_MAX_S = 60  # live telemetry is acknowledged each 10 s: a minute without a byte is a dead link
BACKOFF_MIN_S = 4
BACKOFF_MAX_S = 120  # 2,000 boards come back within it without a storm
GOOD_SESSION_S = 60
SEND_TIMEOUT_S = 20
WINDOW = 8  # backlog records in flight beside the live ones
PENDING_MAX = 12  # live records not acknowledged: two minutes

# What ends a session and no more; short of memory the link gives way, heating goes on.
_ENDINGS = (OSError, EOFError, WsError, FrameError, MemoryError, asyncio.TimeoutError, asyncio.CancelledError)


class Link:
    """Runs sessions for ever. board: `rh.board.Board`; dial: coroutine function that returns a connected stream."""

    def __init__(self, config: "Config", board: "Board", mac: "Mac", dial: "Callable[[], Awaitable[Any]]") -> None:
        self._config = config
        self._board = board
        self._mac = mac
        self._dial = dial
        self._nonce = b""
        self._ws: "WebSocket | None" = None
        self._heard = 0
        self._pending: "list[bytes]" = []  # live records sent and not acknowledged
        self._inflight = 0
        self._why = ""
        self.ready = False  # the supervisor has proved itself by a command
        self.task: "asyncio.Task[None] | None" = None  # that runs `run`
        self.bad = 0  # frames refused since boot

    async def run(self, first_wait_s: int, pause: "Callable[[int], Awaitable[None]]") -> None:
        """Dial again and again: full jitter, exponential, capped. pause: `asyncio.sleep_ms`."""
        await pause(random.randrange(first_wait_s + 1) * 1000)
        failures = 0
        while True:
            began = self._board.t
            try:
                await self._session()
            except _ENDINGS as e:
                self._log(repr(e))
            finally:
                self.ready = False
                self._keep_pending()
            failures = 0 if self._board.t - began > GOOD_SESSION_S else min(failures + 1, 5)
            await pause(random.randrange(min(BACKOFF_MAX_S, BACKOFF_MIN_S << failures) * 1000))

    def _log(self, why: str) -> None:
        if why != self._why:  # a link that stays away says so once
            self._why = why
            self._board.log("link", why)

    async def _session(self) -> None:
        ws: WebSocket = await asyncio.wait_for(self._open(), OPEN_TIMEOUT_S)
        self._ws = ws
        try:
            while True:
                frame = await ws.receive()
                self._heard = self._board.t
                await self._take(frame)
        finally:
            self._ws = None
            await ws.close()

    async def _open(self) -> "WebSocket":
        """Connected, upgraded, hello sent."""
        stream = await self._dial()
        ws = WebSocket(stream, stream)
        try:
            await ws.open(self._config.server_name, PATH)
            message = parse(await ws.receive())
            nonce = message.get("n")
            if message.get("t") != "nonce" or type(nonce) is not str or len(nonce) != 32:
                raise FrameError("nonce")
            self._nonce = nonce.encode()
            self._heard = self._board.t
            await ws.send(self._mac.seal(self._nonce, json.dumps(self._board.hello(VERSION)).encode()))
            return ws
        except BaseException:
            await ws.close()
            raise

    async def _take(self, frame: bytes) -> None:
        """One frame of the supervisor. What is not authentic is counted and changes nothing."""
        try:
            message = self._mac.open(frame)
        except FrameError as e:
            self.bad += 1
            if self.bad == 1:
                self._board.log("frame refused", e.args[0])
            return
        if message.get("t") == "ack":
            self._acknowledge(message)
            await self._send_backlog()
            return
        ep, q, rc = self._board.commands.apply(message, self._board.t)
        if rc:
            self._board.log("command refused", (ep, q, rc))
        await self._send({"t": "result", "ep": ep, "q": q, "rc": rc})
        if rc == OLD_EPOCH:
            raise FrameError("older supervisor")  # fenced: it gets no telemetry either
        if not self.ready and rc in (OK, STORE_FAILED):
            self.ready = True
            self._board.journal.rewind()
            self._inflight = 0
            await self._send_backlog()

    async def _send(self, message: "dict[str, Any]") -> None:
        await self._send_payload(json.dumps(message).encode())

    async def _send_payload(self, payload: bytes) -> None:
        ws = self._ws
        if ws is not None:
            await ws.send(self._mac.seal(self._nonce, payload))

    def _acknowledge(self, message: "dict[str, Any]") -> None:
        boot = message.get("boot")
        numbers = message.get("q")
        if type(boot) is not int or type(numbers) is not list or message.get("b") != self._config.board:
            self.bad += 1
            return
        for q in numbers:
            if self._forget(boot, q):
                continue
            if type(q) is int and self._board.journal.acknowledge(boot, q) and self._inflight:
                self._inflight -= 1

    def _forget(self, boot: int, q: int) -> bool:
        for i in range(len(self._pending)):
            if key(self._pending[i]) == (boot, q):
                self._pending.pop(i)
                return True
        return False

    async def _send_backlog(self) -> None:
        """Keep the window full: the journal drains as fast as the supervisor commits, live frames go between."""
        while self.ready and self._inflight < WINDOW:
            record = self._board.journal.fetch()
            if record is None:
                return
            self._inflight += 1
            await self._send_payload(self._board.recorder.payload(record))

    def _keep_pending(self) -> None:
        for record in self._pending:
            self._board.journal.put(record)
        self._pending = []

    async def report(self, record: bytes) -> None:
        """Send a record at once where the link is up, and keep it until it is acknowledged; else into the journal."""
        if not self.ready:
            self._board.journal.put(record)
            return
        self._pending.append(record)
        try:
            await asyncio.wait_for(self._send_payload(self._board.recorder.payload(record)), SEND_TIMEOUT_S)
        except (OSError, WsError, MemoryError, asyncio.TimeoutError):
            self._drop()
        if self._board.t - self._heard > SILENCE_MAX_S or len(self._pending) > PENDING_MAX:
            self._drop()

    def _drop(self) -> None:
        """End a session that is dead; `run` dials again."""
        if self._ws is not None and self.task is not None:
            self.task.cancel()
