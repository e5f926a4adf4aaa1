"""The contract against what boards do by themselves: standby zones heat by the local rule whatever the feeder carries.

The planner leaves a zone on standby where it foresees nothing worth heat; a wet sensor on a cold road may see it
otherwise, and then it heats beside all that was planned. Where that would pass the contract, this gives such zones a
duty of their own out of what the plan leaves, the steepest roads first. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from supervisor.domain.plan import SLOT_S, Plan, Reason
from supervisor.domain.zone import Feeder, Zone
from supervisor.planner.explain import SHED
from supervisor.planner.outlook import Array
from supervisor.planner.plans import pack, unpack

HELD_SLOTS = 4  # by then there are three newer plans
DUTY_STEP = 0.025
FEEDBACK_PER_K = 0.1  # of the boards: 1 K below the set-point asks for a tenth more …
FEEDBACK_MAX = 0.3  # … and at most so much
LEAST, MOST = 1 / 3, 0.65  # duties between are exact in each quarter (docs/decisions/0006); 0.65 is a step below 2/3
EPSILON_KW = 0.5
MELTING_C = 0.3  # a sensor's error above 0 °C
NEVER_C = -30.0  # a set-point from which feedback never heats
NEAR_K = 0.5  # a road so little above the threshold is below it before the next plan


@dataclass(frozen=True)
class ZoneNow:
    """What is known of a zone when its plan is sent."""

    zone: Zone
    surface_c: float | None  # None: no reading to believe; its board is then left to itself
    wet: bool  # by its own sensor, or heating as if it were
    override: float | None = None  # duty that a person dictates


def keep_contract(plans: Sequence[Plan], now: Mapping[str, ZoneNow], feeders: Sequence[Feeder]) -> tuple[Plan, ...]:
    """The plans, with standby zones held to what is left of `contract_kw` in the next hour where they would pass it."""
    kept = {plan.zone: plan for plan in plans}
    for feeder in feeders:
        own = [plan for plan in plans if now[plan.zone].zone.feeder == feeder.id]
        if own:
            kept.update(_keep(own, now, feeder.contract_kw))
    return tuple(kept[plan.zone] for plan in plans)


def _keep(plans: list[Plan], now: Mapping[str, ZoneNow], contract_kw: float) -> dict[str, Plan]:
    values = {plan.zone: unpack(plan, max(HELD_SLOTS, _slots(plan)), plan.start_utc_s) for plan in plans}
    held: dict[str, list[int]] = {}
    adjusted: set[str] = set()
    for slot in range(HELD_SLOTS):
        free = [now[plan.zone] for plan in plans]
        adjusted.update(_round_down(free, values, slot, contract_kw))
        adjusted.update(_let_melt(free, values, slot))
        room_kw = contract_kw
        standing_by: list[ZoneNow] = []
        for plan in plans:
            zone = now[plan.zone]
            duty, setpoint = float(values[plan.zone][0][slot]), float(values[plan.zone][1][slot])
            if zone.override is not None:
                room_kw -= zone.override * zone.zone.power_w / 1000
            elif duty >= 0:
                room_kw -= _expected(duty, setpoint, zone, slot) * zone.zone.power_w / 1000
            elif _local_rule_heats(zone, plan):
                standing_by.append(zone)
        if sum(zone.zone.power_w for zone in standing_by) / 1000 <= room_kw:
            continue
        for zone in sorted(standing_by, key=_urgency):
            power_kw = zone.zone.power_w / 1000
            duty = float(np.floor(min(max(room_kw / power_kw, 0.0), 1.0) / DUTY_STEP + 1e-9) * DUTY_STEP)
            duty = MOST if MOST < duty < 1 else 0.0 if duty < LEAST else duty
            room_kw -= duty * power_kw
            values[zone.zone.id][0][slot] = duty
            values[zone.zone.id][1][slot] = round(zone.surface_c or 0.0, 1) if duty else NEVER_C
            held.setdefault(zone.zone.id, []).append(slot)
    changed = adjusted.union(held)
    return {p.zone: _replaced(p, *values[p.zone], held.get(p.zone, [])) for p in plans if p.zone in changed}


def _round_down(
    zones: list[ZoneNow], values: Mapping[str, tuple[Array, Array]], slot: int, contract_kw: float
) -> list[str]:
    """Give duties that a quarter of an hour cannot hold exactly one that it can, the least urgent first, for as long
    as the quarter's worst case passes the contract, and give what that frees to others. Returns the zones that changed.
    """
    dictated = [zone for zone in zones if zone.override is not None]
    planned = [zone for zone in zones if zone.override is None and values[zone.zone.id][0][slot] > 0]
    worst_kw = sum((zone.override or 0.0) * zone.zone.power_w / 1000 for zone in dictated)
    worst_kw += sum(_worst(float(values[zone.zone.id][0][slot])) * zone.zone.power_w / 1000 for zone in planned)
    lowered = []
    for zone in sorted(planned, key=_urgency, reverse=True):
        if worst_kw <= contract_kw + EPSILON_KW:
            break
        duty = values[zone.zone.id][0]
        before = float(duty[slot])
        after = MOST if MOST < before < 1 else 0.0 if before < LEAST else before
        if after != before:
            worst_kw -= (_worst(before) - after) * zone.zone.power_w / 1000
            duty[slot] = after
            lowered.append(zone.zone.id)
    if lowered:  # what that frees goes to whom a quarter can give more exactly
        room_kw = contract_kw - sum((zone.override or 0.0) * zone.zone.power_w / 1000 for zone in dictated)
        room_kw -= sum(float(values[zone.zone.id][0][slot]) * zone.zone.power_w / 1000 for zone in planned)
        for zone in sorted(planned, key=_urgency):
            duty = values[zone.zone.id][0]
            if LEAST <= duty[slot] < MOST and zone.zone.id not in lowered and room_kw > 0:
                power_kw = zone.zone.power_w / 1000
                more = min(MOST - float(duty[slot]), np.floor(room_kw / power_kw / DUTY_STEP) * DUTY_STEP)
                duty[slot] += more
                room_kw -= more * power_kw
                lowered.append(zone.zone.id)
    return lowered


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


def _worst(duty: float) -> float:
    """Highest share of a quarter that a board may be on for this duty, with minimum times of 5 min."""
    return 1.0 if duty > MOST else max(duty, LEAST) if duty > 0 else 0.0


def _slots(plan: Plan) -> int:
    """Slots until the plan's closing standby."""
    return int(np.ceil(plan.slots[-1].start_s / SLOT_S))


def _expected(duty: float, setpoint_c: float, zone: ZoneNow, slot: int) -> float:
    """Duty with the board's feedback, which is known for the running slot only."""
    if slot > 0 or zone.surface_c is None:
        return duty
    feedback = float(np.clip((setpoint_c - zone.surface_c) * FEEDBACK_PER_K, -FEEDBACK_MAX, FEEDBACK_MAX))
    return float(np.clip(duty + max(feedback, 0.0), 0.0, 1.0))


def _local_rule_heats(zone: ZoneNow, plan: Plan) -> bool:
    return zone.wet and zone.surface_c is not None and zone.surface_c <= plan.on_mc / 1000 + NEAR_K


def _urgency(zone: ZoneNow) -> tuple[int, float, str]:
    """Steepest first, then coldest."""
    return zone.zone.priority, zone.surface_c or 0.0, zone.zone.id


def _replaced(plan: Plan, duty: Array, setpoint: Array, shed: list[int]) -> Plan:
    """The plan with these values; `shed`: slots in which its local rule was held to less."""
    why = plan.why
    if shed:
        why = (Reason(start_s=shed[0] * SLOT_S, end_s=(shed[-1] + 1) * SLOT_S, code=SHED), *why)
    return msgspec.structs.replace(plan, slots=pack(duty, setpoint), why=why)
