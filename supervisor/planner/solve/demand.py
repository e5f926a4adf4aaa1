"""The demand guard: what the running quarter of an hour will have drawn when it ends, and which zones to shed in time.

A plan keeps the contract's 15-min mean on paper. Boards add to it: feedback on a road that cools, a zone on standby
whose sensor turns wet, a contactor that stays closed for its minimum time. Meters bill the quarter, so within each
quarter the load so far and what every circuit's window still holds are added up, as industry's demand controllers do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from supervisor.domain.plan import SLOT_S, Plan, Reason
from supervisor.domain.zone import Zone
from supervisor.planner.explain import SHED
from supervisor.planner.phases import PERIOD_S
from supervisor.planner.plans import NEVER_C, pack, unpack
from supervisor.planner.quarter import LEAST, MOST, urgency

TARGET = 0.995  # of the contract: readings of power come every 10 s
LAST_S = 60.0  # in the last minute a command would come too late


@dataclass(frozen=True)
class CircuitNow:
    """One circuit as reported by its board."""

    zone: Zone
    surface_c: float
    duty: float  # in effect on the board, feedback included
    drawing: bool
    phase_s: int
    may_give_way: bool  # not under an override, its board listens, and it has not waited too long already


def remaining_s(circuit: CircuitNow, elapsed_s: float) -> float:
    """Seconds that the contactor will still be closed in a quarter of which `elapsed_s` are over.

    Windows that the minimum times stretch (docs/decisions/0006) count as stretched.
    """
    left_s = SLOT_S - elapsed_s
    if circuit.duty <= 0:
        return min(left_s, LAST_S) if circuit.drawing else 0.0
    if circuit.duty > MOST:
        return left_s
    window_s = PERIOD_S * (max(circuit.duty, LEAST) if circuit.drawing else circuit.duty)
    begin = (elapsed_s - circuit.phase_s) % PERIOD_S
    return float(_overlap(begin, begin + left_s, window_s))


def _overlap(begin: float, end: float, window_s: float) -> float:
    """Of [begin, end) within [0, window) and its next repetition."""
    first = min(end, window_s) - begin
    second = min(end, PERIOD_S + window_s) - max(begin, PERIOD_S)
    return max(first, 0.0) + max(second, 0.0)


def foreseen_kw(used_kws: float, circuits: Sequence[CircuitNow], elapsed_s: float) -> float:
    """15-min mean with which the running quarter will end [kW]; `used_kws` [kW·s] are drawn already."""
    coming = sum(c.zone.power_w / 1000 * remaining_s(c, elapsed_s) for c in circuits)
    return (used_kws + coming) / SLOT_S


def who_gives_way(
    contract_kw: float, used_kws: float, circuits: Sequence[CircuitNow], elapsed_s: float
) -> tuple[str, ...]:
    """Zones that have to open for the rest of the quarter so that it ends within the contract, least urgent first."""
    over_kws = (foreseen_kw(used_kws, circuits, elapsed_s) - TARGET * contract_kw) * SLOT_S
    if over_kws <= 0 or elapsed_s > SLOT_S - LAST_S:
        return ()
    chosen = []
    for circuit in sorted(circuits, key=lambda c: urgency(c.zone, c.surface_c), reverse=True):
        coming_kws = circuit.zone.power_w / 1000 * remaining_s(circuit, elapsed_s)
        if over_kws > 0 and circuit.may_give_way and circuit.duty > 0 and coming_kws > 0:
            chosen.append(circuit.zone.id)
            over_kws -= coming_kws
    return tuple(chosen)


def given_way(plan: Plan, utc_s: float) -> Plan:
    """The plan with nothing in the slot that holds `utc_s`, and the reason given."""
    at = int((utc_s - plan.start_utc_s) // SLOT_S)
    n = max(at + 1, int(np.ceil(plan.slots[-1].start_s / SLOT_S)))
    duty, setpoint = unpack(plan, n, plan.start_utc_s)
    duty[at], setpoint[at] = 0.0, NEVER_C
    reason = Reason(start_s=at * SLOT_S, end_s=(at + 1) * SLOT_S, code=SHED)
    return msgspec.structs.replace(plan, slots=pack(duty, setpoint), why=(reason, *plan.why))
