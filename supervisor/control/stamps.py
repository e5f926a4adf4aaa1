"""When a record's interval ended: by the board's clock where that agrees with its uptime, else by its uptime alone.

Never after its receipt. Uptimes are compared with the steady clock: where the service's time of day
is set, what connected boards send goes by the new one from then on.
"""

from __future__ import annotations

from msgspec import Struct

from supervisor.runtime.clock import Clock
from supervisor.wire.messages import Telemetry

CLOCK_TRUST_S = 120.0  # board's clock against its uptime; crystals drift 4 s a day
UPTIME_SLACK_S = 600.0  # how far a record may be ahead of what its board's greeting makes of it, and the share
UPTIME_DRIFT = 1.002  # by which its crystal may run faster
OLDEST_S = 90 * 86_400.0  # before its receipt: raw records are stored no longer, and a journal reaches back 26 h
FIRST_UTC_S = 1_577_836_800.0  # 2020: a board's own clock that shows less has never been set
BOOTS_MAX = 4  # of a board whose start is remembered, for the journal of an earlier one


class Stamp(Struct, frozen=True):
    """The end of an interval; `known` is false where it is only the time of receipt."""

    end_utc_s: float
    known: bool


class Stamps:
    """When the boards' boots began, from their greetings."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._booted_s: dict[str, dict[int, float]] = {}  # monotonic

    def greeted(self, board: str, boot: int, up_s: int) -> None:
        """Note a greeting's uptime."""
        boots = self._booted_s.setdefault(board, {})
        boots.pop(boot, None)
        boots[boot] = self._clock.monotonic_s() - up_s
        while len(boots) > BOOTS_MAX:
            del boots[next(iter(boots))]

    def ran_s(self, board: str, boot: int) -> int:
        """How long that boot of the board has lasted, as its greeting has it; 0 where it is not known."""
        booted_s = self._booted_s.get(board, {}).get(boot)
        return 0 if booted_s is None else max(0, int(self._clock.monotonic_s() - booted_s))

    def is_ahead(self, board: str, frame: Telemetry) -> bool:
        """Whether the frame claims a longer uptime than its board can have by its own greeting."""
        booted_s = self._booted_s.get(board, {}).get(frame.boot)
        ran_s = 0.0 if booted_s is None else self._clock.monotonic_s() - booted_s
        return booted_s is not None and frame.up > ran_s * UPTIME_DRIFT + UPTIME_SLACK_S

    def stamp(self, board: str, frame: Telemetry, received_utc_s: float) -> Stamp:
        """When the frame's interval ended."""
        booted_s = self._booted_s.get(board, {}).get(frame.boot)
        if booted_s is not None:
            by_uptime = booted_s + frame.up + self._clock.utc_s() - self._clock.monotonic_s()
            trusted = frame.utc > 0 and abs(frame.utc - by_uptime) <= CLOCK_TRUST_S
            end = float(frame.utc) if trusted else by_uptime
        else:
            end = float(frame.utc)
        end = min(end, received_utc_s)
        first = FIRST_UTC_S if booted_s is None else 0.0
        known = end >= max(first, received_utc_s - OLDEST_S)
        return Stamp(end if known else received_utc_s, known)
