"""The controllers: the board's own code, and today's rules as their makers describe them (DOMAIN.md §1).

Each has `decide(t, surface_mc, wet) -> duty [‰]`; the contactor behind it is the board's `Relay` for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

from firmware.rh.control import Control
from firmware.rh.control import Plan as BoardPlan
from firmware.rh.relay import Relay
from supervisor.domain.plan import Plan

LIMITS: Any = SimpleNamespace(  # limits.json as a board of this district carries it
    t_max_mc=15_000,
    cable_max_mc=80_000,
    lockout_mc=6_000,
    cold_cutoff_mc=-10_000,
    min_on_s=300,
    min_off_s=300,
    period_s=1_200,
    local_duty_permille=1_000,
)
WET_PERMILLE, DRY_PERMILLE = 200, 150  # the board's hysteresis
_WHO = 5


class Rule(Protocol):
    """Decides by what the board sees now."""

    def decide(self, t: int, surface_mc: int, wet: bool, air_mc: int, snow_ahead: bool) -> int: ...


@dataclass
class Threshold:
    """Heat from `on_mc` down to release at `off_mc`; asks for moisture if `moist`, and stays armed `after_s` longer."""

    on_mc: int = 2_000
    off_mc: int = 3_000
    moist: bool = True
    after_s: int = 0
    air_below_mc: int | None = None
    preheat_s: int = 0
    _heating: bool = False
    _until: int = -1
    _preheat_until: int = -1
    _warned: bool = False

    def decide(self, t: int, surface_mc: int, wet: bool, air_mc: int, snow_ahead: bool) -> int:
        if wet:
            self._until = t + self.after_s
        if self.preheat_s:
            if snow_ahead and not self._warned:
                self._preheat_until = t + self.preheat_s
            self._warned = snow_ahead
        if surface_mc <= self.on_mc:
            self._heating = True
        elif surface_mc >= self.off_mc:
            self._heating = False
        asked = not self.moist or wet or t < self._until or t < self._preheat_until
        if self.air_below_mc is not None and air_mc >= self.air_below_mc:
            asked = False
        if t < self._preheat_until and surface_mc < 6_000:
            return 1000
        return 1000 if asked and self._heating else 0


class Board:
    """The firmware's control law with or without a plan."""

    def __init__(self) -> None:
        self.control: Any = Control(LIMITS)

    def accept(self, plan: Plan, start_utc_s: int, t: int) -> None:
        """Take a plan as it comes by wire; uptime 0 is `start_utc_s`."""
        slots: Any = [[slot.start_s, slot.setpoint_mc, slot.duty_permille] for slot in plan.slots]
        taken: Any = BoardPlan(plan.start_utc_s, t + plan.lease_s, plan.phase_s, plan.on_mc, plan.off_mc, slots)
        taken.anchor(start_utc_s)
        self.control.plan = taken

    def decide(self, t: int, surface_mc: int, wet: bool, air_mc: int, snow_ahead: bool) -> int:
        return int(self.control.decide(t, surface_mc, wet, False, False))


class Circuit:
    """One zone of one strategy: moisture hysteresis, rule, contactor."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.relay: Any = Relay(-3600, LIMITS)
        self.wet = False
        self.phase_s = 0
        self.starts = 0

    def tick(self, t: int, surface_mc: int, moisture_permille: float, air_mc: int, snow_ahead: bool) -> bool:
        self.wet = moisture_permille >= (DRY_PERMILLE if self.wet else WET_PERMILLE)
        duty = self.rule.decide(t, surface_mc, self.wet, air_mc, snow_ahead)
        before = self.relay.on
        on = bool(self.relay.step(t, (t - self.phase_s) % 1200, duty, _WHO))
        self.starts += on and not before
        return on


def rule_named(name: str) -> Rule:
    """Today's controllers by name; `local` is the board without a plan."""
    rules: dict[str, Rule] = {
        "thermostat": Threshold(on_mc=3_000, off_mc=4_000, moist=False),
        "idle": Threshold(on_mc=2_000, off_mc=3_000, moist=False, air_below_mc=5_000),
        "reactive": Threshold(),
        "reactive-afterrun": Threshold(after_s=3 * 3600),
        "storm-timer": Threshold(preheat_s=5 * 3600, after_s=3600),
    }
    return rules[name] if name in rules else Board()
