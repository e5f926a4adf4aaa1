"""How late the event loop runs what is due: what every board and every person waits for, whatever the cause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

EACH_S = 0.1


async def measure_lag(observe: Callable[[float], object]) -> None:
    """Give `observe` the lag [s] at every due moment, each 0.1 s, until cancelled.

    Moments that pass while the loop is held up count too, each with its own lag: otherwise a stall of ten seconds would
    be one value among many good ones.
    """
    loop = asyncio.get_running_loop()
    due_s = loop.time() + EACH_S
    while True:
        await asyncio.sleep(due_s - loop.time())
        now_s = loop.time()
        while due_s <= now_s:
            observe(now_s - due_s)
            due_s += EACH_S
