"""Counts what is used and delivered, and keeps it by local day; the last minute is lost with the process."""

from __future__ import annotations

from collections import Counter
from typing import Final
from zoneinfo import ZoneInfo

from supervisor.domain.errors import StoreError
from supervisor.runtime.clock import Clock
from supervisor.store.rollup import local_day
from supervisor.store.tally import TallyRepository

EACH_S: Final = 60.0
KINDS_MAX: Final = 500  # names in memory: they are our own, so that more would be a defect


class Tallies:
    """Give `look` to the watch; `count` may be called from anywhere in the loop."""

    def __init__(self, repository: TallyRepository, clock: Clock, timezone: ZoneInfo) -> None:
        self._repository = repository
        self._clock = clock
        self._timezone = timezone
        self._counts: Counter[str] = Counter()
        self._kept_s = float("-inf")

    def count(self, what: str) -> None:
        """One more."""
        if what in self._counts or len(self._counts) < KINDS_MAX:
            self._counts[what] += 1

    async def look(self) -> None:
        """Once a minute: keep what was counted. Raises StoreError: then it is tried again."""
        now_s = self._clock.monotonic_s()
        if now_s - self._kept_s < EACH_S or not self._counts:
            return
        self._kept_s = now_s
        day, _, _ = local_day(int(self._clock.utc_s()), self._timezone)
        counts, self._counts = self._counts, Counter()
        try:
            await self._repository.add(day, counts)
        except StoreError:
            self._counts.update(counts)
            raise
