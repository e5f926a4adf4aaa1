"""Boards that restart again and again: a supply that breaks down under load leaves a road with little heat."""

from __future__ import annotations

from supervisor.control.alarms import Alarms
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import Clock

WITHIN_S = 3600.0
BOOT_S = 10.0  # a boot lasts at least so long before its greeting
RESTARTS_MAX = 3  # in that time: a power cut, an update and a person's reset do not come to more


class Restarts:
    """Counts boots by board, as their greetings number them. Missed greetings count by the boot's number."""

    def __init__(self, alarms: Alarms, clock: Clock) -> None:
        self._alarms = alarms
        self._clock = clock
        self._boot: dict[str, int] = {}
        self._greeted_s: dict[str, float] = {}
        self._seen_s: dict[str, list[float]] = {}

    def greeted(self, board: str, boot: int) -> None:
        """A board has connected."""
        known, now = self._boot.get(board), self._clock.monotonic_s()
        possible = 1 + int((now - self._greeted_s.get(board, now)) / BOOT_S)
        self._boot[board], self._greeted_s[board] = boot, now
        seen = self._seen_s.setdefault(board, [])
        if known is not None and boot > known:
            # A larger number is another board's in its place: one restart.
            count = boot - known if boot - known <= possible else 1
            seen += [now] * min(count, RESTARTS_MAX)
            del seen[:-RESTARTS_MAX]
        self._judge(board)

    def look(self) -> None:
        """Clear the alarms of boards that have been calm."""
        for board, seen in self._seen_s.items():
            if seen:
                self._judge(board)

    def _judge(self, board: str) -> None:
        now, seen = self._clock.monotonic_s(), self._seen_s[board]
        recent = sum(now - at <= WITHIN_S for at in seen)
        self._alarms.set(
            AlarmCode.BOARD_RESTARTS,
            board,
            recent >= RESTARTS_MAX,
            f"Board {board} restarted {RESTARTS_MAX} times or more within an hour (boot {self._boot[board]}): after "
            "each it waits before it closes a contactor. Check its supply, and the voltage when contactors close",
        )
