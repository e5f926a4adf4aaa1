"""Two boards with one key: a copied flash, or somebody who has read a board's key. Each ends the other's session."""

from __future__ import annotations

from typing import Final

from supervisor.control.alarms import Alarms
from supervisor.domain.alarm import AlarmCode
from supervisor.runtime.clock import Clock
from supervisor.wire.messages import Hello

CALM_S: Final = 3600.0  # without a change between the two: one of them is gone
SAME_S: Final = 120.0  # a boot's start, from what two greetings say, differs by less
KEPT: Final = 8  # greetings of a board that are compared

_Boot = tuple[str, int, float]  # life, number, start by our steady clock


class Twins:
    """Follows the boots of each board. One board only goes on to new boots; an earlier one that is back is a second."""

    def __init__(self, alarms: Alarms, clock: Clock) -> None:
        self._alarms = alarms
        self._clock = clock
        self._boots: dict[str, list[_Boot]] = {}
        self._seen_s: dict[str, float] = {}

    def greeted(self, hello: Hello) -> None:
        """A board has connected."""
        now_s = self._clock.monotonic_s()
        boots = self._boots.setdefault(hello.b, [])
        boot = hello.life, hello.boot, now_s - hello.up
        if not boots or not _same(boots[-1], boot):
            if any(_same(earlier, boot) for earlier in boots):
                self._seen_s[hello.b] = now_s
            boots.append(boot)
            del boots[:-KEPT]
        self._judge(hello.b)

    def look(self) -> None:
        """Clear the alarms of boards that have been alone for a while."""
        for board in list(self._seen_s):
            self._judge(board)

    def _judge(self, board: str) -> None:
        seen_s = self._seen_s.get(board)
        if seen_s is None:
            return
        stands = self._clock.monotonic_s() - seen_s < CALM_S
        self._alarms.set(
            AlarmCode.BOARD_KEY_TWICE, board, stands,
            f"Two boards connect in turn with the key of {board}: a copied flash, or a stolen key. Find the second "
            f"board; then delete the key of {board} and provision the right one again",
        )  # fmt: skip
        if not stands:
            del self._seen_s[board]


def _same(one: _Boot, other: _Boot) -> bool:
    return one[:2] == other[:2] and abs(one[2] - other[2]) <= SAME_S
