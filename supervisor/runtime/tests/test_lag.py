from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from supervisor.runtime.lag import EACH_S, measure_lag


async def test_a_stall_counts_at_every_moment_that_passes_in_it() -> None:
    lags: list[float] = []
    some = asyncio.Event()

    def observe(lag_s: float) -> None:
        lags.append(lag_s)
        some.set()

    task = asyncio.create_task(measure_lag(observe))
    await some.wait()
    before = len(lags)
    time.sleep(0.5)  # noqa: ASYNC251
    some.clear()
    await some.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stalled = lags[before : before + 4]
    assert stalled[0] > 0.3
    assert all(first - second == pytest.approx(EACH_S, abs=0.01) for first, second in pairwise(stalled))
