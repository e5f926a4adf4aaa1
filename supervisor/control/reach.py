"""How far the OFF of an electric danger has come, told by the board's answer and its telemetry. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.wire.messages import ZoneSample

OFF_SHARE = 0.05  # of rated power: less is no current
OFF_BY_S = 20.0  # after the board's acceptance the mean of a telemetry interval must show it: two intervals


@dataclass(frozen=True)
class OffAtBoard:
    """How far the OFF of a danger has come at a zone's board."""

    linked: bool = False  # the board is connected and takes commands
    accepted_utc_s: float | None = None  # since when it has held off
    until_utc_s: int | None = None  # how long it does by itself; later ones are sent in time
    refused: bool = False  # its newest answer

    def reach(self, sample: ZoneSample | None, sample_utc_s: float, rated_w: int) -> str:
        """unreachable, refused, sent, accepted, measured (no current) or flowing (current although off)."""
        if not self.linked:
            return "unreachable"
        if self.accepted_utc_s is None:
            return "refused" if self.refused else "sent"
        if sample is None or sample_utc_s <= self.accepted_utc_s:
            return "accepted"
        if sample.power_w <= OFF_SHARE * rated_w:
            return "measured"
        return "flowing" if sample_utc_s > self.accepted_utc_s + OFF_BY_S else "accepted"


REACHES = ("unreachable", "refused", "sent", "accepted", "measured", "flowing")
