"""A supervisor of the bench in place of the real one: to measure boards alone, and to send them false commands.

It holds the listener's certificate, and the boards' keys unless told otherwise. `Impostor` runs in a thread beside the
bench and sends whatever bytes a test wants; `python -m hil_tests.bench.impostor --config C --lockstep S` is an honest
minimal one (challenge, clock, acknowledgements) on granted time.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import ssl
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from hil_tests.bench.zone import BenchError
from supervisor.config import Config, load
from supervisor.config.listen import split_listen
from supervisor.domain.errors import FrameError
from supervisor.runtime.clock import Clock, SystemClock
from supervisor.runtime.lockstep import run as run_lockstep
from supervisor.wire.authentication import open_report, seal_command
from supervisor.wire.keys import load_or_create_key
from supervisor.wire.messages import (
    Ack,
    ClockCommand,
    FromBoard,
    Hello,
    Nonce,
    OverrideCommand,
    PlanCommand,
    ResultFrame,
    Telemetry,
)
from supervisor.wire.pki import ensure_pki

PATH = "/board/v1"


class Session:
    """One board's connection."""

    def __init__(self, board: str, key: bytes, socket: web.WebSocketResponse, hello: Hello) -> None:
        self.board = board
        self.key = key
        self.hello = hello
        self.q = hello.q
        self.results: list[ResultFrame] = []
        self.telemetry: list[Telemetry] = []
        self.frames: list[bytes] = []  # all frames as sent
        self._socket = socket

    async def send(self, frame: bytes) -> None:
        self.frames.append(frame)
        await self._socket.send_bytes(frame)

    async def command(self, message: ClockCommand | PlanCommand | OverrideCommand | Ack) -> bytes:
        """Seal and send; the frame."""
        frame = seal_command(self.key, msgspec.json.encode(message))
        await self.send(frame)
        return frame


class FakeSupervisor:
    """Serves boards: challenge, clock, acknowledgements. `epoch` goes into its commands."""

    def __init__(self, config: Config, clock: Clock, *, epoch: int = 1, knows_keys: bool = True) -> None:
        self.config = config
        self.clock = clock
        self.epoch = epoch
        self.sessions: dict[str, Session] = {}
        self.refused: list[str] = []
        self._knows_keys = knows_keys
        self._decode = msgspec.json.Decoder(FromBoard).decode

    async def serve(self) -> web.AppRunner:
        """Listen where boards call; the runner to clean up."""
        pki = ensure_pki(self.config.pki_dir, self.config.boards.server_name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.server_pem, pki.server_key)
        app = web.Application()
        app.router.add_get(PATH, self._board)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        host, port = split_listen(self.config.boards.listen)
        await web.TCPSite(runner, host, port, ssl_context=context, reuse_address=True).start()
        return runner

    async def _board(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        nonce = secrets.token_hex(16)
        await socket.send_bytes(msgspec.json.encode(Nonce(n=nonce)))
        session: Session | None = None
        async for message in socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                break
            frame = message.data if isinstance(message.data, bytes) else message.data.encode()
            try:
                if session is None:
                    session = await self._greet(socket, nonce, frame)
                else:
                    await self._take(session, self._decode(open_report(session.key, nonce, frame)))
            except (FrameError, msgspec.MsgspecError) as error:
                self.refused.append(str(error))
                break
        return socket

    async def _greet(self, socket: web.WebSocketResponse, nonce: str, frame: bytes) -> Session:
        hello = self._decode(frame.rpartition(b"\n")[0])
        if not isinstance(hello, Hello):
            raise FrameError("no hello")
        key = load_or_create_key(self.config.board_key_path(hello.b))
        open_report(key, nonce, frame)
        if not self._knows_keys:
            key = secrets.token_bytes(32)
        session = self.sessions[hello.b] = Session(hello.b, key, socket, hello)
        session.q = hello.q + 1 if hello.ep == self.epoch else 1
        await session.command(ClockCommand(b=hello.b, ep=self.epoch, q=session.q, utc=int(self.clock.utc_s())))
        return session

    async def _take(self, session: Session, message: FromBoard) -> None:
        if isinstance(message, Telemetry):
            session.telemetry.append(message)
            del session.telemetry[:-10_000]
            await session.command(Ack(b=session.board, boot=message.boot, q=(message.q,)))
        elif isinstance(message, ResultFrame):
            session.results.append(message)


class Impostor:
    """A `FakeSupervisor` in a thread, for tests that send what the real one never sends."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock | None = None,
        knows_keys: bool = True,
        fake: FakeSupervisor | None = None,
    ) -> None:
        """`fake`: one of its own kind, instead of one by the other parameters."""
        self.fake = fake or FakeSupervisor(config, clock or SystemClock(), knows_keys=knows_keys)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="impostor", daemon=True)

    def __enter__(self) -> Impostor:
        self._thread.start()
        self._runner = self._call(self.fake.serve())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def session(self, board: str) -> Session:
        if board not in self.fake.sessions:
            raise BenchError(f"board `{board}` has not connected")
        return self.fake.sessions[board]

    def inject(self, board: str, frame: bytes) -> None:
        """Send bytes to a board as they are."""
        self._call(self.session(board).send(frame))

    def command(self, board: str, message: ClockCommand | PlanCommand | OverrideCommand) -> bytes:
        """Send a proper command; the frame, for replays."""
        return bytes(self._call(self.session(board).command(message)))

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(timeout=20)


def _serve(config: Config) -> Callable[[Clock], Coroutine[Any, Any, None]]:
    async def main(clock: Clock) -> None:
        runner = await FakeSupervisor(config, clock).serve()
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    return main


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--lockstep", type=Path, required=True)
    options = parser.parse_args()
    run_lockstep(_serve(load(options.config)), options.lockstep)
