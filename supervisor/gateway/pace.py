"""Rate limit of the frames of one board: a token bucket that fills at a steady rate.

A board above the rate waits, and meanwhile its socket is not read: TCP slows the sender down, and no frame is lost. The
bucket belongs to the board, not to its connection, so that connecting again does not fill it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# A board sends a frame every 10 s, and its journal with 8 frames under way: 26 h of it (1,600 records) take 64 s. At
# some 2 ms each, one board has at most a twentieth of a core.
FRAMES_PER_S = 25.0
BURST_FRAMES = 64  # answers to the clock, the overrides and the plans of 8 zones (17), and the frames of its window
WAIT_MIN_S = 0.001  # a rounding error of a token is no time at all, and granted time stands still meanwhile
UNPROVEN_FRAMES = 2  # before the board is known: its hello, and a ping; what follows is read once the hello is verified
HELLO_FRAMES = 16.0  # what a new session costs: handshake, and every command that the board does not know yet


class Pace:
    """Tokens of one board. Waiters are served in turn."""

    __slots__ = ("_burst", "_filled_s", "_now_s", "_tokens", "_turn")

    def __init__(self, now_s: Callable[[], float], burst_frames: int | None = None) -> None:
        """`now_s`: the loop's time [s]; `burst_frames`: default `BURST_FRAMES`."""
        self._now_s = now_s
        self._burst = self._tokens = float(burst_frames or BURST_FRAMES)
        self._filled_s = now_s()
        self._turn = asyncio.Lock()

    async def take(self, frames: float = 1.0) -> None:
        """Return once that many frames (at most the burst) may be handled."""
        async with self._turn:
            self._fill()
            while self._tokens < frames:
                await asyncio.sleep(max((frames - self._tokens) / FRAMES_PER_S, WAIT_MIN_S))
                self._fill()
            self._tokens -= frames

    def _fill(self) -> None:
        now_s = self._now_s()
        self._tokens = min(self._burst, self._tokens + (now_s - self._filled_s) * FRAMES_PER_S)
        self._filled_s = now_s
