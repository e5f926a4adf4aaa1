"""Rate of the service's time against wall time, and waiting in wall time.

In a demo the event loop's timers run on granted time, hundreds of times faster than a person reads. What goes to
people is paced by wall time; no decision depends on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from supervisor.runtime.clock import Clock

T = TypeVar("T")

WINDOW_S: Final = 1.0  # of wall time, at least, to measure a rate over: time in lock-step is granted in steps
STEADY: Final = 0.05  # nearer to 1 than this is 1: a machine's jitter is not a demo


@dataclass
class _Meter:
    """Rate of one time against wall time, over the last window or two."""

    then: float
    wall: float
    rate: float = 1.0

    def update(self, now: float, wall: float) -> float:
        if wall - self.wall >= WINDOW_S:
            rate = (now - self.then) / (wall - self.wall)
            self.rate = 1.0 if abs(rate - 1.0) < STEADY else max(rate, 0.0)
            self.then, self.wall = now, wall
        return self.rate


@dataclass
class Pace:
    """Shared by all streams of one application."""

    clock: Clock
    wall: Clock
    _clock: _Meter = field(init=False)
    _loop: _Meter | None = None  # the loop is known once it runs

    def __post_init__(self) -> None:
        self._clock = _Meter(self.clock.monotonic_s(), self.wall.monotonic_s())

    def wall_s(self) -> float:
        """Monotonic wall time [s]."""
        return self.wall.monotonic_s()

    def rate(self) -> float:
        """Service seconds per second of wall time; 1 except in a demo."""
        return self._clock.update(self.clock.monotonic_s(), self.wall_s())

    def loop_s(self, wall_s: float) -> float:
        """About how long the loop's timers take for `wall_s` of wall time [s of the loop]."""
        now = asyncio.get_running_loop().time()
        if self._loop is None:
            self._loop = _Meter(now, self.wall_s())
        return wall_s * max(self._loop.update(now, self.wall_s()), 1.0)

    async def within(self, wall_s: float, work: Awaitable[T]) -> T:
        """The result of `work`, or TimeoutError after `wall_s` of wall time; then the work is cancelled."""
        end_s = self.wall_s() + wall_s
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                if (left_s := end_s - self.wall_s()) <= 0:
                    raise TimeoutError
                await asyncio.wait({task}, timeout=self.loop_s(left_s))
            return task.result()
        finally:
            task.cancel()

    async def until(self, wall_s: float) -> None:
        """Wait until the monotonic wall time is `wall_s`."""
        while (left_s := wall_s - self.wall_s()) > 0:  # noqa: ASYNC110  (no event at a wall time)
            await asyncio.sleep(self.loop_s(left_s))
