"""Whether a road needs no heat now or soon, so that its board may restart."""

from __future__ import annotations

from typing import Final

from supervisor.control.live import LiveState
from supervisor.control.view import facts
from supervisor.domain.plan import STANDBY, Plan

AHEAD_S: Final = 2 * 3600.0  # longer than a restart and the time after which a board leaves a program without a session
COLD_C: Final = 4.0  # a wet road below it may need heat before the board is back
LYING_MM: Final = 0.1  # of water: what counts as ice (docs/nomenclature)


def quiet(live: LiveState, zone_id: str, now_utc_s: float) -> bool:
    """Whether nothing heats the zone, or is foreseen to within `AHEAD_S`. Not known counts as no."""
    zone = live.zones[zone_id]
    now = facts(zone, live.sky, now_utc_s)
    if not now.online or now.hazard_ahead or now.dangers or now.override is not None:
        return False
    if now.duty_permille or now.power_w or now.lying_mm >= LYING_MM or zone.waiting_since_s is not None:
        return False
    warm = now.surface_c is not None and now.surface_c > COLD_C
    return (warm or zone.wet is False) and not (zone.plan is not None and _heats(zone.plan, now_utc_s))


def _heats(plan: Plan, now_utc_s: float) -> bool:
    """Whether the plan has duty in a slot from now to `AHEAD_S` ahead; standby goes by what the board measures."""
    since_s = now_utc_s - plan.start_utc_s
    ends = [*(slot.start_s for slot in plan.slots[1:]), float("inf")]
    return any(
        slot.duty_permille not in (0, STANDBY) and end > since_s and slot.start_s < since_s + AHEAD_S
        for slot, end in zip(plan.slots, ends, strict=True)
    )
