"""Figures of a closed loop: energy, cost, ice, shortfall, limits, strategy by strategy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder, Zone
from supervisor.road import ICE_MM, State
from tools.bench.control_plant import Array

WET_MM = 0.1


@dataclass
class Score:
    """Totals of one strategy over zones and time."""

    kwh: Array  # (Z,)
    energy_cost: Array  # (Z,)
    ice_minutes: Array  # (Z,)
    shortfall_kh: Array  # (Z,)
    priced_shortfall: float = 0.0
    late_minutes: Array = field(default_factory=lambda: np.zeros(0))
    starts: int = 0
    plan_changes_duty_h: float = 0.0
    plans: int = 0
    plan_cpu_s: float = 0.0
    peak_kw: dict[tuple[str, int], float] = field(default_factory=dict)  # by feeder and month
    contract_violation_slots: int = 0
    breaker_violation_minutes: int = 0


@dataclass
class Trace:
    """Quarter-hour history for plots, by strategy: arrays grow with time."""

    time_utc_s: list[float] = field(default_factory=list)
    surface_c: list[Array] = field(default_factory=list)  # (strategies, Z)
    frozen_mm: list[Array] = field(default_factory=list)
    load_kw: list[Array] = field(default_factory=list)  # (strategies,)


class Count:
    """Adds up all strategies step by step; arrays of shape (strategies, Z)."""

    def __init__(self, zones: Sequence[Zone], feeders: Sequence[Feeder], strategies: int) -> None:
        n = len(zones)
        self._feeders, self._shape = tuple(feeders), (strategies, n)
        self._power_kw = np.array([zone.power_w / 1000.0 for zone in zones])
        self._feeder_of = np.array([[zone.feeder == f.id for zone in zones] for f in feeders])
        self._kwh, self._cost, self._ice, self._short, self._late = np.zeros((5, strategies, n))
        self.scores = [
            Score(self._kwh[s], self._cost[s], self._ice[s], self._short[s], late_minutes=self._late[s])
            for s in range(strategies)
        ]  # rows of the arrays above, which all steps are added to
        self.trace = Trace()
        self.slot_kwh, self.slot_s = np.zeros((strategies, len(feeders))), 0.0  # of the running quarter
        self._dry_s = np.full(n, np.inf)
        self._storm_s = np.full(n, np.inf)

    def add(self, state: State, on: Array, falling: bool, price: float, dt_s: float) -> None:
        """One step of `dt_s` that ended in `state` with contactors closed for `on` (strategies, Z) of it."""
        shape = on.shape
        minutes = dt_s / 60.0
        frozen, water = state.frozen_mm.reshape(shape), state.water_mm.reshape(shape)
        surface = state.surface_c.reshape(shape)
        kwh = on * self._power_kw * dt_s / 3600.0
        icy = (frozen >= ICE_MM) * minutes
        short = np.where(frozen + water >= WET_MM, np.maximum(-surface, 0.0), 0.0) * dt_s / 3600.0
        if falling and (self._dry_s > 6 * 3600).all():
            self._storm_s[:] = 0.0
        self._dry_s = np.where(falling, 0.0, self._dry_s + dt_s)
        late = self._storm_s < 2 * 3600
        self._storm_s += dt_s
        self._kwh += kwh
        self._cost += kwh * price
        self._ice += icy
        self._short += short
        self._late += icy * late
        load = (on * self._power_kw) @ self._feeder_of.T
        self.slot_kwh += load * dt_s / 3600.0
        self.slot_s += dt_s
        for f, feeder in enumerate(self._feeders):
            for s in np.flatnonzero(load[:, f] > feeder.breaker_kw + 1e-6).tolist():
                self.scores[s].breaker_violation_minutes += 1

    def close_slot(self, utc_s: float, state: State) -> None:
        """A quarter of an hour (or a quiet half hour) has ended."""
        mean_kw = self.slot_kwh * 3600.0 / self.slot_s
        month = month_of(utc_s - SLOT_S)
        for f, feeder in enumerate(self._feeders):
            for s, score in enumerate(self.scores):
                key = (feeder.id, month)
                score.peak_kw[key] = max(score.peak_kw.get(key, 0.0), float(mean_kw[s, f]))
                score.contract_violation_slots += mean_kw[s, f] > feeder.contract_kw + 1e-6
        self.trace.time_utc_s.append(utc_s)
        self.trace.surface_c.append(state.surface_c.reshape(self._shape).copy())
        self.trace.frozen_mm.append(state.frozen_mm.reshape(self._shape).copy())
        self.trace.load_kw.append(mean_kw.sum(axis=1))
        self.slot_kwh[:], self.slot_s = 0.0, 0.0


def month_of(utc_s: float) -> int:
    """Billing month, counted from January 1970."""
    return int(np.datetime64(int(utc_s), "s").astype("datetime64[M]").astype(int))
