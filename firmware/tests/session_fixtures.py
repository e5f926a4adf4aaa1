"""A link and its board in the time of the test, against scripted peers."""

import asyncio
import unittest

from board_fixtures import KEY, Hardware, Time, config, limits, wipe
from link_fixtures import Stream
from rh.board import Board
from rh.link import Link
from rh.wire import Mac


class Odd(Exception):
    """Nobody's own."""


class Unspeakable(Exception):
    """Cannot even be shown."""

    def __repr__(self):
        raise ValueError("no words")

    __str__ = __repr__


# What libraries, drivers and the VM throw; ValueError is mbedTLS's, RuntimeError the WiFi's of MicroPython 1.25.
KINDS = (
    ValueError,
    RuntimeError,
    KeyError,
    TypeError,
    AttributeError,
    MemoryError,
    OSError,
    IndexError,
    NotImplementedError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    asyncio.CancelledError,
    Odd,
    Unspeakable,
)


def thrower(kind, times=1_000_000, then=None):
    """A function that raises `kind` so many times, then answers `then`."""
    left = [times]

    def throw(*args, **kwargs):
        if left[0]:
            left[0] -= 1
            raise kind("injected")
        return then

    return throw


class Enough(Exception):
    """Ends a test's run."""


class LinkCase(unittest.TestCase):
    def setUp(self):
        wipe()
        self.time = Time()
        self.board = Board(config(), limits(), Hardware(), self.time, 0)
        self.said = []
        self.board.log = lambda what, detail: self.said.append((what, detail))
        self.dials = 0
        self.waits = []
        self.peers = []
        self.link = Link(config(), self.board, Mac(KEY), self.dial)

    def tearDown(self):
        wipe()

    async def dial(self):
        self.dials += 1
        peer = self.peers.pop(0) if len(self.peers) > 1 else self.peers[0]
        return Stream(peer)

    async def settle(self, n=60):
        for _ in range(n):
            await asyncio.sleep(0)

    async def seconds(self, n):
        """n seconds of the board, with its telemetry."""
        for _ in range(n):
            self.time.s += 1
            self.board.tick()
            if self.board.recorder.left(self.board.t, self.link.ready) <= 0:
                await self.link.report(self.board.recorder.take(self.board.t, self.link.bad))
            await self.settle()

    async def pause(self, ms):
        self.waits.append(ms)
        await asyncio.sleep(0)
        if self.ending:
            raise Enough

    def run_link(self, steps, *peers):
        """`link.run` beside `steps`; dials again without waiting, the last peer as often as it is called."""
        self.peers = list(peers) or [None]
        self.ending = False

        async def scenario():
            task = asyncio.create_task(self.link.run(0, self.pause))
            try:
                await steps()
            finally:
                ended = task.done()
                self.ending = True
                self.link._drop()
                try:
                    await task
                except Enough:
                    pass
            self.assertFalse(ended, "the link has ended by itself")

        asyncio.run(scenario())
