"""Emulated boards in real time: a thread grants what the wall clock gives. For flashing and for commands by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hil_tests.vm.console import ConsoleRelay
from hil_tests.vm.emulated_board import EmulatedBoard

STEP_S = 0.02


@contextmanager
def running(boards: Sequence[EmulatedBoard], relay: ConsoleRelay, *, start_ms: int = 0) -> Iterator[list[int]]:
    """Boards run in real time inside the block; yields a list whose one item is the bench time reached [ms]."""
    now_ms = [start_ms]
    stop = threading.Event()
    failure: list[BaseException] = []

    def pace() -> None:
        begun = time.monotonic()
        try:
            while not stop.wait(STEP_S):
                step = int((time.monotonic() - begun) * 1000) - (now_ms[0] - start_ms)
                with relay.quiet:
                    for board in boards:
                        board.grant(step)
                    now_ms[0] += step
                    for board in boards:
                        board.collect()
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=pace, name="real time", daemon=True)
    thread.start()
    try:
        yield now_ms
    finally:
        stop.set()
        thread.join()
    if failure:
        raise failure[0]
