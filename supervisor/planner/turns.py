"""Turns: a cold wet zone is shed for half an hour at most, then another one of its feeder (invariant I16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from supervisor.domain.plan import SLOT_S, Plan, Reason
from supervisor.planner.explain import DRIES, LOCAL, SHED, STALE
from supervisor.planner.foresee.outlook import Array
from supervisor.planner.plans import ON_MC
from supervisor.planner.quarter import LEAST, MOST, TURN_AFTER_S, ZoneNow, urgency, worst

_EPSILON = 1e-9
# A third of a period, rounded to permilles, is a second short of the minimum on time and would be owed instead of
# given; feedback on a road that warms a little must not take it below that either.
TURN_DUTY, _TURN_ABOVE_C = 0.35, 0.2
_TURN_MOST = 0.4  # with feedback on a road that cools
# A board that hears nothing newer keeps to a plan until its lease ends, so it cannot be given a turn: then its own
# local rule does.
SHED_MAX_S = 1_800
_SAYS_NOTHING = (STALE, LOCAL)  # of a slot's duty
Values = Mapping[str, tuple[Array, Array]]


def give_turns(plans: Sequence[Plan], now: Mapping[str, ZoneNow], values: Values, contract_kw: float) -> list[str]:
    """Give each zone of one feeder that has waited too long a window in the running quarter, out of what others have.

    `values`: zone → duty and set-point by slot, changed in place. Others first give what is over their own window,
    the least urgent before; then, where the contract holds no window for each, whole windows. Returns the zones that
    changed; none where no zone waits. Later slots are planned again before their time.
    """
    free = [plan.zone for plan in plans if now[plan.zone].override is None]
    due = [plan.zone for plan in plans if _due(plan, now[plan.zone], float(values[plan.zone][0][0]))]
    others = [zone for zone in free if zone not in due]
    changed: set[str] = set()
    for zone in sorted(due, key=lambda z: (-now[z].waiting_s, *urgency(now[z].zone, now[z].surface_c or 0.0))):
        changed.update(_make_room(zone, others, now, values, contract_kw))
    return sorted(changed)


def explained(plan: Plan) -> Plan:
    """The plan with a reason for every stretch of no heat, and with a lease that ends with what may be shed."""
    missing: list[Reason] = []
    shed_s: list[int] = []
    ends = [slot.start_s for slot in plan.slots[1:]] + [plan.slots[-1].start_s + SLOT_S]
    for slot, end_s in zip(plan.slots, ends, strict=True):
        if slot.duty_permille != 0:
            continue
        codes = [why.code for why in plan.why if _covers(why, slot.start_s, end_s)]
        if not codes:
            missing.append(Reason(slot.start_s, end_s, SHED))
        if not codes or SHED in codes:
            shed_s.append(slot.start_s)
    if not shed_s:
        return plan
    lease_s = min(plan.lease_s, shed_s[0] + SHED_MAX_S)
    return msgspec.structs.replace(plan, why=(*plan.why, *missing), lease_s=lease_s)


def _covers(why: Reason, start_s: int, end_s: int) -> bool:
    return why.start_s <= start_s and why.end_s >= end_s and why.code not in _SAYS_NOTHING


def _due(plan: Plan, zone: ZoneNow, duty: float) -> bool:
    """Whether others have the zone's power in the running slot, and have had it for too long."""
    cold = zone.wet and zone.surface_c is not None and zone.surface_c <= plan.on_mc / 1000
    held_back = any(why.code == DRIES and why.start_s <= 0 < why.end_s for why in plan.why)
    dictated = zone.override is not None
    return cold and not dictated and not held_back and 0 <= duty < TURN_DUTY and zone.waiting_s > TURN_AFTER_S


def _make_room(
    zone: str, others: list[str], now: Mapping[str, ZoneNow], values: Values, contract_kw: float
) -> list[str]:
    """Give `zone` the least window in the running slot; the zones changed, none where the contract has no room."""
    need_kw = _TURN_MOST * now[zone].zone.power_w / 1000
    drawn_kw = sum(_draw_kw(now[name], float(values[name][0][0])) for name in values if name != zone)
    lowered: dict[str, float] = {}
    givers = sorted(others, key=lambda z: urgency(now[z].zone, now[z].surface_c or 0.0), reverse=True)
    steps = [(name, least) for name in givers for least in (MOST, LEAST)] + [(name, 0.0) for name in givers]
    for name, least in steps:
        duty = lowered.get(name, float(values[name][0][0]))
        if drawn_kw + need_kw <= contract_kw + _EPSILON:
            break
        if duty > least + _EPSILON:
            drawn_kw -= (worst(duty) - worst(least)) * now[name].zone.power_w / 1000
            lowered[name] = least
    if drawn_kw + need_kw > contract_kw + _EPSILON:
        return []
    for name, duty in {**lowered, zone: TURN_DUTY}.items():
        values[name][0][0] = duty
        values[name][1][0] = round(now[name].surface_c or 0.0, 1)  # feedback asks for nothing more
    values[zone][1][0] += _TURN_ABOVE_C
    return [*lowered, zone]


def _draw_kw(zone: ZoneNow, duty: float) -> float:
    """The most that a zone's quarter may hold; on standby what its local rule takes."""
    if zone.override is not None:
        share = zone.override
    elif duty < 0:
        share = float(zone.wet and zone.surface_c is not None and zone.surface_c <= ON_MC / 1000)
    else:
        share = worst(duty)
    return share * zone.zone.power_w / 1000
