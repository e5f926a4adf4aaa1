"""One feeder as a linear programme, stated from a guess: nothing that it settles, and multipliers already in the costs.

Only duties remain as unknowns (the kernel holds the physics), with a row per slot that can fall short and one per slot
that can pass the floor of power; the segments of φ buy off what a row misses. A guess of duties and multipliers makes
the programme small and its start good:

- Left out is what the guess settles clearly, by both sides: a duty at its bound whose reduced cost keeps it there, a
  segment that is full or empty by depth and by slope alike. That may be wrong, so whoever solves it has to certify the
  answer for the whole feeder.
- The guessed multipliers ŷ go into the costs, c·x = (c − Aᵀŷ)·x + ŷ·b + ŷ·s with Ax − s = b. No optimum moves by
  that, but where the simplex begins does: at ŷ with each bounded column on its proper side, instead of at nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_array

from supervisor.planner.solve.penalty import SLOT_H, Array
from supervisor.planner.solve.problem import FeederProblem, ZoneProblem

Rows = npt.NDArray[np.intp]

# How sure a guess has to be, at doubt 1. Wider margins leave more to the simplex; at half of them every feeder of 20
# members needs a second round, at these one in twenty does (150 iterations, kernels and storms of the benchmark).
_SLOPE_PART = 0.15  # of φ's steepest slope
_DEPTH_K = 0.3
_ROW_K = 1.0  # of warmth to spare for a row to be left out: there the answer would not show where it is wrong
_PRICE_PART = 0.2  # of the mean price of energy
_AT_BOUND = 1e-3  # of duty
_SNAP_PART = 1e-3  # of φ's steepest slope: a multiplier this near to a slope, or to nothing, is meant to be it
_NARROW_K = 1e-9
_WEAK_PART = 1e-4  # of a kernel's largest entry, below which a cause has no effect worth a matrix entry


@dataclass(frozen=True)
class Guess:
    """What may be about optimal for a feeder of Z zones and N slots."""

    duty: Array  # (Z, N)
    slope: Array  # (Z, N) multipliers of φ [currency per K and slot]
    power: Array  # (N,) multipliers of the feeder's limit [currency per kW and slot]

    @classmethod
    def nothing(cls, problem: FeederProblem) -> Guess:
        """No heat, and no row worth anything: a programme without doubt about it would be empty."""
        shape = len(problem.zones), problem.n_slots
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(problem.n_slots))


@dataclass(frozen=True)
class Answer:
    """The solver's result: an optimum of the programme as stated, or that none was found."""

    guess: Guess | None
    timed_out: bool = False


@dataclass(frozen=True)
class _Part:
    """A zone's share: rows (slots that can fall short) from `first_row`, columns (free slots) from `first_column`."""

    zone: int
    rows: Rows
    slots: Rows
    on: Array  # (N,) duty that is settled at 1, or dictated
    first_row: int
    first_column: int


class Programme:
    """minimise cost·x subject to A x ≥ needed, 0 ≤ x ≤ upper; `hat` (rows,) is what the guess thinks rows are worth."""

    def __init__(self, problem: FeederProblem, guess: Guess, doubt: float) -> None:
        """`doubt` widens what a guess has to be sure of; at infinity all columns and rows enter."""
        self._problem = problem
        self._guess = guess
        self._doubt = doubt
        self._cost: list[Array] = []
        self._upper: list[Array] = []
        self._entries: list[tuple[Rows, Rows, Array]] = []
        self._needed: list[Array] = []
        self._hat: list[Array] = []
        self._n_rows = self._n_columns = 0
        self._load_kw = np.zeros(problem.n_slots)
        self._could_kw = np.zeros(problem.n_slots)
        self._parts = [self._enter_zone(z) for z in range(len(problem.zones))]
        self._binding, self._first_power_row = self._enter_power()

    @property
    def columns(self) -> int:
        """Unknowns: duties, segments of φ and the raised peak."""
        return self._n_columns

    def solve(self, time_limit_s: float) -> Answer:
        """By HiGHS's dual simplex; the answer's multipliers and duties are those of the whole feeder."""
        row, column, value = (np.concatenate(x) for x in zip(*self._entries, strict=True))
        needed, hat, cost = np.concatenate(self._needed), np.concatenate(self._hat), np.concatenate(self._cost)
        if not cost.size:  # all is settled, or dictated
            return Answer(self._read(cost, np.zeros(hat.size)))
        held = hat > 0.0
        n_held = int(held.sum())
        place = np.where(held, np.cumsum(held), np.cumsum(~held)) - 1  # among the rows of its kind
        reduced = cost - np.bincount(column, weights=value * hat[row], minlength=cost.size)
        n_columns = cost.size + n_held
        of_held = held[row]
        surplus = np.arange(n_held)
        exact = coo_array(
            (
                np.concatenate([value[of_held], -np.ones(n_held)]),
                (
                    np.concatenate([place[row[of_held]], surplus]),
                    np.concatenate([column[of_held], cost.size + surplus]),
                ),
            ),
            shape=(n_held, n_columns),
        )
        rest = ~of_held
        loose = coo_array((-value[rest], (place[row[rest]], column[rest])), shape=(hat.size - n_held, n_columns))
        bounds = np.zeros((n_columns, 2))
        bounds[:, 1] = np.concatenate([*self._upper, np.full(n_held, np.inf)])
        result = linprog(
            np.concatenate([reduced, hat[held]]),
            A_ub=cast(Any, loose.tocsc()),  # the stubs know dense matrices only
            b_ub=-needed[~held],
            A_eq=cast(Any, exact.tocsc()),
            b_eq=needed[held],
            bounds=cast(Any, bounds),
            method="highs-ds",
            # On these small dense rows presolve costs more than it saves; edge weights of devex are the cheapest.
            options=cast(
                Any, {"presolve": False, "time_limit": time_limit_s, "simplex_dual_edge_weight_strategy": "devex"}
            ),
        )
        if result.status != 0:
            return Answer(None, timed_out=result.status == 1)
        worth = hat.copy()
        worth[held] += np.asarray(result.eqlin.marginals)
        worth[~held] -= np.asarray(result.ineqlin.marginals)
        return Answer(self._read(np.asarray(result.x), np.maximum(worth, 0.0)))

    def _read(self, x: Array, worth: Array) -> Guess:
        shape = self._guess.duty.shape
        duty, slope, power = np.zeros(shape), np.zeros(shape), np.zeros(shape[1])
        for part in self._parts:
            duty[part.zone] = part.on
            duty[part.zone, part.slots] = x[part.first_column : part.first_column + part.slots.size]
            slope[part.zone, part.rows] = worth[part.first_row : part.first_row + part.rows.size]
        power[self._binding] = worth[self._first_power_row :]
        return Guess(duty, slope, power)

    def _add_columns(self, cost: Array, upper: Array) -> int:
        """New columns; returns the first one's index."""
        first = self._n_columns
        self._n_columns += cost.size
        self._cost.append(cost)
        self._upper.append(upper)
        return first

    def _add_rows(self, needed: Array, hat: Array) -> int:
        first = self._n_rows
        self._n_rows += needed.size
        self._needed.append(needed)
        self._hat.append(hat)
        return first

    def _enter_zone(self, z: int) -> _Part:
        """Rows (G u)_t + Σ_s y_ts ≥ start_t: the lift, and the segments of φ that buy off what is missing."""
        problem, zone, pen = self._problem, self._problem.zones[z], self._problem.zones[z].penalty
        rows, free = _matters(zone)
        slots, on = self._settle_duty(z, free)
        self._load_kw += zone.power_kw * on
        self._could_kw += zone.power_kw * on
        self._could_kw[slots] += zone.power_kw
        first_column = self._add_columns(problem.price[slots] * SLOT_H * zone.power_kw, np.ones(slots.size))

        steepest = float(pen.slope.max(initial=0.0))
        hat = self._guess.slope[z, rows]
        depth_k = pen.start_k[rows] - (zone.kernel @ self._guess.duty[z])[rows]
        enters, passed_k, width_k = _open_segments(zone, rows, depth_k, hat, self._doubt)
        kept = enters.any(axis=1)
        rows, hat, enters, width_k = rows[kept], hat[kept], enters[kept], width_k[kept]
        first_row = self._add_rows(
            pen.start_k[rows] - passed_k[kept] - zone.kernel[rows] @ on,
            _snapped(hat, pen.slope[rows], _SNAP_PART * steepest),
        )
        part = zone.kernel[np.ix_(rows, slots)]
        i, j = np.nonzero(part > _WEAK_PART * part.max(initial=0.0))
        self._entries.append((first_row + i, first_column + j, part[i, j]))
        t, s = np.nonzero(enters)
        segment = self._add_columns(pen.slope[rows][t, s], width_k[t, s])
        self._entries.append((first_row + t, segment + np.arange(t.size), np.ones(t.size)))
        return _Part(z, rows, slots, on, first_row, first_column)

    def _settle_duty(self, z: int, free: Rows) -> tuple[Rows, Array]:
        """Slots whose duty is open, and the duty (N,) of the others."""
        problem, guess, zone = self._problem, self._guess, self._problem.zones[z]
        per_kwh = problem.price * SLOT_H + guess.power - guess.slope[z] @ zone.kernel / zone.power_kw
        sure = self._doubt * _PRICE_PART * SLOT_H * max(float(np.abs(problem.price).mean()), 1e-9)
        off = (guess.duty[z] < _AT_BOUND) & (per_kwh > sure)
        full = (guess.duty[z] > 1.0 - _AT_BOUND) & (per_kwh < -sure)
        on = np.where(zone.free, 0.0, zone.fixed_duty)
        on[free[full[free]]] = 1.0
        return free[~(off | full)[free]], on

    def _enter_power(self) -> tuple[Rows, int]:
        """Rows Δp − Σ P u ≥ load − floor, with Δp the raised peak; only where the zones could pass the floor.

        In slots whose peak is not billed, and where it costs nothing, the contract stands for the floor, without Δp.
        """
        problem = self._problem
        priced = problem.billed & (problem.demand_price > 0) & (problem.floor_kw < problem.contract_kw)
        floor_kw = np.where(priced, problem.floor_kw, problem.contract_kw)
        binding = np.flatnonzero(self._could_kw > floor_kw + 1e-9)
        hat = self._guess.power[binding]
        tiny = _SNAP_PART * SLOT_H * max(float(np.abs(problem.price).mean()), 1e-9)
        first = self._add_rows(self._load_kw[binding] - floor_kw[binding], np.where(hat > tiny, hat, 0.0))
        row_of = np.full(problem.n_slots, -1)
        row_of[binding] = first + np.arange(binding.size)
        for part in self._parts:
            row = row_of[part.slots]
            hit = np.flatnonzero(row >= 0)
            power = np.full(hit.size, -problem.zones[part.zone].power_kw)
            self._entries.append((row[hit], part.first_column + hit, power))
        raising = binding[priced[binding]]
        if raising.size:
            most = problem.contract_kw - problem.floor_kw
            raised = self._add_columns(np.array([problem.demand_price]), np.array([most]))
            self._entries.append((row_of[raising], np.full(raising.size, raised), np.ones(raising.size)))
        return binding, first


def _matters(zone: ZoneProblem) -> tuple[Rows, Rows]:
    """Slots that can fall short (rows) and free slots whose heat can reach one (columns); none without the other."""
    rows = np.flatnonzero(zone.penalty.start_k > 0.0)
    slots = np.flatnonzero(zone.free[: rows[-1] + 1]) if rows.size else rows
    return (rows, slots) if slots.size else (slots, slots)


def _open_segments(
    zone: ZoneProblem, rows: Rows, depth_k: Array, hat: Array, doubt: float
) -> tuple[npt.NDArray[np.bool_], Array, Array]:
    """Which segments of φ enter (rows, S); how wide the full ones are together (rows,); widths of those that enter.

    Depth and multiplier (rows,) are the guess's. The last that enters is endless, so that no row asks for what nothing
    can give. A row none of whose segments enters is left out.
    """
    pen = zone.penalty
    width_k, slope = pen.width_k[rows], pen.slope[rows]
    ending_k = np.where(np.isfinite(width_k), width_k, 0.0)
    into_k = depth_k[:, None] - (np.cumsum(ending_k, axis=1) - ending_k)
    sure = doubt * _SLOPE_PART * float(slope.max(initial=0.0))
    full = (slope < hat[:, None] - sure) & (into_k > width_k + doubt * _DEPTH_K)
    empty = (slope > hat[:, None] + sure) & (into_k < -doubt * _DEPTH_K)
    real = (width_k > _NARROW_K) & (slope > 0.0)
    enters = real & ~full & ~empty
    shut = ~enters.any(axis=1) & (depth_k > -doubt * _ROW_K)
    enters[shut, real[shut].argmax(axis=1)] = True
    last = width_k.shape[1] - 1 - enters[:, ::-1].argmax(axis=1)
    width_k[np.arange(rows.size), last] = np.inf
    return enters, np.where(full, ending_k, 0.0).sum(axis=1), width_k


def _snapped(hat: Array, slope: Array, near: float) -> Array:
    """Multipliers (rows,) moved to a slope of φ (rows, S), or to 0, that is within `near`."""
    at = np.concatenate([slope, np.zeros((hat.size, 1))], axis=1)
    nearest = np.take_along_axis(at, np.abs(at - hat[:, None]).argmin(axis=1)[:, None], axis=1)[:, 0]
    return np.where(np.abs(nearest - hat) < near, nearest, hat)
