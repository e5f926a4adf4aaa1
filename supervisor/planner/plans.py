"""From duties to plans that fit a frame: run-length slots, set-points, standby where nothing is to be feared."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from supervisor.domain.plan import SLOT_S, STANDBY, Plan, PlanLabel, Reason, Slot
from supervisor.planner.outlook import Array, Mask, ZoneOutlook

MAX_RUNS = 40  # 19 characters a run at most, so that a plan's frame stays below 1,024 bytes with its MAC
ON_MC, OFF_MC = 2_000, 3_000  # local rule (DOMAIN.md §2)
_DUTY_STEP = 0.025  # 30 s of a 20 min period: finer than a contactor
_HEATED = 0.02
_SETPOINT_STEP_C = 0.5
_SETPOINT_MAX_C = 10.0  # 5 K below the high limit: feedback must not drive into the interlock
_SETPOINT_MIN_C = -5.0
_CAPPED_MARGIN_K = 0.5  # below the forecast, so that a capped zone's feedback does not take what others were given
_CONFIDENCE = 0.9  # part of the members that must agree before the local rule is held back
_SAFE_MARGIN_K = 0.5  # above the required temperature in each of those


@dataclass(frozen=True)
class ZonePlanSlots:
    """A zone's duties with their meaning, before packing."""

    duty: Array  # (N,) −1 standby
    setpoint_c: Array  # (N,)
    suppressed: Mask  # (N,): duty 0 although the local rule would heat


def suppressible(outlook: ZoneOutlook, lift_k: Array) -> Mask:
    """Slots where the local rule would heat in some member, and where nearly all are sure to stay above freezing."""
    surface = outlook.free_c + lift_k
    would_heat = outlook.wet & (surface <= ON_MC / 1000)
    safe = surface >= np.where(np.isfinite(outlook.required_c), outlook.required_c, -np.inf) + _SAFE_MARGIN_K
    return np.asarray(would_heat.any(axis=0) & (safe.mean(axis=0) >= _CONFIDENCE))


def slot_values(
    outlook: ZoneOutlook, duty: Array, lift_k: Array, capped: Mask, fixed: Mask, out_of_service: bool
) -> ZonePlanSlots:
    """What the board is told in each slot.

    Heated slots carry the planned temperature as set-point, so that the board's feedback corrects the model both ways;
    under a binding cap it lies lower, so that feedback cannot take more. Under an override the board is left with the
    local rule for the moment the override ends early. Everything else is standby: a missed forecast is never worse
    than the local rule.
    """
    heated = (duty >= _HEATED) & ~fixed
    expected = (outlook.free_c + lift_k).mean(axis=0)
    required = np.where(np.isfinite(outlook.required_c), outlook.required_c, -np.inf).max(axis=0)
    raised = np.ceil(np.maximum(expected, required) / _SETPOINT_STEP_C - 1e-9) * _SETPOINT_STEP_C
    lowered = np.floor((expected - _CAPPED_MARGIN_K) / _SETPOINT_STEP_C + 1e-9) * _SETPOINT_STEP_C
    setpoint = np.clip(np.where(capped, np.minimum(lowered, raised), raised), _SETPOINT_MIN_C, _SETPOINT_MAX_C)
    held_back = suppressible(outlook, lift_k) & ~heated & ~fixed
    shed = capped & ~heated & ~fixed & (outlook.shortfall_k.max(axis=0) > lift_k)
    value = np.where(heated, np.maximum(np.round(duty / _DUTY_STEP) * _DUTY_STEP, _DUTY_STEP), float(STANDBY))
    value = np.where(held_back | shed, 0.0, value)
    if out_of_service:
        value = np.where(fixed, 0.0, value)
    return ZonePlanSlots(value, np.where(value < 0, 0.0, setpoint), held_back)


def to_plan(
    zone_id: str,
    slots: ZonePlanSlots,
    issued_utc_s: float,
    start_utc_s: float,
    *,
    phase_s: int = 0,
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
        on_mc=ON_MC,
        off_mc=OFF_MC,
        slots=runs,
        label=label,
        why=reasons,
    )


def pack(duty: Array, setpoint_c: Array, max_runs: int = MAX_RUNS) -> tuple[Slot, ...]:
    """Run-length slots that keep each run's mean duty and highest set-point; a last standby slot ends the plan."""
    kind = np.where(duty < 0, -1, np.where(duty > 0, 1, 0))
    start = np.flatnonzero(np.concatenate([[True], (np.diff(duty) != 0) | (np.diff(setpoint_c) != 0)]))
    bounds = [*start.tolist(), int(duty.size)]
    while len(bounds) > max_runs:  # bounds hold one more than the runs; the closing standby slot takes that place
        costs = [_merge_cost(duty, kind, bounds, i) for i in range(1, len(bounds) - 1)]
        del bounds[1 + int(np.argmin(costs))]
    runs = []
    for first, last in itertools.pairwise(bounds):
        part = duty[first:last]
        if kind[first] < 0 and (kind[first:last] < 0).all():
            runs.append(Slot(first * SLOT_S, 0, STANDBY))
        else:
            mean = float(np.maximum(part, 0.0).mean())
            runs.append(Slot(first * SLOT_S, round(1000 * float(setpoint_c[first:last].max())), round(1000 * mean)))
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


def _merge_cost(duty: Array, kind: npt.NDArray[np.int64], bounds: list[int], i: int) -> float:
    """What joining runs i−1 and i costs: duty moved in time, less the later it is; mixing kinds costs most."""
    a, b, c = bounds[i - 1], bounds[i], bounds[i + 1]
    left, right = float(np.maximum(duty[a:b], 0).mean()), float(np.maximum(duty[b:c], 0).mean())
    shorter = min(b - a, c - b)
    mixed = 10.0 if kind[a] != kind[b] else 0.0
    return (abs(left - right) + 0.01 + mixed) * shorter / (1.0 + a / 24.0)
