"""The contract against what boards do by themselves: standby zones heat by the local rule whatever the feeder carries.

The planner leaves a zone on standby where it foresees nothing worth heat; where the board's sensor reports a wet cold
road, the board heats all the same, on top of the plan. Where that would exceed the contract, this gives such zones a
duty of their own out of what the plan leaves, the steepest roads first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from supervisor.domain.board_profile import Limits
from supervisor.domain.plan import SLOT_S, Plan, Reason
from supervisor.domain.zone import Feeder, Zone
from supervisor.planner.explain import SHED
from supervisor.planner.foresee.outlook import Array
from supervisor.planner.plans import NEVER_C, pack, unpack
from supervisor.planner.quarter import DUTY_STEP, HELD_SLOTS, ZoneNow, least, most, urgency, worst
from supervisor.planner.turns import give_turns

# What boards add to their planned mean: seconds at the edges of a period, and feedback on a road that cools.
HEADROOM = 0.02
FEEDBACK_PER_K = 0.1  # of the boards: 1 K below the set-point asks for a tenth more …
FEEDBACK_MAX = 0.3  # … and at most so much
EPSILON_KW = 0.5
MELTING_C = 0.3  # a sensor's error above 0 °C
SHARED_OUT = 0.85  # of the contract: a plan that asks for so much would have asked for more
NEAR_K = 0.5  # a road so little above the threshold is below it before the next plan


def with_headroom(feeders: Iterable[Feeder], zones: Iterable[Zone]) -> tuple[Feeder, ...]:
    """Feeders as plans may use them; one that can carry all its zones at once needs no headroom."""
    installed_kw: defaultdict[str, float] = defaultdict(float)
    for zone in zones:
        installed_kw[zone.feeder] += zone.power_w / 1000
    return tuple(
        msgspec.structs.replace(f, contract_kw=f.contract_kw * (1 - HEADROOM))
        if installed_kw[f.id] > f.contract_kw
        else f
        for f in feeders
    )


def keep_contract(plans: Sequence[Plan], now: Mapping[str, ZoneNow], feeders: Sequence[Feeder]) -> tuple[Plan, ...]:
    """The plans, with standby zones limited to what is left of `contract_kw` in the next hour, where needed."""
    kept = {plan.zone: plan for plan in plans}
    by_feeder: defaultdict[str, list[Plan]] = defaultdict(list)
    for plan in plans:
        by_feeder[now[plan.zone].zone.feeder].append(plan)
    for feeder in feeders:
        if own := by_feeder.get(feeder.id):
            kept.update(_keep(own, now, feeder.contract_kw))
    return tuple(kept[plan.zone] for plan in plans)


def _keep(plans: list[Plan], now: Mapping[str, ZoneNow], contract_kw: float) -> dict[str, Plan]:
    values = {plan.zone: unpack(plan, max(HELD_SLOTS, _slots(plan)), plan.start_utc_s) for plan in plans}
    held: dict[str, list[int]] = {}
    adjusted: set[str] = set()
    for slot in range(HELD_SLOTS):
        free = [now[plan.zone] for plan in plans]
        adjusted.update(_round(free, values, slot, contract_kw))
        adjusted.update(_let_melt(free, values, slot))
        room_kw = contract_kw
        standing_by: list[ZoneNow] = []
        for plan in plans:
            zone = now[plan.zone]
            duty, setpoint = float(values[plan.zone][0][slot]), float(values[plan.zone][1][slot])
            if zone.override is not None:
                room_kw -= zone.override * zone.zone.power_w / 1000
            elif duty >= 0:
                room_kw -= max(duty, _expected(duty, setpoint, zone, slot)) * zone.zone.power_w / 1000
            elif _local_rule_heats(zone, plan):
                standing_by.append(zone)
        if sum(zone.zone.power_w for zone in standing_by) / 1000 <= room_kw:
            continue
        for zone in sorted(standing_by, key=_urgency):
            power_kw = zone.zone.power_w / 1000
            share = float(np.floor(max(room_kw / power_kw, 0.0) / DUTY_STEP + 1e-9) * DUTY_STEP)
            duty = _exact(1.0, share, zone.zone.limits)
            room_kw -= duty * power_kw
            values[zone.zone.id][0][slot] = duty
            values[zone.zone.id][1][slot] = round(zone.surface_c or 0.0, 1) if duty else NEVER_C
            held.setdefault(zone.zone.id, []).append(slot)
    adjusted.update(_hand_on(plans, now, values, contract_kw))
    for name in give_turns(plans, now, values, contract_kw):
        adjusted.add(name)
        if values[name][0][0] == 0 and 0 not in held.get(name, []):
            held.setdefault(name, []).insert(0, 0)
    changed = adjusted.union(held)
    return {p.zone: _replaced(p, *values[p.zone], held.get(p.zone, [])) for p in plans if p.zone in changed}


def _round(zones: list[ZoneNow], values: Mapping[str, tuple[Array, Array]], slot: int, contract_kw: float) -> list[str]:
    """Give duties that a quarter of an hour cannot hold exactly one that it can, where the quarter's worst case would
    exceed the contract. What one zone gets less, the next gets more: the most urgent are rounded first and upwards.

    Returns the zones that changed.
    """
    dictated = [zone for zone in zones if zone.override is not None]
    planned = [zone for zone in zones if zone.override is None and values[zone.zone.id][0][slot] > 0]
    room_kw = contract_kw - sum((zone.override or 0.0) * zone.zone.power_w / 1000 for zone in dictated)
    worst_kw = sum(
        worst(float(values[zone.zone.id][0][slot]), zone.zone.limits) * zone.zone.power_w / 1000 for zone in planned
    )
    if worst_kw <= room_kw + EPSILON_KW:
        return []
    changed = []
    carry_kw = 0.0
    for zone in sorted(planned, key=_urgency):
        power_kw = zone.zone.power_w / 1000
        duty = values[zone.zone.id][0]
        want_kw = float(duty[slot]) * power_kw + carry_kw
        given = _exact(want_kw / power_kw, max(room_kw, 0.0) / power_kw, zone.zone.limits)
        carry_kw, room_kw = want_kw - given * power_kw, room_kw - given * power_kw
        if given != duty[slot]:
            duty[slot] = given
            changed.append(zone.zone.id)
    return changed


def _exact(duty: float, highest: float, limits: Limits) -> float:
    """The nearest duty that a quarter of an hour holds exactly, not above `highest`."""
    low, high = least(limits), most(limits)
    part = min(high, highest)  # of those between nothing and all
    if duty > (high + 1) / 2 and highest >= 1:
        return 1.0
    if duty < low / 2 or part < low:
        return 0.0
    within = min(max(duty, low), part)
    return within if within == low else float(max(np.floor(within / DUTY_STEP + 1e-9) * DUTY_STEP, low))


def _hand_on(
    plans: list[Plan], now: Mapping[str, ZoneNow], values: Mapping[str, tuple[Array, Array]], contract_kw: float
) -> list[str]:
    """Give what feedback leaves unused in the running slot, on roads warmer than foreseen, to wet ones near freezing.

    Only where the plan had to share the contract out. Returns the zones whose duty was raised.
    """
    draw_kw = planned_kw = 0.0
    for plan in plans:
        zone = now[plan.zone]
        duty, setpoint = float(values[plan.zone][0][0]), float(values[plan.zone][1][0])
        if zone.override is not None:
            draw_kw += zone.override * zone.zone.power_w / 1000
        elif duty > 0 or (duty < 0 and _local_rule_heats(zone, plan)):
            share = 1.0 if duty < 0 else worst(_expected(duty, setpoint, zone, 0), zone.zone.limits)
            draw_kw += share * zone.zone.power_w / 1000
            planned_kw += max(duty, 0.0) * zone.zone.power_w / 1000
    if planned_kw < SHARED_OUT * contract_kw:
        return []
    raised = []
    for zone in sorted((now[plan.zone] for plan in plans), key=_urgency):
        duties, setpoints = values[zone.zone.id]
        cold = zone.wet and zone.surface_c is not None and zone.surface_c <= MELTING_C
        if zone.override is not None or not cold or not 0 <= duties[0] < 1:
            continue
        power_kw = zone.zone.power_w / 1000
        before = worst(_expected(float(duties[0]), float(setpoints[0]), zone, 0), zone.zone.limits)
        highest = before + np.floor(max(contract_kw - draw_kw, 0.0) / power_kw / DUTY_STEP) * DUTY_STEP
        after = _exact(1.0, float(highest), zone.zone.limits)
        if after > max(before, float(duties[0])):
            duties[0], setpoints[0] = after, round(zone.surface_c or 0.0, 1)
            draw_kw += (after - before) * power_kw
            raised.append(zone.zone.id)
    return raised


def _let_melt(zones: list[ZoneNow], values: Mapping[str, tuple[Array, Array]], slot: int) -> list[str]:
    """Melting snow holds a road at 0 °C: a set-point below that would take back what the plan gives. Returns the zones
    whose set-point was raised to the road's own temperature, from where feedback asks for nothing more.
    """
    raised = []
    for zone in zones:
        duty, setpoint = values[zone.zone.id]
        if zone.override is None and zone.surface_c is not None and zone.wet and 0 < duty[slot] < 1:
            own_c = round(zone.surface_c, 1)
            if setpoint[slot] < own_c <= MELTING_C:
                setpoint[slot] = own_c
                raised.append(zone.zone.id)
    return raised


def _slots(plan: Plan) -> int:
    """Slots until the plan's closing standby."""
    return int(np.ceil(plan.slots[-1].start_s / SLOT_S))


def _expected(duty: float, setpoint_c: float, zone: ZoneNow, slot: int) -> float:
    """Duty with the board's feedback, which is known for the running slot only."""
    if slot > 0 or zone.surface_c is None:
        return duty
    feedback = float(np.clip((setpoint_c - zone.surface_c) * FEEDBACK_PER_K, -FEEDBACK_MAX, FEEDBACK_MAX))
    return float(np.clip(duty + feedback, 0.0, 1.0))


def _local_rule_heats(zone: ZoneNow, plan: Plan) -> bool:
    return zone.wet and zone.surface_c is not None and zone.surface_c <= plan.on_mc / 1000 + NEAR_K


def _urgency(now: ZoneNow) -> tuple[bool, int, float, str]:
    return urgency(now.zone, now.surface_c or 0.0)


def _replaced(plan: Plan, duty: Array, setpoint: Array, shed: list[int]) -> Plan:
    """The plan with these values; `shed`: slots in which its local rule was held to less."""
    why = plan.why
    if shed:
        why = (Reason(start_s=shed[0] * SLOT_S, end_s=(shed[-1] + 1) * SLOT_S, code=SHED), *why)
    return msgspec.structs.replace(plan, slots=pack(duty, setpoint), why=why)
