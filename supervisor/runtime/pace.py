"""Waiting by the clock. Only asyncio's timers, so that it also runs on the bench's virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from supervisor.runtime.clock import Clock

T = TypeVar("T")

TURN_MAX = 500  # zones or boards that are looked at together: some milliseconds in which nothing else is done
_LEAST_S = 0.001  # less is a rounding error, for which an event loop on granted time would wait for ever
_LOOK_AGAIN_S = 60.0  # the machine's clock may be set meanwhile

HANGS_ROUNDS = 3.0  # a round that takes longer than three periods …
HANGS_LEAST_S = 300.0  # … and longer than any work of a round has a right to


@dataclass
class Rounds:
    """When the loop of a task began its newest round, for whoever looks whether it hangs."""

    began_s: float | None = None  # monotonic; None while it waits for its first
    period_s: float = 0.0
    waiting: bool = True  # for its next round, not at work

    def hangs_s(self, now_s: float) -> float:
        """For how long it has been at work beyond what is right [s]; 0 for a loop that runs."""
        if self.waiting or self.began_s is None:
            return 0.0
        at_work_s = now_s - self.began_s
        return at_work_s if at_work_s > max(HANGS_ROUNDS * self.period_s, HANGS_LEAST_S) else 0.0

    def begin(self, now_s: float, period_s: float) -> None:
        """A round begins at the monotonic time `now_s`."""
        self.began_s, self.period_s, self.waiting = now_s, period_s, False


ROUNDS: ContextVar[Rounds | None] = ContextVar("rounds", default=None)  # of the running task


async def until(clock: Clock, utc_s: float) -> None:
    """Return at `utc_s` or as soon after as the loop allows; a clock set back meanwhile does not prolong the wait."""
    latest_s = clock.monotonic_s() + utc_s - clock.utc_s()
    while True:
        left_s = min(utc_s - clock.utc_s(), latest_s - clock.monotonic_s())
        if left_s <= 0:
            return
        await asyncio.sleep(min(max(left_s, _LEAST_S), _LOOK_AGAIN_S))


async def each(clock: Clock, period_s: float) -> AsyncIterator[float]:
    """Yield the UTC of each multiple of `period_s`; those missed meanwhile are skipped."""
    rounds = ROUNDS.get() or Rounds()
    while True:
        due = (clock.utc_s() // period_s + 1) * period_s
        rounds.waiting = True
        await until(clock, due)
        rounds.begin(clock.monotonic_s(), period_s)
        now = clock.utc_s()
        yield due if abs(now - due) < period_s else now // period_s * period_s  # the clock has been set


@contextmanager
def at_work(clock: Clock, period_s: float = 0.0) -> Iterator[None]:
    """A round of a loop that waits otherwise than by `each`: one that takes too long is seen to hang."""
    rounds = ROUNDS.get() or Rounds()
    rounds.begin(clock.monotonic_s(), period_s)
    try:
        yield
    finally:
        rounds.waiting = True


async def in_turns(items: Iterable[T], most: int = TURN_MAX) -> AsyncIterator[list[T]]:
    """`items` in lists of at most `most`; between two of them whatever else is due is done."""
    left = list(items)
    for first in range(0, len(left), most):
        if first:
            await asyncio.sleep(0)
        yield left[first : first + most]
