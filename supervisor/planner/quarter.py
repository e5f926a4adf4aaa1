"""What a quarter of an hour of a zone is: its state when a plan is sent, and the duties that a board can hold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from supervisor.domain.board_profile import DEFAULT_LIMITS, Limits
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Zone

HELD_SLOTS = 4  # by then there are three newer plans
DUTY_STEP = 0.025  # 22 s of the period: finer than a contactor
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


@lru_cache
def least(limits: Limits = DEFAULT_LIMITS) -> float:
    """Duty of the shortest window, the minimum on time. From it to `most` duties are exact (docs/decisions/0006)."""
    return limits.min_on_s / limits.period_s


@lru_cache
def most(limits: Limits = DEFAULT_LIMITS) -> float:
    """Highest duty, in steps, that leaves room for the minimum off time; above it a board may not open at all."""
    return round(math.floor((1 - limits.min_off_s / limits.period_s) / DUTY_STEP + 1e-9) * DUTY_STEP, 3)


@lru_cache(maxsize=4096)
def worst(duty: float, limits: Limits = DEFAULT_LIMITS) -> float:
    """Highest share of a quarter of an hour that a board may be on for this duty."""
    if duty <= 0 or duty > most(limits):
        return float(duty > 0)
    held = max(duty, least(limits))
    if limits.period_s == SLOT_S:
        return held
    whole, rest_s = divmod(SLOT_S, limits.period_s)  # windows that a quarter may hold, the last one in part
    return (whole * held * limits.period_s + min(held * limits.period_s, rest_s)) / SLOT_S


def urgency(zone: Zone, surface_c: float) -> tuple[bool, int, float, str]:
    """Sorts who can wait last; else steepest first, then coldest."""
    return surface_c > CAN_WAIT_C, zone.priority, surface_c, zone.id
