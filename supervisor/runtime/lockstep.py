"""The service on granted time (`roadheat serve --lockstep SOCKET`): emulated runs, hundreds of times faster than real.

A conductor at the other end of a Unix socket grants stretches of time. Timers of the event loop run on granted time;
sockets are real and served at once, whatever the time. When all boards have run through a stretch, the conductor asks
whether the service has settled: the answer waits until no socket has anything to read, no timer within the stretch is
left and no blocking work (`supervisor.runtime.work`) is under way: a plan that takes a wall second takes no time here.
While boards run through their stretch the conductor holds the service, so that it finds all they sent at once.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import struct
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from supervisor.runtime import work
from supervisor.runtime.clock import Clock

# From the conductor: kind and milliseconds. START carries the UTC of the start, and again where the clock jumps, GRANT
# the length of the stretch, HOLD lasts until then.
MESSAGE = struct.Struct("<Bq")
START, GRANT, SETTLE, HOLD = 0, 1, 2, 3
SETTLED = b"\x01"


class LockstepClock:
    """UTC and monotonic time as far as granted and run through."""

    def __init__(self) -> None:
        self.now_s = 0.0  # since the service started
        self.start_utc_s = 0.0

    def utc_s(self) -> float:
        return self.start_utc_s + self.now_s

    def monotonic_s(self) -> float:
        return self.now_s


class _Selector(selectors.DefaultSelector):
    """Waits for sockets only when everything due within the granted stretch has run."""

    def __init__(self, conductor: socket.socket, clock: LockstepClock) -> None:
        super().__init__()
        self._conductor = conductor
        self._clock = clock
        self._granted_s = 0.0
        self._settle_asked = False
        self._held = False
        self._buffer = b""
        self.gone: Callable[[], object] = lambda: None  # called once the conductor has closed
        conductor.setblocking(True)
        self._take(conductor.recv(MESSAGE.size, socket.MSG_WAITALL))
        conductor.setblocking(False)
        self.register(conductor, selectors.EVENT_READ)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._poll(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        clock = self._clock
        due_s = float("inf") if timeout is None else clock.now_s + timeout
        if due_s <= self._granted_s:
            clock.now_s = due_s
            return []
        if self._granted_s != float("inf"):
            clock.now_s = self._granted_s
        if self._settle_asked and work.pending == 0:
            self._settle_asked = False
            self._conductor.send(SETTLED)
        return self._poll(None)

    def _poll(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout)
        for i, (key, _) in enumerate(ready):
            if key.fileobj is self._conductor:
                del ready[i]
                self._hear()
                break
        return ready

    def _hear(self) -> None:
        self._listen()
        if self._held:
            self._conductor.setblocking(True)
            while self._held:
                self._listen()
            self._conductor.setblocking(False)

    def _listen(self) -> None:
        data = self._conductor.recv(4096)
        if not data:  # no more time is granted: all timers fire at once, so that the service can end
            self.unregister(self._conductor)
            self._granted_s = float("inf")
            self._held = False
            self.gone()
            return
        self._take(data)

    def _take(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= MESSAGE.size:
            kind, ms = MESSAGE.unpack_from(self._buffer)
            self._buffer = self._buffer[MESSAGE.size :]
            if kind == START:
                self._clock.start_utc_s = ms / 1000
            elif kind == GRANT:
                self._granted_s = round(self._granted_s + ms / 1000, 3)
                self._held = False
            elif kind == SETTLE:
                self._settle_asked = True
            elif kind == HOLD:
                self._held = True


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose time is the clock's."""

    def __init__(self, selector: _Selector, clock: LockstepClock) -> None:
        self._lockstep_clock = clock
        super().__init__(selector)

    def time(self) -> float:
        return self._lockstep_clock.now_s


def run(main: Callable[[Clock], Coroutine[Any, Any, None]], path: Path) -> None:
    """Run `main(clock)` to its end on time granted over the socket at `path`; cancelled when the conductor closes."""
    clock = LockstepClock()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as conductor:
        conductor.connect(str(path))
        selector = _Selector(conductor, clock)
        with asyncio.Runner(loop_factory=lambda: _Loop(selector, clock)) as runner:

            async def whole() -> None:
                task = asyncio.current_task()
                assert task is not None
                selector.gone = task.cancel
                await main(clock)

            try:
                runner.run(whole())
            except asyncio.CancelledError:
                return
