"""Whether the service's clock can be right: it must not jump, differ from what boards remember, or run unattended.

Leases, overrides and the age of plans are measured by the steady clock, so a wrong time of day prolongs none of them;
what suffers is the hours of the tariff, the times that people read and the place of a plan's slots.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from supervisor.control.alarms import Alarms
from supervisor.control.degraded import Degradations, DegradedCode
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell

JUMP_S = 2.0  # a clock that is being kept right changes its rate by 0.5 ms/s at most
STANDS_S = 3600.0  # after the last jump
BOARDS_MIN = 3  # fewer may have a wrong clock themselves
OFF_S = 60.0  # boards keep their time within a second a day
UNSYNCED_S = 3600.0  # a time service may need that long after a start


class ClockWatch:
    """`greeted` takes what boards say, `look` is called every few seconds."""

    def __init__(
        self, clock: Clock, alarms: Alarms, degraded: Degradations, kept_in_time: Callable[[], bool | None]
    ) -> None:
        """`kept_in_time`: whether the system disciplines its clock; None where it cannot be known."""
        self._clock = clock
        self._alarms = alarms
        self._degraded = degraded
        self._kept_in_time = kept_in_time
        self._offset_s = clock.utc_s() - clock.monotonic_s()
        self._jumped_s = 0.0  # sum of what counts, and when the last was
        self._jump_at_s: float | None = None
        self._boards: dict[str, float] = {}  # by how much each was ahead when it first greeted this service
        self._synced_s = clock.monotonic_s()
        self.jumped: list[Callable[[float], object]] = []  # called with the jump [s]

    def greeted(self, board: str, utc_s: int) -> None:
        """A board has connected, with its own time (0: it has none). Later it has the service's own."""
        if utc_s > 0:
            self._boards.setdefault(board, utc_s - self._clock.utc_s())

    def look(self) -> None:
        """Raise and clear."""
        now_s = self._clock.monotonic_s()
        offset_s = self._clock.utc_s() - now_s
        if abs(offset_s - self._offset_s) > JUMP_S:
            self._jumped_s += offset_s - self._offset_s
            self._jump_at_s = now_s
            self._boards.clear()  # what they said was about the clock before
            tell(self.jumped, "clock jumped", offset_s - self._offset_s)
        self._offset_s = offset_s
        if self._jump_at_s is not None and now_s - self._jump_at_s > STANDS_S:
            self._jump_at_s, self._jumped_s = None, 0.0
        off_s = round(self._jumped_s) if self._jump_at_s is not None else self._by_boards_s()
        self._alarms.set(
            AlarmCode.CLOCK,
            "",
            off_s != 0 or self._jump_at_s is not None,
            f"The service's clock jumped or is off by {off_s} s. Overrides and leases are not longer for it; plans "
            "and prices go by the time of day. Check the server's time (timedatectl)",
        )
        self._degraded.set(DegradedCode.CLOCK, {"off_s": off_s} if off_s else None)
        self._look_at_synchronisation(now_s)

    def _by_boards_s(self) -> int:
        ahead = list(self._boards.values())
        middle = median(ahead) if len(ahead) >= BOARDS_MIN else 0.0
        return round(middle) if abs(middle) > OFF_S else 0

    def _look_at_synchronisation(self, now_s: float) -> None:
        if self._kept_in_time() is not False:
            self._synced_s = now_s
        unsynced = now_s - self._synced_s > UNSYNCED_S
        self._alarms.set(
            AlarmCode.CLOCK_UNSYNCED,
            "",
            unsynced,
            "No time source has kept the server's clock right for an hour. Start its time service (NTP)",
        )
        self._degraded.set(DegradedCode.CLOCK_UNSYNCED, {} if unsynced else None)
