"""The fleet solver: many feeders at once by a first-order primal–dual method, each with a certificate.

    max over y, ν  min over u, p   c·u + demand·p − y·(G u) − φ*(−y) + ν·(A u + fixed − p)

PDHG (Chambolle and Pock 2011) with diagonal steps (Pock and Chambolle 2011, α = 1), restarted at the average each 50
iterations. φ's proximal step has a closed form: y ← max(0, max_j min(slope_j, z + σ·b_j)), b_j the breakpoints.
All zones are one sparse matrix, so an iteration costs four products whatever the number of feeders. Multipliers give a
lower bound (`dual_bound`); a feeder that is not within 1 % goes to the exact solver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array

from supervisor.domain.plan import SLOT_S, PlanLabel
from supervisor.planner.exact import solve_exact
from supervisor.planner.problem import SLOT_H, Array, FeederProblem, FeederSolution, dual_bound

COLD_ITERATIONS = 100  # at a time, until certified
WARM_ITERATIONS = 25
MOST_ITERATIONS = 400  # 0.4 % even for single forecasts, whose φ has the sharpest corners
GOOD_GAP = 0.004
RESTART = 50
TO_EXACT_GAP = 0.01
_KERNEL_CUT = 1e-3  # of a kernel's largest entry: smaller ones move the result less than the gap
_DEMAND_FLOOR = 1e-9


@dataclass(frozen=True)
class Warm:
    """What a feeder's next solve starts from; about 2 kB a zone."""

    start_utc_s: float
    duty: Array  # (Z, N)
    slope: Array  # (Z, N) multipliers of φ
    power: Array  # (N,) multipliers of the feeder's limit
    peak_kw: float


@dataclass
class _Batch:
    """All feeders as one problem over the entries that matter: C free duties, R slots at risk, M feeder slots."""

    kernel: csr_array
    kernel_t: csr_array
    load: csr_array
    load_t: csr_array
    cost: Array  # (C,)
    breaks: Array  # (S, R) descending
    slopes: Array  # (S, R)
    offset: Array  # (R,) lift by fixed duty
    fixed_kw: Array  # (M,)
    feeder_of: npt.NDArray[np.int64]  # (M,)
    demand: Array  # (F,)
    low_kw: Array
    high_kw: Array
    column_at: list[list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]]  # by feeder and zone: (slots, columns)
    row_at: list[list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]]
    load_at: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]
    scale_c: Array  # (C,) step sizes
    scale_r: Array
    scale_m: Array
    scale_p: Array


def solve_fleet(
    problems: Sequence[FeederProblem],
    warm: Mapping[str, Warm] | None = None,
    *,
    iterations: int | None = None,
    exact_above: float = TO_EXACT_GAP,
) -> tuple[list[FeederSolution], dict[str, Warm]]:
    """Solutions in the problems' order, and what the next cycle may start from.

    `warm` by feeder id from an earlier call; it is shifted to the new start. Raises PlanError for a malformed problem.
    """
    for problem in problems:
        problem.check()
    known = dict(warm or {})
    batch = _assemble(problems)
    u, y, nu, p = _initial(batch, problems, known)
    is_warm = all(problem.feeder.id in known for problem in problems)
    step = iterations or (WARM_ITERATIONS if is_warm else COLD_ITERATIONS)
    done = 0
    while True:
        if batch.cost.size:
            u, y, nu, p = _iterate(batch, u, y, nu, p, step)
        done += step
        solutions, state = _certify(batch, problems, u, y, nu, p)
        if iterations is not None or done >= MOST_ITERATIONS or _good_enough(solutions):
            break
    return [
        solve_exact(problem) if solution.gap > exact_above else solution
        for problem, solution in zip(problems, solutions, strict=True)
    ], state


def _good_enough(solutions: Sequence[FeederSolution]) -> bool:
    """Within 0.4 % together, and hardly any feeder for the exact solver."""
    total = sum(solution.objective for solution in solutions)
    missing = sum(solution.objective - solution.bound for solution in solutions)
    poor = sum(solution.gap > TO_EXACT_GAP for solution in solutions)
    return missing <= GOOD_GAP * total + 1e-9 and poor <= 0.05 * len(solutions)


def _iterate(b: _Batch, u: Array, y: Array, nu: Array, p: Array, iterations: int) -> tuple[Array, Array, Array, Array]:
    """PDHG; returns the last restart's average."""
    count = len(b.low_kw)
    pushed = b.scale_r * b.breaks
    best = (u, y, nu, p)
    for first in range(0, iterations, RESTART):
        n = min(RESTART, iterations - first)
        su, sy, snu, sp = np.zeros_like(u), np.zeros_like(y), np.zeros_like(nu), np.zeros_like(p)
        for _ in range(n):
            u1 = np.clip(u - b.scale_c * (b.cost - b.kernel_t @ y + b.load_t @ nu), 0.0, 1.0)
            pull = np.bincount(b.feeder_of, weights=nu, minlength=count)
            p1 = np.clip(p - b.scale_p * (b.demand - pull), b.low_kw, b.high_kw)
            ahead_u, ahead_p = 2.0 * u1 - u, 2.0 * p1 - p
            z = y - b.scale_r * (b.kernel @ ahead_u + b.offset)
            y = np.maximum(np.minimum(b.slopes, z + pushed).max(axis=0), 0.0)
            nu = np.maximum(nu + b.scale_m * (b.load @ ahead_u + b.fixed_kw - ahead_p[b.feeder_of]), 0.0)
            u, p = u1, p1
            su += u
            sy += y
            snu += nu
            sp += p
        best = (su / n, sy / n, snu / n, sp / n)
        u, y, nu, p = best
    return best


def _assemble(problems: Sequence[FeederProblem]) -> _Batch:
    gi, gj, gv, ai, aj, av = [], [], [], [], [], []
    cost, breaks, slopes, offset, fixed, feeder_of, weight_c, weight_r = [], [], [], [], [], [], [], []
    column_at, row_at, load_at = [], [], []
    n_c = n_r = n_m = 0
    for f, problem in enumerate(problems):
        n = problem.n_slots
        columns_of, rows_of = [], []
        used = np.zeros(n, dtype=bool)
        for zone in problem.zones:
            pen = zone.penalty
            rows = np.flatnonzero(pen.start_k > 0.0)
            last = int(rows[-1]) if rows.size else -1
            slots = np.flatnonzero(zone.free & (np.arange(n) <= last))
            if not slots.size:
                rows = rows[:0]
            part = zone.kernel[np.ix_(rows, slots)]
            i, j = np.nonzero(part > _KERNEL_CUT * part.max(initial=0.0))
            gi.append(n_r + i)
            gj.append(n_c + j)
            gv.append(part[i, j])
            price = problem.price[slots] * SLOT_H * zone.power_kw
            cost.append(price)
            # Dual variables are about price per kelvin of lift: that ratio balances the two step sizes.
            ratio = (price.mean() if slots.size else 1.0) / max(
                float(part.sum(axis=0).mean()) if part.size else 1.0, 1e-9
            )
            weight_c.append(np.full(slots.size, ratio))
            weight_r.append(np.full(rows.size, ratio))
            width = np.where(np.isfinite(pen.width_k[rows]), pen.width_k[rows], 0.0)
            below = np.concatenate([np.zeros((rows.size, 1)), np.cumsum(width, axis=1)[:, :-1]], axis=1)
            breaks.append(pen.start_k[rows, None] - below)
            slopes.append(pen.slope[rows])
            offset.append(zone.kernel[rows] @ np.nan_to_num(zone.fixed_duty))
            columns_of.append((slots, n_c + np.arange(slots.size)))
            rows_of.append((rows, n_r + np.arange(rows.size)))
            n_c += slots.size
            n_r += rows.size
            used[slots] = True
        slot_rows = np.flatnonzero(used)
        at = np.full(n, -1)
        at[slot_rows] = n_m + np.arange(slot_rows.size)
        for zone, (slots, index) in zip(problem.zones, columns_of, strict=True):
            ai.append(at[slots])
            aj.append(index)
            av.append(np.full(slots.size, zone.power_kw))
        fixed.append(problem.fixed_kw[slot_rows])
        feeder_of.append(np.full(slot_rows.size, f))
        load_at.append((slot_rows, n_m + np.arange(slot_rows.size)))
        n_m += slot_rows.size
        column_at.append(columns_of)
        row_at.append(rows_of)
    kernel = _sparse(gv, gi, gj, (n_r, n_c))
    load = _sparse(av, ai, aj, (n_m, n_c))
    wc, wr = np.concatenate(weight_c), np.concatenate(weight_r)
    feeders = np.concatenate(feeder_of).astype(np.int64)
    mean_kw = np.array([float(q.power_kw.mean()) for q in problems])
    steps = _steps(kernel, load, feeders, wc, wr, mean_kw)
    free_peak = np.array([q.demand_price <= _DEMAND_FLOOR for q in problems])
    high = np.array([q.contract_kw for q in problems])
    low = np.array([max(q.floor_kw, float(q.fixed_kw.max(initial=0.0))) for q in problems])
    return _Batch(
        kernel=kernel,
        kernel_t=kernel.T.tocsr(),
        load=load,
        load_t=load.T.tocsr(),
        cost=np.concatenate(cost),
        breaks=_padded(breaks, 0.0),
        slopes=_padded(slopes, -1.0),
        offset=np.concatenate(offset),
        fixed_kw=np.concatenate(fixed),
        feeder_of=feeders,
        demand=np.array([q.demand_price for q in problems]),
        low_kw=np.where(free_peak, high, np.minimum(low, high)),
        high_kw=high,
        column_at=column_at,
        row_at=row_at,
        load_at=load_at,
        scale_c=steps[0],
        scale_r=steps[1],
        scale_m=steps[2],
        scale_p=steps[3],
    )


def _steps(
    kernel: csr_array, load: csr_array, feeders: npt.NDArray[np.int64], wc: Array, wr: Array, mean_kw: Array
) -> tuple[Array, Array, Array, Array]:
    """Diagonal steps of the scaled matrix [[G, 0], [A, −1]]; `wc`, `wr` hold the ratio of dual to primal size."""
    count = mean_kw.size
    installed = np.bincount(feeders, weights=load.sum(axis=1), minlength=count)
    weighed = np.bincount(feeders, weights=load @ wc, minlength=count)
    ratio_f = np.where(installed > 0, weighed / np.maximum(installed, 1e-9), 1.0)
    kernel_mean = float(kernel.sum()) / max(kernel.shape[1], 1)
    d_c = 1.0 / np.sqrt(wc)
    e_r = np.sqrt(wr)
    e_m = (np.sqrt(ratio_f) * max(kernel_mean, 1e-9) / mean_kw)[feeders]  # a feeder row weighs about as a kernel column
    d_p = mean_kw / np.sqrt(ratio_f)
    g_rows = e_r * (kernel @ d_c)
    a_rows = e_m * (load @ d_c + d_p[feeders])
    columns = d_c * (kernel.T @ e_r + load.T @ e_m)
    p_columns = d_p * np.bincount(feeders, weights=e_m, minlength=count)
    tiny = 1e-12
    return (
        d_c**2 / np.maximum(columns, tiny),
        e_r**2 / np.maximum(g_rows, tiny),
        e_m**2 / np.maximum(a_rows, tiny),
        np.where(installed > 0, d_p**2 / np.maximum(p_columns, tiny), 0.0),
    )


def _sparse(
    value: list[Array], row: list[npt.NDArray[np.int64]], column: list[npt.NDArray[np.int64]], shape: tuple[int, int]
) -> csr_array:
    matrix: csr_array = coo_array(
        (np.concatenate(value), (np.concatenate(row), np.concatenate(column))), shape=shape
    ).tocsr()
    return matrix


def _padded(parts: list[Array], fill: float) -> Array:
    """Blocks (rows, segments) beside each other, (S, R); `fill` where a block has fewer segments."""
    out = np.full((max(part.shape[1] for part in parts), sum(len(part) for part in parts)), fill)
    at = 0
    for part in parts:
        out[: part.shape[1], at : at + len(part)] = part.T
        at += len(part)
    return out


def _initial(
    b: _Batch, problems: Sequence[FeederProblem], warm: Mapping[str, Warm]
) -> tuple[Array, Array, Array, Array]:
    """Zero, or the last cycle moved on by as many slots as have passed."""
    u, y, nu = np.zeros(b.cost.size), np.zeros(b.offset.size), np.zeros(b.fixed_kw.size)
    p = b.low_kw.copy()
    for f, problem in enumerate(problems):
        before = warm.get(problem.feeder.id)
        if before is None or before.duty.shape[0] != len(problem.zones):
            continue
        shift = round((problem.start_utc_s - before.start_utc_s) / SLOT_S)
        length = before.duty.shape[1]
        if not 0 <= shift < length:
            continue
        for z in range(len(problem.zones)):
            slots, columns = b.column_at[f][z]
            inside = slots + shift < length
            u[columns[inside]] = before.duty[z, slots[inside] + shift]
            slots, rows = b.row_at[f][z]
            inside = slots + shift < length
            y[rows[inside]] = before.slope[z, slots[inside] + shift]
        slots, rows = b.load_at[f]
        inside = slots + shift < length
        nu[rows[inside]] = before.power[slots[inside] + shift]
        p[f] = np.clip(before.peak_kw, b.low_kw[f], b.high_kw[f])
    return u, y, nu, p


def _certify(
    b: _Batch, problems: Sequence[FeederProblem], u: Array, y: Array, nu: Array, p: Array
) -> tuple[list[FeederSolution], dict[str, Warm]]:
    """Feasible duties of each feeder with their price and the bound that the multipliers give; and the warm state."""
    solutions, state = [], {}
    for f, problem in enumerate(problems):
        n, zones = problem.n_slots, len(problem.zones)
        duty, slope, power = np.zeros((zones, n)), np.zeros((zones, n)), np.zeros(n)
        for z in range(zones):
            slots, columns = b.column_at[f][z]
            duty[z, slots] = u[columns]
            slots, rows = b.row_at[f][z]
            slope[z, slots] = y[rows]
        slots, rows = b.load_at[f]
        power[slots] = nu[rows]
        state[problem.feeder.id] = Warm(problem.start_utc_s, duty, slope, power, float(p[f]))
        kept = problem.feasible(duty)
        objective, multipliers = problem.objective(kept), tuple(slope)
        bound = min(dual_bound(problem, multipliers), objective)
        solutions.append(FeederSolution(kept, objective, bound, PlanLabel.OPTIMAL, multipliers))
    return solutions, state
