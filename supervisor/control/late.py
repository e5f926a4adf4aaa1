"""Safety commands first, their record after: what could not be committed waits in memory, in order, until it can.

Switching off must not depend on a disk. What waits is lost if the service ends before the disk has room; the space
that the store sets aside for these records makes that rare.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Protocol

from supervisor.domain.errors import RoadheatError, StoreError

logger = logging.getLogger(__name__)

RECORD_WAIT_S = 3.0  # a safety command is answered by then, recorded or not: it is on its way to the board already

Job = Callable[[sqlite3.Connection], object]


class SafetyStore(Protocol):
    """The part of the store that is used."""

    async def write_safety(self, job: Job) -> object: ...


class LateRecord:
    """Records in the order in which they were made. `changed` is called with how many wait: when a disk that refuses or
    hangs makes the first wait, and when none does any more.
    """

    def __init__(self, store: SafetyStore) -> None:
        self._store = store
        self._waiting: deque[tuple[Job, Callable[[], None]]] = deque()
        self._one_at_a_time = asyncio.Lock()
        self._flushing: set[asyncio.Task[bool]] = set()
        self.error: StoreError | None = None  # why the oldest of them is not
        self._said = False  # whether it was reported that some wait
        self.changed: list[Callable[[int], None]] = []

    @property
    def waiting(self) -> int:
        """Records that are not on the disk yet."""
        return len(self._waiting)

    def add(self, job: Job, done: Callable[[], None] = lambda: None) -> None:
        """Take `job` after everything that waits; `flush` commits it, then calls `done`."""
        self._waiting.append((job, done))

    async def flush(self) -> bool:
        """Commit what waits, oldest first; returns whether all of it is on the disk."""
        if not self._waiting:
            return True
        async with self._one_at_a_time:
            while self._waiting:
                job, done = self._waiting[0]
                try:
                    await self._store.write_safety(job)
                except StoreError as error:
                    self._tell(error)
                    return False
                except RoadheatError as error:  # waiting would not help
                    logger.error("not recorded: %s", error)
                self._waiting.popleft()
                done()
        self._tell(None)
        return True

    async def flush_soon(self) -> bool:
        """Like `flush`, but a disk that hangs is waited for only so long; the work goes on."""
        task = asyncio.ensure_future(self.flush())
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)
        await asyncio.wait({task}, timeout=RECORD_WAIT_S)
        if not task.done():
            self._say(f"no answer from the disk within {RECORD_WAIT_S:g} s")
            return False
        return task.result()

    def _tell(self, error: StoreError | None) -> None:
        self.error = error
        self._say(str(error) if error is not None else "")

    def _say(self, why: str) -> None:
        """Once when records begin to wait, once when all are on the disk; `why` is empty then."""
        if bool(why) == self._said:
            return
        self._said = bool(why)
        if why:
            logger.error("a safety command waits to be recorded: %s", why)
        else:
            logger.info("all safety commands are recorded")
        for listener in self.changed:
            listener(self.waiting)
