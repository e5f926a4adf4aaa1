"""Tasks beside the safety loop: one that ends, for whatever reason, is logged and started again."""

import asyncio
import gc
import random
import sys

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Awaitable, Callable

    from .board import Board

RESTART_MIN_S = 4
RESTART_MAX_S = 120  # as the link's own back-off
GOOD_RUN_S = 600  # a task that ran for so long begins again with short pauses
_TOLD_MAX = 8  # kinds of exceptions whose traceback has been shown


def restart_ms(failures: int) -> int:
    """Pause before the start after so many failures in a row: exponential, jitter over its upper half."""
    most = min(RESTART_MAX_S, RESTART_MIN_S << min(failures, 5)) * 1000
    return most // 2 + random.randrange(most // 2)


async def keep(
    board: "Board", name: str, start: "Callable[[], Awaitable[Any]]", pause: "Callable[[int], Awaitable[None]]"
) -> None:
    """Run `start()` again and again. Never returns; raises only what ends the whole program (Ctrl-C, soft reset).

    A cancellation counts as an end like others: the only one on a board is the link's own, meant for a session.
    pause: `asyncio.sleep_ms`.
    """
    failures = 0
    told: "list[type]" = []
    while True:
        began = board.t
        try:
            await start()
            board.log(name, "ended")
        except (Exception, asyncio.CancelledError) as e:
            _say(board, name, e, told)
        gc.collect()
        failures = 0 if board.t - began >= GOOD_RUN_S else failures + 1
        await pause(restart_ms(failures))


def _say(board: "Board", name: str, e: BaseException, told: "list[type]") -> None:
    """The traceback once for each kind, then a line. Never raises: the console may be unavailable."""
    try:
        board.log(name, "failed, starts again: " + repr(e))
        if type(e) not in told and len(told) < _TOLD_MAX:
            told.append(type(e))
            getattr(sys, "print_exception", print)(e)
    except Exception:
        pass
