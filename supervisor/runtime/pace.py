"""Waiting by the clock. Only asyncio's timers, so that it also runs on the bench's virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from supervisor.runtime.clock import Clock

_LOOK_AGAIN_S = 60.0  # the machine's clock may be set meanwhile


async def until(clock: Clock, utc_s: float) -> None:
    """Return at `utc_s` or as soon after as the loop allows; a clock set back meanwhile does not prolong the wait."""
    latest_s = clock.monotonic_s() + utc_s - clock.utc_s()
    while True:
        left_s = min(utc_s - clock.utc_s(), latest_s - clock.monotonic_s())
        if left_s <= 0:
            return
        await asyncio.sleep(min(left_s, _LOOK_AGAIN_S))


async def each(clock: Clock, period_s: float) -> AsyncIterator[float]:
    """Yield the UTC of each multiple of `period_s`; those missed meanwhile are skipped."""
    while True:
        due = (clock.utc_s() // period_s + 1) * period_s
        await until(clock, due)
        now = clock.utc_s()
        yield due if abs(now - due) < period_s else now // period_s * period_s  # the clock has been set
