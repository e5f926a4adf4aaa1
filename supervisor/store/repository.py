"""The base of the repositories: each offers one use of the record, over the one writer."""

from __future__ import annotations

from typing import Any

from supervisor.runtime.clock import Clock
from supervisor.store.writer import Job, Writer


class Repository:
    """One use of the record. A coroutine that changes something has reached the disk when it returns.

    A read sees what is committed. Every method may raise StoreError; then it has changed nothing.
    """

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self.write = writer.write  # for work across tables in one transaction: fn(connection)
        self.read = writer.read

    async def write_safety(self, job: Job) -> Any:
        """Run `job` like `write`; on a full disk it may use the space set aside for safety commands."""
        return await self.write(job, safety=True)

    def _now(self) -> int:
        return int(self._clock.utc_s())
