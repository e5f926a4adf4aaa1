"""The controllers: the board's own code, and today's rules as their makers describe them.

Each has `decide(t, surface_mc, wet) -> duty [‰]`; the contactor behind it is the board's `Relay` for all of them.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Protocol

import msgspec

from firmware.rh.control import Control
from firmware.rh.control import Plan as BoardPlan
from firmware.rh.relay import Relay
from firmware.rh.zone import DRY_PERMILLE, WET_PERMILLE
from supervisor.domain.board_profile import DEFAULT_LIMITS
from supervisor.domain.plan import Plan
from supervisor.energy.baselines import BASELINES, Baseline, Memory, Seen, decide

COLD_CUTOFF_C = -10.0  # no local heat below: what most makers set; engineers set it for the place
LIMITS: Any = SimpleNamespace(  # limits.json of a board of this district
    **msgspec.structs.asdict(DEFAULT_LIMITS) | {"cold_cutoff_mc": round(1000 * COLD_CUTOFF_C)}
)
_WHO = 5
LOOK_S = 10  # boards decide every second: a window may end within a minute, and the contract is counted in kW


class Rule(Protocol):
    """Decides by what the board sees now."""

    def decide(self, t: int, surface_mc: int, wet: bool, air_mc: int, snow_ahead: bool) -> int: ...


class Named:
    """One of today's controllers by its name in `supervisor.energy.baselines`."""

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline
        self._memory = Memory()

    def decide(self, t: int, surface_mc: int, wet: bool, air_mc: int, snow_ahead: bool) -> int:
        seen = Seen(t, surface_mc / 1000, wet, air_mc / 1000, snow_ahead)
        self._memory, duty = decide(self._baseline, self._memory, seen)
        return round(1000 * duty)


class Board:
    """The firmware's control law with or without a plan."""

    def __init__(self, cold_cutoff_c: float = COLD_CUTOFF_C) -> None:
        limits: Any = SimpleNamespace(**(vars(LIMITS) | {"cold_cutoff_mc": round(1000 * cold_cutoff_c)}))
        self.control: Any = Control(limits)

    def accept(self, plan: Plan, start_utc_s: int, t: int) -> None:
        """Take a plan as it comes by wire; uptime 0 is `start_utc_s`."""
        slots: Any = [[slot.start_s, slot.setpoint_mc, slot.duty_permille] for slot in plan.slots]
        taken: Any = BoardPlan(
            plan.start_utc_s, t + plan.lease_s, plan.phase_s, plan.on_mc, plan.off_mc, plan.after_run_s, slots
        )
        taken.anchor(start_utc_s)
        self.control.plan = taken

    def decide(self, t: int, surface_mc: int, wet: bool, air_mc: int, snow_ahead: bool) -> int:
        return int(self.control.decide(t, surface_mc, wet, False, False))


class Circuit:
    """One zone of one strategy: moisture hysteresis, rule, contactor (or, `ideal`, continuous power)."""

    def __init__(self, rule: Rule, ideal: bool = False) -> None:
        self.rule = rule
        self.ideal = ideal
        self.relay: Any = Relay(-3600, LIMITS)
        self.wet = False
        self.phase_s = 0
        self.surface_mc = 0
        self.duty = 0  # [‰] asked for in the last tick
        self.starts = 0

    def tick(self, t: int, surface_mc: int, moisture_permille: float, air_mc: int, snow_ahead: bool) -> float:
        """Part of the coming minute that the cable is on."""
        self.wet = moisture_permille >= (DRY_PERMILLE if self.wet else WET_PERMILLE)
        self.surface_mc = surface_mc
        self.duty = self.rule.decide(t, surface_mc, self.wet, air_mc, snow_ahead)
        if self.ideal:
            return self.duty / 1000
        closed = 0
        if not self.duty and not self.relay.on:  # nothing to keep or to close
            self.relay.step(t + 60 - LOOK_S, (t + 60 - LOOK_S - self.phase_s) % LIMITS.period_s, 0, _WHO)
            return 0.0
        for at in range(t, t + 60, LOOK_S):
            before = self.relay.on
            on = bool(self.relay.step(at, (at - self.phase_s) % LIMITS.period_s, self.duty, _WHO))
            self.starts += on and not before
            closed += on
        return closed * LOOK_S / 60


def rule_named(name: str, on_c: float | None = None, cold_cutoff_c: float = COLD_CUTOFF_C) -> Rule:
    """Today's controllers by name, with another threshold where `on_c` says so; `local` is the board without a plan."""
    if name not in BASELINES:
        return Board(cold_cutoff_c)
    baseline = BASELINES[name]
    return Named(baseline if on_c is None else msgspec.structs.replace(baseline, on_c=on_c, off_c=on_c + 1.0))
