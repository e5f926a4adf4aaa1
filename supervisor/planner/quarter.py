"""What a quarter of an hour of a zone is: its state when a plan is sent, and the duties that a board can hold."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.domain.zone import Zone

HELD_SLOTS = 4  # by then there are three newer plans
LEAST, MOST = 1 / 3, 0.65  # duties between are exact in each quarter (docs/decisions/0006); 0.65 is a step below 2/3
CAN_WAIT_C = 1.0  # a wet road so warm keeps above freezing for a quarter of an hour in the heaviest snow
# A cold wet zone may be shed for half an hour (invariant I16). One that has waited for so long would pass that before
# the plan after next; a minute less than a quarter, because telemetry comes late.
TURN_AFTER_S = 840.0


@dataclass(frozen=True)
class ZoneNow:
    """What is known of a zone when its plan is sent."""

    zone: Zone
    surface_c: float | None  # None: no reading to believe; its board then follows its local rule
    wet: bool  # by its own sensor, or heating as if it were
    override: float | None = None  # duty that a person dictates, or 0 out of service
    waiting_s: float = 0.0  # for how long it has been cold and wet without heat


def worst(duty: float) -> float:
    """Highest share of a quarter that a board may be on for this duty, with minimum times of 5 min."""
    return 1.0 if duty > MOST else max(duty, LEAST) if duty > 0 else 0.0


def urgency(zone: Zone, surface_c: float) -> tuple[bool, int, float, str]:
    """Sorts who can wait last; else steepest first, then coldest."""
    return surface_c > CAN_WAIT_C, zone.priority, surface_c, zone.id
