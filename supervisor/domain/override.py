"""A crew's timed command for a zone."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class OverrideMode(StrEnum):
    ON = "on"  # hold full power
    OFF = "off"  # no heat
    BOOST = "boost"  # full power until clear: ends early once the road is dry and above freezing


class OverrideState(StrEnum):
    """How far a command has come; the app shows each step."""

    REQUESTED = "requested"  # committed by the supervisor
    SENT = "sent"  # on the wire
    ACCEPTED = "accepted"  # the board answered with result 0
    MEASURED = "measured"  # telemetry shows that the zone does it
    REFUSED = "refused"  # the board answered with another result
    CANCELLED = "cancelled"
    EXPIRED = "expired"


LIVE_STATES = frozenset({OverrideState.REQUESTED, OverrideState.SENT, OverrideState.ACCEPTED, OverrideState.MEASURED})


class Override(Struct, frozen=True, kw_only=True):
    """What was asked for by whom, until when and why."""

    id: int
    zone: str
    mode: OverrideMode
    reason: str
    user: str
    created_utc_s: int
    expires_utc_s: int
    state: OverrideState = OverrideState.REQUESTED
    recorded: bool = True  # False: commanded, and not on the disk yet

    def live(self, utc_s: float) -> bool:
        """Whether it still commands the zone at `utc_s`."""
        return self.state in LIVE_STATES and utc_s < self.expires_utc_s
