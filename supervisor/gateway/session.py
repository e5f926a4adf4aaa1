"""One board, one connection: nonce, hello, then frames both ways.

Three tasks: the receive loop only queues, so that pings are answered whatever the handler waits for; the handler
verifies, decodes and commits; the writer sends. Each queue is bounded, and a board that overruns one is closed. A board
that sends faster than `pace` allows is read later.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec
from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from supervisor.domain.errors import ConfigError, FrameError, StoreError
from supervisor.gateway.mailbox import Mailbox
from supervisor.gateway.pace import HELLO_FRAMES, UNPROVEN_FRAMES, Pace
from supervisor.net.refusals import Refusals
from supervisor.wire.authentication import open_report, seal_command, split
from supervisor.wire.messages import FRAME_MAX_BYTES, FromBoard, Get, Hello, Image, Nonce, ResultFrame, Telemetry
from supervisor.wire.reports import Damaged, decode_report

logger = logging.getLogger(__name__)

INBOX_FRAMES = 96  # unread; a board has at most 8 of its journal, 12 live ones and its answers under way
# Received and not yet taken for a message. The WebSocket reader takes 128 KiB of messages and then no more from the
# socket, so that a fast board is only read later; but messages are all that it counts. What it lets pass beyond, such
# as pieces of a message without content, ends the session here: only messages are paced.
UNREAD_MAX_BYTES = 256 * 1024
OUTBOX_FRAMES = 64  # clock + overrides + plans of 8 zones are 17
BATCH_FRAMES = 32  # telemetry acknowledged together
# A board's next batch waits three times as long as its last one took, so that frames that are slow to record, such as
# late ones of an earlier boot, use no more of the service than others. Their number is bounded by `pace`.
STAND_BACK = 3.0
STAND_BACK_MAX_S = 1.0
HEARTBEAT_S = 30.0  # ping; the pong must come within half of it, so a dead link is seen within 45 s
CLOSE_S = 2.0
NO_FRAME = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)  # what decoding any bytes may raise

_decode = msgspec.json.Decoder(FromBoard).decode


class BoardControl(Protocol):
    """What a session needs of control."""

    def attach(self, link: BoardSession, hello: Hello) -> None: ...

    def detach(self, link: BoardSession) -> None: ...

    async def answered(self, link: BoardSession, result: ResultFrame) -> None: ...

    def updating(self, link: BoardSession, said: Get | Image) -> None: ...

    async def heard(self, link: BoardSession, hello: Hello, frames: Sequence[Telemetry]) -> None: ...

    async def damaged(self, link: BoardSession, frames: Sequence[Damaged]) -> None: ...


class BoardSession:
    """The session of one connection. `run` returns when it is over."""

    __slots__ = (
        "_ending", "_inbox", "_key", "_keys_of", "_nonce", "_outbox", "_pace", "_pace_of", "_peer", "_refusals",
        "_unread_bytes", "_ws", "hello",
    )  # fmt: skip

    def __init__(
        self,
        ws: web.WebSocketResponse,
        peer: str,
        keys_of: Callable[[str], Sequence[bytes]],
        pace_of: Callable[[str], Pace],
        refusals: Refusals,
    ) -> None:
        """`ws` hands up pings as well (`autoping` off): they are paced like frames."""
        self._ws = ws
        self._peer = peer
        self._keys_of = keys_of
        self._pace_of = pace_of
        self._pace = Pace(asyncio.get_running_loop().time, UNPROVEN_FRAMES)  # the board's own once it is authenticated
        self._refusals = refusals
        self._nonce = secrets.token_hex(16)
        self._key = b""
        self._unread_bytes = 0
        self._inbox = Mailbox(INBOX_FRAMES)
        self._outbox = Mailbox(OUTBOX_FRAMES)
        self._ending: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.hello: Hello | None = None

    @property
    def board_id(self) -> str:
        assert self.hello is not None
        return self.hello.b

    @property
    def key(self) -> bytes:
        return self._key

    def send(self, payload: bytes) -> None:
        """Seal and queue a frame; a board that no longer reads is closed."""
        if not self._outbox.put(seal_command(self._key, payload)):
            self.refuse("slow", f"{OUTBOX_FRAMES} frames wait for it")

    def refuse(self, reason: str, detail: str) -> None:
        """Count, and end the session."""
        self._refusals.refuse(reason, self.hello.b if self.hello else self._peer, detail)
        self.close(reason)

    def close(self, reason: str) -> None:
        """End the session; the first reason stays."""
        if not self._ending.done():
            self._ending.set_result(reason)

    def floods(self, count: int) -> bool:
        """Count bytes that have come; whether more are unread than the messages that wait. Ends the session then."""
        self._unread_bytes += count
        if self._unread_bytes <= UNREAD_MAX_BYTES:
            return False
        if not self._ending.done():
            self.refuse("flood", f"{self._unread_bytes} bytes unread")
        return True

    async def run(self, control: BoardControl, admit: Callable[[BoardSession], None]) -> None:
        """Authenticate, then serve until either side ends it. `admit` is called once the board is authenticated."""
        tasks = [asyncio.create_task(self._receive())]
        try:
            await self._ws.send_str(msgspec.json.encode(Nonce(n=self._nonce)).decode())
            self.hello = await self._expect_hello()
            if self.hello is None:
                return
            admit(self)
            tasks += [asyncio.create_task(self._handle(control, self.hello)), asyncio.create_task(self._write())]
            control.attach(self, self.hello)
            waited: list[asyncio.Future[Any]] = [*tasks, self._ending]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self.hello is not None:
                control.detach(self)
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
                    logger.error("session of %s failed", self._peer, exc_info=outcome)
            self.close("ended")
            # A board that no longer reads does not read the close frame either: then its socket is closed.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 * CLOSE_S):
                    await self._ws.close(code=1008 if self._ending.result() != "ended" else 1000)

    async def _receive(self) -> None:
        """Queue what comes, no faster than the board's pace; end at anything that is not a frame."""
        async for message in self._ws:
            await self._pace.take()
            self._unread_bytes = max(0, self._unread_bytes - _wire_bytes(message.data))
            if message.type is WSMsgType.PING:
                await self._ws.pong(message.data)
                continue
            if message.type is WSMsgType.PONG:
                continue
            if message.type is WSMsgType.TEXT:
                frame = message.data.encode()
            elif message.type is WSMsgType.BINARY:
                frame = message.data
            else:
                error = message.data
                if isinstance(error, WebSocketError) and error.code == WSCloseCode.MESSAGE_TOO_BIG:
                    self.refuse("oversize", f"frame above {FRAME_MAX_BYTES} bytes")
                break
            if not self._inbox.put(frame):
                self.refuse("flood", f"{INBOX_FRAMES} frames unread")
                return
        self.close("ended")

    async def _expect_hello(self) -> Hello | None:
        """The first frame, once its board is known and its MAC verified; None once refused."""
        frame_task = asyncio.ensure_future(self._inbox.take(1))
        waited: list[asyncio.Future[Any]] = [frame_task, self._ending]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not frame_task.done():
            frame_task.cancel()
            return None
        (frame,) = frame_task.result()
        try:
            # The board's name is needed to find its key; nothing else is used before the MAC is verified.
            hello = _decode(split(frame)[0])
            if not isinstance(hello, Hello):
                raise FrameError("the first frame is not a hello")
        except (FrameError, *NO_FRAME) as error:
            self.refuse("malformed", str(error))
            return None
        try:
            keys = self._keys_of(hello.b)
        except ConfigError as error:
            self.refuse("unknown-board", f"{hello.b!r}: {error.message}")
            return None
        proven = [key for key in keys if _opens(key, self._nonce, frame)]
        if not proven:
            self.refuse("bad-mac", f"{hello.b}: MAC does not match")
            return None
        self._key = proven[0]
        self._pace = self._pace_of(hello.b)
        paced = asyncio.ensure_future(self._pace.take(HELLO_FRAMES))
        awaited: list[asyncio.Future[Any]] = [paced, self._ending]
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if not paced.done():
            paced.cancel()
            return None
        return hello

    async def _handle(self, control: BoardControl, hello: Hello) -> None:
        """Verify and act on what the receive loop has queued."""
        now_s = asyncio.get_running_loop().time
        while True:
            frames = await self._inbox.take(BATCH_FRAMES)
            began_s = now_s()
            telemetry: list[Telemetry] = []
            damaged: list[Damaged] = []
            results: list[ResultFrame] = []
            for frame in frames:
                try:
                    message = decode_report(open_report(self._key, self._nonce, frame))
                except FrameError as error:
                    return self.refuse("bad-mac", str(error))
                except NO_FRAME as error:
                    return self.refuse("malformed", str(error))
                if isinstance(message, Damaged):
                    damaged.append(message)
                    if message.kept is not None:
                        telemetry.append(message.kept)
                elif isinstance(message, Telemetry):
                    telemetry.append(message)
                elif isinstance(message, ResultFrame):
                    results.append(message)
                elif isinstance(message, Get | Image):
                    control.updating(self, message)
                else:
                    return self.refuse("second-hello", "hello in a running session")
            for result in results:
                await self._recorded(hello, control.answered(self, result))
            if damaged:
                await self._recorded(hello, control.damaged(self, damaged))
            if telemetry:
                await self._recorded(hello, control.heard(self, hello, telemetry))
            await asyncio.sleep(min(STAND_BACK * (now_s() - began_s), STAND_BACK_MAX_S))

    async def _recorded(self, hello: Hello, work: Awaitable[None]) -> None:
        """One part of a batch: its failure loses no other part. Telemetry is not acknowledged then, and sent again."""
        try:
            await work
        except StoreError as error:
            logger.error("not recorded of %s: %s", hello.b, error)

    async def _write(self) -> None:
        while True:
            for frame in await self._outbox.take(OUTBOX_FRAMES):
                await self._ws.send_str(frame.decode())


def _opens(key: bytes, nonce: str, frame: bytes) -> bool:
    try:
        open_report(key, nonce, frame)
    except FrameError:
        return False
    return True


def _wire_bytes(data: object) -> int:
    """Bytes of a message in one masked frame (RFC 6455, 5.2)."""
    raw = data.encode() if isinstance(data, str) else data
    size = len(raw) if isinstance(raw, bytes | bytearray | memoryview) else 0
    return size + (6 if size < 126 else 8)
