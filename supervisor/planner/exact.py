"""The exact solver: one feeder as a condensed linear programme for HiGHS.

Only duties remain as unknowns (the kernel holds the physics), a row per slot that can fall short, and only the slots
that matter: causes after the last hazard, rows that no member fears and zones without risk are left out before the
solver sees them. Presolve is off: on these small dense rows it costs more than it saves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_array

from supervisor.domain.plan import PlanLabel
from supervisor.planner.problem import SLOT_H, Array, FeederProblem, FeederSolution, ZoneProblem, dual_bound

TIME_LIMIT_S = 20.0  # a quarter of what a 15 min cycle leaves for a retry; a feeder takes 0.05 s
_KERNEL_CUT = 1e-4  # part of a kernel's largest entry below which a cause has no effect worth a matrix entry


@dataclass
class _Columns:
    """The programme under construction: bounds and costs of columns, entries of rows."""

    cost: list[Array]
    upper: list[Array]
    row: list[npt.NDArray[np.int64]]
    column: list[npt.NDArray[np.int64]]
    value: list[Array]
    n_columns: int = 0

    def add(self, cost: Array, upper: Array) -> npt.NDArray[np.int64]:
        """New columns; returns their indices."""
        index = np.arange(self.n_columns, self.n_columns + cost.size)
        self.n_columns += cost.size
        self.cost.append(cost)
        self.upper.append(upper)
        return index

    def enter(self, row: npt.NDArray[np.int64], column: npt.NDArray[np.int64], value: Array) -> None:
        self.row.append(row)
        self.column.append(column)
        self.value.append(value)


def solve_exact(problem: FeederProblem, time_limit_s: float = TIME_LIMIT_S) -> FeederSolution:
    """The cheapest plan of a feeder, or the best one found when time runs out, labelled so.

    Raises PlanError if the problem is malformed (`FeederProblem.check`).
    """
    problem.check()
    n, zones = problem.n_slots, problem.zones
    duty = problem.feasible(np.zeros((len(zones), n)))
    if not any(zone.at_risk for zone in zones):
        objective = problem.objective(duty)
        idle = tuple(np.zeros(n) for _ in zones)
        return FeederSolution(duty, objective, objective, PlanLabel.OPTIMAL, idle)

    columns = _Columns([], [], [], [], [])
    needed: list[Array] = []
    where: list[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], int]] = []
    n_rows = 0
    for z, zone in enumerate(zones):
        rows, slots = _matters(zone)
        if not rows.size or not slots.size:
            continue
        index = columns.add(problem.price[slots] * SLOT_H * zone.power_kw, np.ones(slots.size))
        _enter_kernel(columns, zone, rows, slots, index, n_rows)
        needed.append(zone.penalty.start_k[rows] - zone.kernel[rows] @ np.nan_to_num(zone.fixed_duty))
        where.append((z, rows, slots, index, n_rows))
        n_rows += rows.size
    n_rows = _enter_power(columns, problem, where, needed, n_rows)

    matrix = coo_array(
        (np.concatenate(columns.value), (np.concatenate(columns.row), np.concatenate(columns.column))),
        shape=(n_rows, columns.n_columns),
    ).tocsr()
    upper = np.concatenate(columns.upper)
    result = linprog(
        np.concatenate(columns.cost),
        A_ub=cast(Any, -matrix),  # the stubs know dense matrices only
        b_ub=-np.concatenate(needed),
        bounds=cast(Any, np.column_stack([np.zeros(upper.size), upper])),
        method="highs-ds",
        options=cast(Any, {"presolve": False, "time_limit": time_limit_s}),
    )
    multipliers = [np.zeros(n) for _ in zones]
    marginals = getattr(getattr(result, "ineqlin", None), "marginals", None)
    for z, zone in enumerate(zones):
        if not zone.free.any():  # its shortfall is what it is
            multipliers[z] = zone.penalty.slope_at(zone.kernel @ zone.fixed_duty)
    for z, rows, slots, index, first in where:
        if result.x is not None:
            duty[z, slots] = result.x[index]
        if marginals is not None and np.size(marginals):
            multipliers[z][rows] = np.maximum(-np.asarray(marginals)[first : first + rows.size], 0.0)
    duty = problem.feasible(np.nan_to_num(duty))
    if result.status != 0:
        duty = _better_of_simple(problem, duty)
    objective = problem.objective(duty)
    bound = min(dual_bound(problem, tuple(multipliers)), objective)
    label = PlanLabel.OPTIMAL if result.status == 0 and math.isfinite(bound) else PlanLabel.INCUMBENT
    return FeederSolution(duty, objective, bound, label, tuple(multipliers))


def _matters(zone: ZoneProblem) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Slots that can fall short (rows) and free slots whose heat can reach one (columns)."""
    rows = np.flatnonzero(zone.penalty.start_k > 0.0)
    if not rows.size:
        return rows, rows
    slots = np.flatnonzero(zone.free & (np.arange(zone.free.size) <= rows[-1]))
    return rows, slots


def _enter_kernel(
    columns: _Columns,
    zone: ZoneProblem,
    rows: npt.NDArray[np.int64],
    slots: npt.NDArray[np.int64],
    index: npt.NDArray[np.int64],
    first_row: int,
) -> None:
    """Rows (G u)_t + Σ_s y_ts ≥ start_t: the lift, and the segments of φ that buy off what is missing."""
    part = zone.kernel[np.ix_(rows, slots)]
    i, j = np.nonzero(part > _KERNEL_CUT * part.max(initial=0.0))
    columns.enter(first_row + i, index[j], part[i, j])
    pen = zone.penalty
    width = pen.width_k[rows]
    t, s = np.nonzero((width > 1e-9) & (pen.slope[rows] > 0.0))
    segment = columns.add(pen.slope[rows][t, s], width[t, s])
    columns.enter(first_row + t, segment, np.ones(t.size))


def _enter_power(
    columns: _Columns,
    problem: FeederProblem,
    where: list[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64], int]],
    needed: list[Array],
    first_row: int,
) -> int:
    """Rows Δp − Σ P u ≥ fixed load − floor, with Δp the raised peak; only where the zones could pass the floor."""
    n = problem.n_slots
    could = problem.fixed_kw.copy()
    for z, _, slots, _, _ in where:
        could[slots] += problem.zones[z].power_kw
    floor = problem.floor_kw if problem.demand_price > 0 else problem.contract_kw
    binding = np.flatnonzero(could > floor + 1e-9)
    if not binding.size:
        return first_row
    row_of = np.full(n, -1)
    row_of[binding] = first_row + np.arange(binding.size)
    for z, _, slots, index, _ in where:
        hit = row_of[slots] >= 0
        power = np.full(int(hit.sum()), -problem.zones[z].power_kw)
        columns.enter(row_of[slots][hit], index[hit], power)
    if floor < problem.contract_kw:
        raised = columns.add(np.array([problem.demand_price]), np.array([problem.contract_kw - floor]))
        columns.enter(first_row + np.arange(binding.size), np.repeat(raised, binding.size), np.ones(binding.size))
    needed.append(problem.fixed_kw[binding] - floor)
    return first_row + int(binding.size)


def _better_of_simple(problem: FeederProblem, duty: Array) -> Array:
    """Out of time: the cheapest among what the solver held, nothing, and full heat wherever a member falls short."""
    eager = np.array([_heat_when_short(zone) for zone in problem.zones]).reshape(duty.shape)
    candidates = [duty, problem.feasible(np.zeros_like(duty)), problem.feasible(eager)]
    return min(candidates, key=problem.objective)


def _heat_when_short(zone: ZoneProblem) -> Array:
    """Full duty in every slot that falls short, and in the four before: what a person would do by hand."""
    short = (zone.penalty.start_k > 0.0).astype(np.float64)
    ahead = [np.concatenate([short[k:], np.zeros(k)]) for k in range(5)]
    return np.asarray(np.max(ahead, axis=0))
