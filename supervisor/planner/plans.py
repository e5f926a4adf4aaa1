"""From duties to plans that fit a frame: run-length slots, set-points, standby where no hazard is expected."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from supervisor.domain.plan import SLOT_S, STANDBY, Plan, PlanLabel, Reason, Slot
from supervisor.planner.foresee.outlook import Array, Mask, ZoneOutlook

MAX_RUNS = 40  # 19 characters a run at most, so that a plan's frame stays below 1,024 bytes with its MAC
ON_MC, OFF_MC, AFTER_RUN_S = 2_000, 3_000, 3_600  # local rule of a board alone
_DUTY_STEP = 0.025  # 22 s of the period: finer than a contactor
_HEATED = 0.02
_HEAVY = 0.5  # duty from which heat is being stored, and the set-point follows the plan upwards
_SETPOINT_STEP_C = 0.5
_SETPOINT_MAX_C = 10.0  # 5 K below the high limit: feedback must not drive into the interlock
NEVER_C = -30.0  # a set-point so low that feedback never heats
_CAPPED_MARGIN_K = 0.5  # below the forecast, so a capped zone's feedback does not take other zones' share
_CAPPED_LOWEST_C = -1.0
_FULL = 0.99
_SHORT_K = 1.0  # nearer, the model may err, or the set-point makes up for it
_STORING_K = 2.0  # a road may be so much warmer than foreseen before feedback saves
_SOON_SLOTS = 4  # by then there are three newer plans
_CONFIDENCE = 0.9  # part of the members that must agree before the local rule is held back
SAFE_C = (
    0.5  # surface temperature that counts as sure to stay above freezing: the model's error (decision 24) and a margin
)
KEEP_C = 0.5  # below it the board's feedback heats a held-back zone after all
_HELD_BACK_SLOTS = 8


@dataclass(frozen=True)
class ZonePlanSlots:
    """A zone's duties with their meaning, before packing; or those of several, (Z, N)."""

    duty: Array  # (N,) −1 standby
    setpoint_c: Array  # (N,)
    suppressed: Mask  # (N,): duty 0 although the local rule would heat

    def __getitem__(self, zone: int) -> ZonePlanSlots:
        return ZonePlanSlots(self.duty[zone], self.setpoint_c[zone], self.suppressed[zone])


def suppressible(outlook: ZoneOutlook, lift_k: Array) -> Mask:
    """Slots where the local rule would heat in some member, and where nearly all are sure to stay above freezing.

    Only the next two hours: a board that then hears nothing new goes back to its local rule.
    """
    soon = slice(None, _HELD_BACK_SLOTS)
    surface = outlook.free_c[..., soon] + lift_k[..., None, soon]
    would_heat = outlook.wet[..., soon] & (surface <= ON_MC / 1000)
    out = np.zeros(lift_k.shape, dtype=bool)
    out[..., soon] = would_heat.any(axis=-2) & ((surface >= SAFE_C).mean(axis=-2) >= _CONFIDENCE)
    return out


def slot_values(
    outlook: ZoneOutlook, duty: Array, lift_k: Array, capped: Mask, fixed: Mask, out_of_service: bool | Mask
) -> ZonePlanSlots:
    """What the board is told in each slot; of one zone, arrays (N,), or of several, (Z, N) (`capped` (N,) for all).

    Heated slots carry the planned temperature as set-point, so that the board's feedback corrects the model both ways;
    under a binding cap it lies lower, so that feedback cannot take more. Where the local rule is held back the
    set-point is what the road must keep: feedback heats should it fall below. Under an override the board is left with
    the local rule for the moment the override ends early. Everything else is standby: a missed forecast is never worse
    than the local rule.
    """
    expected = outlook.free_c.mean(axis=-2) + lift_k
    required = outlook.required_c.max(axis=-2)
    # Part heat that leaves a wet road short melts nothing: the local rule then gives all there is.
    wet = 2 * np.count_nonzero(outlook.wet, axis=-2) > outlook.wet.shape[-2]
    half = wet & (duty < _FULL) & ~capped & (expected < required - _SHORT_K)
    heated = (duty >= _HEATED) & ~fixed & ~half
    # In the last hours of a hazard little heat is planned: there feedback only protects from freezing.
    expected = np.where(duty >= _HEAVY, expected, np.minimum(expected, KEEP_C + _SETPOINT_STEP_C))
    aim = np.round(np.maximum(expected, required) / _SETPOINT_STEP_C) * _SETPOINT_STEP_C
    lowered = np.floor((expected - _CAPPED_MARGIN_K) / _SETPOINT_STEP_C + 1e-9) * _SETPOINT_STEP_C
    # Melting snow holds the surface at 0 °C whatever the linear forecast: feedback must not read that as warmth. And
    # what is fully on cannot take more.
    lowered = np.maximum(lowered, _CAPPED_LOWEST_C)
    setpoint = np.where(capped & (duty < _FULL), np.minimum(lowered, aim), np.maximum(aim, KEEP_C))
    # On a full feeder heat is stored while there is room for it: what feedback saved now would be missing later.
    storing = capped & (duty >= _FULL) & (np.arange(duty.shape[-1]) < _SOON_SLOTS)
    setpoint = np.where(storing, setpoint + _STORING_K, setpoint)
    held_back = suppressible(outlook, lift_k) & ~heated & ~fixed
    setpoint = np.where(held_back, KEEP_C, np.clip(setpoint, NEVER_C, _SETPOINT_MAX_C))
    shed = capped & ~heated & ~fixed & (outlook.shortfall_k.max(axis=-2) > lift_k)
    setpoint = np.where(shed, NEVER_C, setpoint)
    value = np.where(heated, np.maximum(np.round(duty / _DUTY_STEP) * _DUTY_STEP, _DUTY_STEP), float(STANDBY))
    value = np.where(held_back | shed, 0.0, value)
    off = fixed & np.asarray(out_of_service)[..., None]
    value, setpoint = np.where(off, 0.0, value), np.where(off, NEVER_C, setpoint)
    return ZonePlanSlots(value, np.where(value < 0, 0.0, setpoint), held_back)


def to_plan(
    zone_id: str,
    slots: ZonePlanSlots,
    issued_utc_s: float,
    start_utc_s: float,
    *,
    phase_s: int = 0,
    on_mc: int = ON_MC,
    off_mc: int = OFF_MC,
    after_run_s: int = AFTER_RUN_S,
    label: PlanLabel = PlanLabel.OPTIMAL,
    reasons: tuple[Reason, ...] = (),
) -> Plan:
    """A domain plan of at most 40 runs. Far slots are joined first: they are planned again before their time."""
    runs = pack(slots.duty, slots.setpoint_c)
    return Plan(
        zone=zone_id,
        issued_utc_s=round(issued_utc_s),
        start_utc_s=round(start_utc_s),
        phase_s=phase_s,
        on_mc=on_mc,
        off_mc=off_mc,
        after_run_s=after_run_s,
        slots=runs,
        label=label,
        why=reasons,
    )


def pack(duty: Array, setpoint_c: Array, max_runs: int = MAX_RUNS) -> tuple[Slot, ...]:
    """Run-length slots that keep each run's mean duty and highest set-point; a last standby slot ends the plan."""
    start = np.flatnonzero(np.concatenate([[True], (np.diff(duty) != 0) | (np.diff(setpoint_c) != 0)]))
    parts = [
        _Run(int(a), int(b), float(duty[a]), float(setpoint_c[a]), 0.0)
        for a, b in itertools.pairwise([*start.tolist(), int(duty.size)])
    ]
    for left, right in itertools.pairwise(parts):
        right.join_cost = _join_cost(left, right)
    while len(parts) >= max_runs:  # the closing standby slot takes one
        at = min(range(1, len(parts)), key=lambda i: parts[i].join_cost)
        parts[at - 1 : at + 1] = [_join(parts[at - 1], parts[at])]
        for i in (at - 1, at):
            if 0 < i < len(parts):
                parts[i].join_cost = _join_cost(parts[i - 1], parts[i])
    runs = [
        Slot(run.first * SLOT_S, 0, STANDBY)
        if run.duty < 0
        else Slot(run.first * SLOT_S, round(1000 * run.setpoint_c), round(1000 * run.duty))
        for run in parts
    ]
    if runs[-1].duty_permille != STANDBY:
        runs.append(Slot(int(duty.size) * SLOT_S, 0, STANDBY))
    return tuple(runs)


def unpack(plan: Plan, n_slots: int, start_utc_s: float) -> tuple[Array, Array]:
    """Duty (−1 standby) and set-point [°C] of slots from `start_utc_s` on, each (n_slots,); past the end standby."""
    at = start_utc_s - plan.start_utc_s + SLOT_S * np.arange(n_slots)
    starts = np.array([slot.start_s for slot in plan.slots])
    index = np.searchsorted(starts, at + 1e-6, side="right") - 1
    duty = np.array([slot.duty_permille for slot in plan.slots], dtype=np.float64)
    duty = np.where(duty >= 0, duty / 1000, float(STANDBY))
    setpoint = np.array([slot.setpoint_mc / 1000 for slot in plan.slots])
    inside = index >= 0
    index = np.maximum(index, 0)
    return np.where(inside, duty[index], float(STANDBY)), np.where(inside, setpoint[index], 0.0)


@dataclass
class _Run:
    """Slots `first` to `last` (excluded) with one duty (−1 standby) and set-point."""

    first: int
    last: int
    duty: float
    setpoint_c: float
    join_cost: float  # with the run before


def _join(left: _Run, right: _Run) -> _Run:
    length = right.last - left.first
    heat = max(left.duty, 0.0) * (left.last - left.first) + max(right.duty, 0.0) * (right.last - right.first)
    duty = float(STANDBY) if left.duty < 0 and right.duty < 0 else heat / length
    return _Run(left.first, right.last, duty, max(left.setpoint_c, right.setpoint_c), left.join_cost)


def _join_cost(left: _Run, right: _Run) -> float:
    """Duty moved in time, less the later it is (far slots are planned again); mixing kinds costs most."""
    mixed = 10.0 if (left.duty > 0) != (right.duty > 0) or (left.duty < 0) != (right.duty < 0) else 0.0
    moved = abs(max(left.duty, 0.0) - max(right.duty, 0.0)) + 0.01 + mixed
    return moved * min(left.last - left.first, right.last - right.first) / (1.0 + left.first / 24.0)
