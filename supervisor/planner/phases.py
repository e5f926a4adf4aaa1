"""Phases: when within the switching period each zone of a feeder is on, so that the instant stays below the breaker.

The contract limits a 15 min mean; the breaker limits every instant. Zones that start their period together reach 1.4
times the mean (PLANNER.md). Wrap-around packing lays the on-times end to end round the period; with equal zones the
instant then never passes the mean by more than one zone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PERIOD_S = 900  # time proportioning of the boards: the contract's interval, so that its mean is the duty
_TICK_S = 30  # resolution of the packing: contactors are not quicker
_TICKS = PERIOD_S // _TICK_S
_KEEP = 1.1  # highest instant, of the best found, up to which phases stay


def load_at_instants_kw(duty: Array, power_kw: Array, phase_s: Sequence[int]) -> Array:
    """Feeder load within a period, by slot: (Z, N) duties → (N, ticks of 30 s) [kW]."""
    tick = np.arange(_TICKS)
    on_ticks = np.ceil(np.clip(duty, 0.0, 1.0) * _TICKS - 1e-9)  # rounded up: a contactor that is still on counts
    load = np.zeros((duty.shape[1], _TICKS))
    for z, phase in enumerate(phase_s):
        since = (tick - phase // _TICK_S) % _TICKS
        load += power_kw[z] * (since[None, :] < on_ticks[z][:, None])
    return load


def assign_phases(duty: Array, power_kw: Array) -> tuple[int, ...]:
    """Phase of each zone [s], a multiple of 30 s below the period, that keeps the highest instant low.

    Zones are placed largest first, each where the highest load over all slots grows least, and among those where it
    fills the valleys (wrap-around packing): exact for one slot, near it for a plan that changes.
    """
    zones, n = duty.shape
    energy = power_kw * duty.sum(axis=1)
    load = np.zeros((n, _TICKS))
    phase = np.zeros(zones, dtype=np.int64)
    shift = np.arange(_TICKS)
    since = (shift[None, :] - shift[:, None]) % _TICKS  # (shift, tick)
    for z in sorted(range(zones), key=lambda i: (-energy[i], i)):
        on_ticks = np.ceil(np.clip(duty[z], 0.0, 1.0) * _TICKS - 1e-9)
        part = (on_ticks > 0) & (on_ticks < _TICKS)  # all day or never: the phase does not matter
        if part.any():
            total = load[part][:, None, :] + power_kw[z] * (since[None] < on_ticks[part][:, None, None])
            peak = np.round(total.max(axis=(0, 2)), 6)
            spread = np.einsum("nst,nst->s", total, total)
            phase[z] = int(np.lexsort((np.round(spread, 3), peak))[0])
        load += power_kw[z] * (since[phase[z]][None, :] < on_ticks[:, None])
    return tuple(int(p) * _TICK_S for p in phase)


def keep_phases(duty: Array, power_kw: Array, before: Sequence[int], breaker_kw: float) -> tuple[int, ...]:
    """The phases of the last plan while they are nearly as good as new ones: a changed phase is a contactor's start."""
    if len(before) != len(power_kw):
        return assign_phases(duty, power_kw)
    old_kw = float(load_at_instants_kw(duty, power_kw, before).max(initial=0.0))
    on_ticks = np.ceil(np.clip(duty, 0.0, 1.0) * _TICKS - 1e-9)
    lowest_kw = float((power_kw @ on_ticks).max(initial=0.0)) / _TICKS  # no phases put the instant below the mean
    if old_kw <= min(_KEEP * lowest_kw, breaker_kw):
        return tuple(before)
    fresh = assign_phases(duty, power_kw)
    new_kw = float(load_at_instants_kw(duty, power_kw, fresh).max(initial=0.0))
    return tuple(before) if old_kw <= min(_KEEP * new_kw, breaker_kw) + 1e-6 else fresh


def limit_instants(
    duty: Array, power_kw: Array, phase_s: Sequence[int], breaker_kw: float, shed_order: Sequence[int]
) -> Array:
    """Duties whose instants stay below the breaker: where they would not, zones are cut in `shed_order` (first first).

    Returns a copy; duties are only lowered, so a mean that kept the contract keeps it.
    """
    out = duty.copy()
    over = np.flatnonzero(load_at_instants_kw(out, power_kw, phase_s).max(axis=1) > breaker_kw + 1e-6)
    for slot in over:
        for z in shed_order:
            while out[z, slot] > 0:
                column = out[:, slot : slot + 1]
                excess = load_at_instants_kw(column, power_kw, phase_s)[0] - breaker_kw
                since = (np.arange(_TICKS) - phase_s[z] // _TICK_S) % _TICKS
                mine = since < np.ceil(out[z, slot] * _TICKS - 1e-9)
                if not (excess[mine] > 1e-6).any():
                    break
                first = int(since[mine & (excess > 1e-6)].min())
                out[z, slot] = first / _TICKS
    return out
