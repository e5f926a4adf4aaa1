"""The board's one connection: dial, prove who we are, take commands, send telemetry, try again with jitter.

Nothing here can delay the safety loop: all waiting is in asyncio, all buffers are bounded.
"""

import asyncio
import gc
import json
import random

from . import VERSION
from .codes import MALFORMED, OK, OLD_EPOCH, STALE_SEQUENCE, STORE_FAILED, WRONG_BOARD
from .events import frame as frame_of
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
COMMAND_TIMEOUT_S = 60  # from hello to the first valid command: the supervisor sends the clock at once
SILENCE_MAX_S = 60  # live telemetry is acknowledged every 10 s: a minute without a useful frame is a dead link
BACKOFF_MIN_S = 4
BACKOFF_MAX_S = 120  # 2,000 boards come back within it without a storm
GOOD_SESSION_S = 60
STARVED_MAX = 8  # sessions that ended for want of memory: some ten minutes
SEND_TIMEOUT_S = 20
WINDOW = 8  # backlog records in flight beside the live ones
PENDING_MAX = 12  # live records not acknowledged: two minutes
REFUSED_MAX = 16  # frames in a row that were not authentic or not fresh: not worth listening to

# Results that a peer without our key, or one that repeats what it has overheard, can bring about.
_NOT_FRESH = (STALE_SEQUENCE, OLD_EPOCH, WRONG_BOARD, MALFORMED)


class Link:
    """Runs sessions for ever. board: `rh.board.Board`; dial: coroutine function that returns a connected stream."""

    def __init__(self, config: "Config", board: "Board", mac: "Mac", dial: "Callable[[], Awaitable[Any]]") -> None:
        self._config = config
        self._board = board
        self.mac = mac
        self.trusts: "list[str]" = []  # authorities of the TLS under the session, by `trust.short`
        self._dial = dial
        self._nonce = b""
        self._ws: "WebSocket | None" = None
        self._until = 0  # uptime by which the peer must have said something of use
        self._refused = 0  # frames in a row
        self._step: "Any" = None  # task of the session's step under way
        self._dropped = False
        self._pending: "list[bytes]" = []  # live records sent and not acknowledged
        self._inflight = 0
        self._why = ""
        self.ready = False  # the supervisor has proved itself by a command
        self.bad = 0  # frames refused since boot

    async def run(self, first_wait_s: int, pause: "Callable[[int], Awaitable[None]]") -> None:
        """Dial again and again: full jitter, exponential, capped. Any exception ends a session and no more.

        pause: `asyncio.sleep_ms`.
        """
        failures = starved = 0
        wait_ms = random.randrange(first_wait_s + 1) * 1000
        while True:
            await pause(wait_ms)
            began = self._board.t
            try:
                await self._session()
            except asyncio.CancelledError:  # raised by a library: no code of a board cancels this task
                self._log("cancelled")
            except Exception as e:  # whatever network, files or frames have thrown
                self._log(e)
                starved = self._starved(starved, e)
            good = self.ready and self._board.t - began > GOOD_SESSION_S
            self.ready = False
            self._keep_pending()
            failures = 0 if good else min(failures + 1, 5)
            wait_ms = random.randrange(min(BACKOFF_MAX_S, BACKOFF_MIN_S << failures) * 1000)

    def _starved(self, before: int, error: Exception) -> int:
        """Sessions that ended for want of memory. A heap in pieces does not mend: restart once no road needs heat."""
        if type(error) is not MemoryError:
            return 0 if self.ready else before
        gc.collect()
        if before + 1 >= STARVED_MAX and not self._board.busy():
            self._board.log("link", "no memory for {} sessions: restart".format(before + 1))
            self._board.restart = True
        return before + 1

    def _log(self, what: object) -> None:
        """Never raises: the console may be the very thing that fails."""
        try:
            why = what if type(what) is str else repr(what)
            if why != self._why:  # a link that stays away says so once
                self._why = why
                self._board.log("link", why)
        except Exception:
            pass

    async def _session(self) -> None:
        """Deadlines hold for each step; `report` looks at them as well."""
        self.ready = self._dropped = False
        self._refused = 0
        self._until = self._board.t + OPEN_TIMEOUT_S
        try:
            ws = await self._in_time(self._open())
            self._until = self._board.t + COMMAND_TIMEOUT_S
            while self._board.t < self._until:
                # Around the whole exchange: pings, part of a frame and a peer that does not read count as silence.
                await self._in_time(self._exchange(ws))
            raise WsError("silent")
        finally:
            opened, self._ws = self._ws, None
            if opened is not None:
                await opened.close()

    async def _in_time(self, work: "Awaitable[Any]") -> "Any":
        """Result of a step of the session by `_until`, unless it is dropped before."""
        self._step = asyncio.create_task(_outcome(work))
        try:
            result, error = await asyncio.wait_for(self._step, max(self._until - self._board.t, 1))
        finally:
            self._step = None
        if self._dropped:
            raise WsError("dropped")
        if error is not None:
            raise error
        return result

    async def _exchange(self, ws: "WebSocket") -> None:
        """A frame of the supervisor, and our answer."""
        if await self._take(await ws.receive()):
            self._refused = 0
            if self.ready:
                self._until = self._board.t + SILENCE_MAX_S
            return
        self._refused += 1
        if self._refused > REFUSED_MAX:
            raise FrameError("nothing of use")

    async def _open(self) -> "WebSocket":
        """Connected, upgraded, hello sent."""
        stream = await self._dial()
        self._ws = ws = WebSocket(stream, stream)
        await ws.open(self._config.server_name, PATH)
        message = parse(await ws.receive())
        nonce = message.get("n")
        if message.get("t") != "nonce" or type(nonce) is not str or len(nonce) != 32:
            raise FrameError("nonce")
        self._nonce = nonce.encode()
        hello = self._board.hello(VERSION)
        hello["ca"] = self.trusts
        await ws.send(self.mac.seal(self._nonce, json.dumps(hello).encode()))
        return ws

    async def _take(self, frame: bytes) -> bool:
        """One frame; whether it was of use: a fresh command, or it acknowledged something.

        What is not authentic is counted and changes nothing.
        """
        try:
            message = self.mac.open(frame)
        except FrameError as e:
            self._refuse(e.args[0])
            return False
        if message.get("t") == "ack":
            useful = self._acknowledge(message)
            await self._send_backlog()
            return useful
        if message.get("t") == "piece":
            update = self._board.update
            return update is not None and update.take(message)
        ep, q, rc = self._board.commands.apply(message, self._board.t)
        frame_of("{} {}:{} rc {}".format(message.get("t"), ep, q, rc))
        if rc:
            self._board.log("command refused", (ep, q, rc))
        await self.send({"t": "result", "ep": ep, "q": q, "rc": rc})
        if rc == OLD_EPOCH:
            raise FrameError("older supervisor")  # fenced: it gets no telemetry either
        if self._board.commands.renewed:
            raise FrameError("authority or key renewed")  # the next session is by the new ones
        if not self.ready and rc in (OK, STORE_FAILED):
            self.ready = True
            self._board.journal.rewind()
            self._inflight = 0
            await self._send_backlog()
        return rc not in _NOT_FRESH

    def _refuse(self, why: str) -> None:
        self.bad += 1
        if self.bad == 1:
            self._board.log("frame refused", why)

    async def send(self, message: "dict[str, Any]") -> None:
        """Seal and send, where a session is open."""
        await self._send_payload(json.dumps(message).encode())

    async def _send_payload(self, payload: bytes) -> None:
        ws = self._ws
        if ws is not None:
            await ws.send(self.mac.seal(self._nonce, payload))

    def _acknowledge(self, message: "dict[str, Any]") -> bool:
        """Forget what has arrived; whether there was something to forget."""
        boot = message.get("boot")
        numbers = message.get("q")
        if type(boot) is not int or type(numbers) is not list or message.get("b") != self._config.board:
            self._refuse("ack")
            return False
        useful = False
        for q in numbers:
            if type(q) is not int:
                self._refuse("ack")
            elif self._forget(boot, q):
                useful = True
            elif self._in_journal(boot, q):
                useful = True
                if self._inflight:
                    self._inflight -= 1
        return useful

    def _in_journal(self, boot: int, q: int) -> bool:
        try:
            return self._board.journal.acknowledge(boot, q)
        except Exception as e:
            self._log(e)
            return False

    def _forget(self, boot: int, q: int) -> bool:
        for i in range(len(self._pending)):
            if key(self._pending[i]) == (boot, q):
                self._pending.pop(i)
                return True
        return False

    async def _send_backlog(self) -> None:
        """Keep the window full: the journal drains as fast as the supervisor commits, live frames go between."""
        while self.ready and self._inflight < WINDOW:
            try:
                record = self._board.journal.fetch()
                if record is None:
                    return
                payload = self._board.recorder.payload(record)
            except Exception as e:  # commands are worth more than the backlog, which the next session tries again
                self._log(e)
                self._inflight = WINDOW
                return
            self._inflight += 1
            await self._send_payload(payload)

    def _keep_pending(self) -> None:
        pending, self._pending = self._pending, []
        for record in pending:
            try:
                self._board.journal.put(record)
            except Exception as e:
                self._log(e)

    async def report(self, record: bytes) -> None:
        """Send a record at once where the link is up, and keep it until it is acknowledged; else into the journal."""
        if not self.ready:
            if self._board.t > self._until:
                self._drop()
            self._board.journal.put(record)
            return
        self._pending.append(record)
        error: "BaseException | None" = None
        try:
            payload = self._board.recorder.payload(record)
            _, error = await asyncio.wait_for(_outcome(self._send_payload(payload)), SEND_TIMEOUT_S)
        except Exception as e:
            error = e
        if error is not None or self._board.t > self._until or len(self._pending) > PENDING_MAX:
            self._drop()

    def _drop(self) -> None:
        """End a session that is dead; `run` dials again.

        Cancels the step and not the link's own task: MicroPython's `wait_for` would cancel that a second time later.
        """
        if self._step is not None:
            self._dropped = True
            self._step.cancel()


async def _outcome(work: "Awaitable[Any]") -> "tuple[Any, BaseException | None]":
    """Result and exception: the VM prints what leaves a task before anybody waits for it, so nothing does."""
    try:
        return await work, None
    except (Exception, asyncio.CancelledError) as e:
        return None, e
