"""An event loop whose time stops while work is under way and else jumps to the next timer: hours take seconds.

For one process of tests and benches; boards and supervisor together use `supervisor.runtime.lockstep`.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Any, TypeVar

from supervisor.runtime import work

T = TypeVar("T")


class SkippingLoop(asyncio.SelectorEventLoop):
    """Built on the two lists that asyncio's own loop keeps: callbacks that are ready, and timers."""

    _ready: Any
    _scheduled: list[asyncio.TimerHandle]
    _timer_cancelled_count: int

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0

    def time(self) -> float:
        return self._now_s

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0].cancelled():  # asyncio would drop it only after waiting for it
            self._timer_cancelled_count -= 1
            heapq.heappop(self._scheduled)._scheduled = False  # type: ignore[attr-defined]
        if not self._ready and self._scheduled and work.pending == 0:
            self._now_s = max(self._now_s, self._scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


class LoopClock:
    """The running loop's time as a Clock."""

    def __init__(self, start_utc_s: float) -> None:
        self._start_utc_s = start_utc_s

    def utc_s(self) -> float:
        return self._start_utc_s + self.monotonic_s()

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in such a loop."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(main)
