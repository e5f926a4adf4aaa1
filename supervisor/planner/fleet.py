"""The fleet solver: many feeders at once by a first-order primal–dual method, each with a certificate.

    max over y, ν  min over u, p   c·u + demand·p − y·(G u) − φ*(−y) + ν·(A u + fixed − p)

PDHG (Chambolle and Pock 2011) with diagonal steps, over-relaxed (Condat 2013). φ's proximal step has a closed form:
y ← max(0, max_j min(slope_j, z + σ·b_j)), b_j the breakpoints. Feeders are taken by batches that fit the processor's
cache; each batch goes on until it is certified. Multipliers give a lower bound (`certificate.bounds`); a feeder that is
not within 1 % goes to the exact solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from supervisor.domain.plan import SLOT_S, PlanLabel
from supervisor.planner.batch import Batch, Single, assemble
from supervisor.planner.certificate import bounds, feasible, objectives
from supervisor.planner.exact import solve_exact
from supervisor.planner.problem import FeederProblem, FeederSolution

COLD_ITERATIONS = 100  # at a time, until certified
WARM_ITERATIONS = 50
MOST_ITERATIONS = 400  # then what is not within 1 % goes to the exact solver
GOOD_GAP = 0.0025  # a kept plan (`stability`) may add 0.3 %; together they stay near 0.5 %
RELAXATION = 1.8  # below 2; half the iterations of restarted averages at the same gap
TO_EXACT_GAP = 0.01
BATCH_ZONES = 100  # 4 MB: a batch's kernels stay in the cache through its iterations


@dataclass(frozen=True)
class Warm:
    """What a feeder's next solve starts from; about 1 kB a zone. M slots: none later is at risk."""

    start_utc_s: float
    duty: Single  # (Z, M)
    slope: Single  # (Z, M) multipliers of φ
    power: Single  # (M,) multipliers of the feeder's limit
    peak_kw: float


@dataclass
class _Point:
    """Where the iteration is."""

    u: Single  # (Z, M)
    y: Single  # (Z, M)
    nu: Single  # (F, M)
    p: Single  # (F, 1)


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
    solutions: dict[int, FeederSolution] = {}
    state: dict[str, Warm] = {}
    for index in _batches(problems):
        batch = assemble([problems[i] for i in index])
        point, done = _initial(batch, known), 0
        step = iterations or (WARM_ITERATIONS if all(p.feeder.id in known for p in batch.problems) else COLD_ITERATIONS)
        while True:
            point = _iterate(batch, point, step)
            done += step
            found = _certify(batch, point)
            if iterations is not None or done >= MOST_ITERATIONS or _good_enough(found):
                break
        for f, (i, solution) in enumerate(zip(index, found, strict=True)):
            problem = problems[i]
            solutions[i] = solve_exact(problem) if solution.gap > exact_above else solution
            state[problem.feeder.id] = _kept(batch, point, f)
    return [solutions[i] for i in range(len(problems))], state


def _batches(problems: Sequence[FeederProblem]) -> Iterator[list[int]]:
    """Indices of feeders with equally many slots, together at most 100 zones or one feeder."""
    held: list[int] = []
    zones = 0
    for i, problem in enumerate(problems):
        if held and (zones + len(problem.zones) > BATCH_ZONES or problem.n_slots != problems[held[0]].n_slots):
            yield held
            held, zones = [], 0
        held.append(i)
        zones += len(problem.zones)
    if held:
        yield held


def _good_enough(solutions: Sequence[FeederSolution]) -> bool:
    """Within 0.4 % together, and hardly any feeder for the exact solver."""
    total = sum(solution.objective for solution in solutions)
    missing = sum(solution.objective - solution.bound for solution in solutions)
    poor = sum(solution.gap > TO_EXACT_GAP for solution in solutions)
    return missing <= GOOD_GAP * total + 1e-9 and poor <= 0.05 * len(solutions)


def _iterate(b: Batch, start: _Point, iterations: int) -> _Point:
    """PDHG; returns the last step's end. Buffers are reused: at this size allocation would cost as much."""
    u, y, nu, p = start.u.copy(), start.y.copy(), start.nu.copy(), start.p.copy()
    lift, heat = np.empty((*u.shape, 1), np.float32), np.empty((len(u), 1, u.shape[1]), np.float32)
    ahead, u1, y1, trial = np.empty_like(u), np.empty_like(u), np.empty_like(u), np.empty_like(u)
    pushed = b.step_y * b.breaks
    power_t = np.ascontiguousarray(b.power.T)
    relax = np.float32(RELAXATION)
    nu1, p1 = nu, p
    for _ in range(iterations):
        np.matmul(y[:, None, :], b.kernel, out=heat)
        np.matmul(power_t, nu, out=u1)
        u1 += b.cost
        u1 -= heat[:, 0]
        u1 *= b.step_u
        np.subtract(u, u1, out=u1)
        np.maximum(u1, 0.0, out=u1)
        np.minimum(u1, b.most, out=u1)
        p1 = np.clip(p - b.step_p * (b.demand - nu.sum(axis=1, keepdims=True)), b.low_kw, b.high_kw)

        np.subtract(u1, u, out=trial)
        np.add(u1, trial, out=ahead)
        trial *= relax
        u += trial
        np.matmul(b.kernel, ahead[:, :, None], out=lift)
        lifted = lift[:, :, 0]
        lifted *= b.step_y
        np.subtract(y, lifted, out=lifted)
        y1.fill(0.0)
        for slope, push in zip(b.slopes, pushed, strict=True):
            np.add(lifted, push, out=trial)
            np.minimum(trial, slope, out=trial)
            np.maximum(y1, trial, out=y1)
        nu1 = np.maximum(nu + b.step_nu * (b.power @ ahead + b.fixed_kw - (2.0 * p1 - p)), 0.0)

        np.subtract(y1, y, out=trial)
        trial *= relax
        y += trial
        nu += relax * (nu1 - nu)
        p += relax * (p1 - p)
    return _Point(u1, y1, nu1, p1)


def _initial(b: Batch, warm: Mapping[str, Warm]) -> _Point:
    """Zero, or the last cycle moved on by as many slots as have passed."""
    zones, m = b.cost.shape
    point = _Point(
        np.zeros((zones, m), np.float32), np.zeros((zones, m), np.float32), np.zeros_like(b.fixed_kw), b.low_kw.copy()
    )
    for f, problem in enumerate(b.problems):
        before = warm.get(problem.feeder.id)
        count = len(problem.zones)
        if before is None or before.duty.shape[0] != count:
            continue
        shift = round((problem.start_utc_s - before.start_utc_s) / SLOT_S)
        length = min(m, before.duty.shape[1] - shift)
        if shift < 0 or length <= 0:
            continue
        mine = slice(int(b.first[f]), int(b.first[f]) + count)
        point.u[mine, :length] = before.duty[:, shift : shift + length]
        point.y[mine, :length] = before.slope[:, shift : shift + length]
        point.nu[f, :length] = before.power[shift : shift + length]
        point.p[f] = np.clip(before.peak_kw, b.low_kw[f], b.high_kw[f])
    point.u *= b.most
    np.copyto(point.y, b.settled, where=b.settled > 0.0)
    return point


def _certify(b: Batch, point: _Point) -> list[FeederSolution]:
    """Feasible duties of each feeder with their price and the bound that the multipliers give."""
    n = b.problems[0].n_slots
    duty, slope = np.zeros((2, len(b.zones), n))
    duty[:, : b.slots], slope[:, : b.slots] = point.u, point.y
    duty, load = feasible(b, duty)
    objective = objectives(b, duty, load)
    bound = np.minimum(bounds(b, slope), objective)
    return [
        FeederSolution(
            duty[first : first + len(problem.zones)],
            float(objective[f]),
            float(bound[f]),
            PlanLabel.OPTIMAL,
            tuple(slope[first : first + len(problem.zones)]),
        )
        for f, (problem, first) in enumerate(zip(b.problems, b.first.tolist(), strict=True))
    ]


def _kept(b: Batch, point: _Point, f: int) -> Warm:
    problem, first = b.problems[f], int(b.first[f])
    mine = slice(first, first + len(problem.zones))
    return Warm(problem.start_utc_s, point.u[mine], point.y[mine], point.nu[f], float(point.p[f, 0]))
