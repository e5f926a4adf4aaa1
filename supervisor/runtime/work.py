"""Runs blocking work (disk, solver, password hashing) beside the event loop.

`pending` counts the work under way. In real time nobody reads it; in lock-step the virtual clock stands still while
it is above zero, so that a plan that takes a wall second takes no virtual time and a replay is exact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

pending = 0


def _finished(_: object) -> None:
    global pending
    pending -= 1


async def in_thread(executor: Executor | None, fn: Callable[[*Ts], T], *args: *Ts) -> T:
    """Run `fn(*args)` in `executor` (None: the loop's default threads) and return its result.

    A caller cancelled while waiting returns at once; the work itself runs to its end.
    """
    global pending
    future = asyncio.get_running_loop().run_in_executor(executor, fn, *args)
    pending += 1
    future.add_done_callback(_finished)
    return await future


@contextmanager
def held() -> Iterator[None]:
    """Count what happens inside as work too: a request to another process whose answer must not seem to take long."""
    global pending
    pending += 1
    try:
        yield
    finally:
        pending -= 1
