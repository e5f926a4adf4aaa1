"""The fleet solver: many feeders at once by a first-order primal–dual method, each with a certificate.

    max over y, ν  min over u, p   c·u + demand·p − y·(G u) − φ*(−y) + ν·(A u + fixed − p)

The steps are in `iteration`. Feeders are taken by batches that fit the processor's cache; each batch goes on until it
is certified. Multipliers give a lower bound (`certificate.bounds`); a feeder that is not within 1 % goes to the exact
solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from supervisor.domain.plan import SLOT_S, PlanLabel
from supervisor.planner.solve.batch import Batch, Single, assemble
from supervisor.planner.solve.certificate import bounds, feasible, objectives
from supervisor.planner.solve.exact import solve_exact
from supervisor.planner.solve.iteration import Point, iterate, origin, settle
from supervisor.planner.solve.problem import FeederProblem, FeederSolution

COLD_ITERATIONS = 100  # at a time, until certified
WARM_ITERATIONS = 50
MOST_ITERATIONS = 400  # then what is not within 1 % goes to the exact solver
GOOD_GAP = 0.0025  # a kept plan (`stability`) may add 0.3 %; together they stay near 0.5 %
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
            point = iterate(batch, point, step)
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
    """Within `GOOD_GAP` (0.25 %) together, and at most 5 % of the feeders for the exact solver."""
    total = sum(solution.objective for solution in solutions)
    missing = sum(solution.objective - solution.bound for solution in solutions)
    poor = sum(solution.gap > TO_EXACT_GAP for solution in solutions)
    return missing <= GOOD_GAP * total + 1e-9 and poor <= 0.05 * len(solutions)


def _initial(b: Batch, warm: Mapping[str, Warm]) -> Point:
    """Zero, or the last cycle moved on by as many slots as have passed."""
    m = b.cost.shape[1]
    point = origin(b)
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
    settle(b, point)
    return point


def _certify(b: Batch, point: Point) -> list[FeederSolution]:
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


def _kept(b: Batch, point: Point, f: int) -> Warm:
    problem, first = b.problems[f], int(b.first[f])
    mine = slice(first, first + len(problem.zones))
    return Warm(problem.start_utc_s, point.u[mine], point.y[mine], point.nu[f], float(point.p[f, 0]))
