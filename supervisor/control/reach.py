"""How far the OFF of an electric danger has come, by the board's answer and its telemetry. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from supervisor.wire.messages import ZoneSample

OFF_SHARE = 0.05  # of rated power: less is no current
OFF_BY_S = 20.0  # after the board's acceptance the mean of a telemetry interval must show it: two intervals


class Reach(StrEnum):
    """How far it has come."""

    UNREACHABLE = "unreachable"  # the board is not connected
    SENT = "sent"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    MEASURED = "measured"  # no current
    FLOWING = "flowing"  # current although off


@dataclass(frozen=True)
class OffAtBoard:
    """How far the OFF of a danger has come at a zone's board."""

    linked: bool = False  # the board is connected and takes commands
    accepted_s: float | None = None  # monotonic; since then it holds off
    until_utc_s: int | None = None  # how long it does so by itself; it is renewed in time
    refused: bool = False  # its newest answer

    def reach(self, sample: ZoneSample | None, sample_s: float, rated_w: int) -> Reach:
        """By the newest sample, the end of its interval [monotonic s] and the rated power [W]."""
        if not self.linked:
            return Reach.UNREACHABLE
        if self.accepted_s is None:
            return Reach.REFUSED if self.refused else Reach.SENT
        if sample is None or sample_s <= self.accepted_s:
            return Reach.ACCEPTED
        if sample.power_w <= OFF_SHARE * rated_w:
            return Reach.MEASURED
        return Reach.FLOWING if sample_s > self.accepted_s + OFF_BY_S else Reach.ACCEPTED
