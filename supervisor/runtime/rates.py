"""How often one person, program or interface may command: one that runs wild must not fill the record."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from supervisor.runtime.clock import Clock

BURST: Final = 300  # at least; and twice each road, one by one
PER_S: Final = 1.0  # afterwards: more than a person can press
USERS_MAX: Final = 1_000


class Rates:
    """One bucket a user; those who have commanded least recently are forgotten first."""

    def __init__(self, clock: Clock, roads: int = 0) -> None:
        self._clock = clock
        self.burst = float(max(BURST, 2 * roads))
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when

    def take(self, user: str) -> bool:
        """Take one; False where none is left."""
        now_s = self._clock.monotonic_s()
        left, at_s = self._buckets.pop(user, (self.burst, now_s))
        left = min(self.burst, left + PER_S * (now_s - at_s))
        enough = left >= 1
        self._buckets[user] = (left - 1 if enough else left), now_s
        while len(self._buckets) > USERS_MAX:
            self._buckets.popitem(last=False)
        return enough
