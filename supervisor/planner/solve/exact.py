"""The exact solver: guess by a first-order iteration, let HiGHS solve what the guess leaves open, certify the whole.

In a large feeder most duties and nearly all segments of φ are clear from afar; the simplex is left with a third of the
columns and begins near its end (`programme`). The certificate tells whether the guess settled the right ones
(`problem.dual_bound`, on the whole feeder): a gap that rounding does not explain has the feeder solved again with
nothing left out, from the better guess that the answer is. Small feeders, and those that the iteration is slow on,
HiGHS solves without a guess.
"""

from __future__ import annotations

import math
import time

import numpy as np

from supervisor.domain.plan import PlanLabel
from supervisor.planner.solve.batch import assemble
from supervisor.planner.solve.certificate import bounds, feasible, objectives
from supervisor.planner.solve.iteration import iterate, origin, settle
from supervisor.planner.solve.penalty import Array
from supervisor.planner.solve.problem import FeederProblem, FeederSolution, ZoneProblem, dual_bound
from supervisor.planner.solve.programme import Guess, Programme

TIME_LIMIT_S = 20.0  # a quarter of what a 15 min cycle leaves for a retry; a feeder takes 0.03 s
# From 100 HiGHS takes longer by more than they save, and one feeder in six a second round; from 200 it gains nothing.
_ITERATIONS = 150
_GUESS_ROWS = 250  # slots of zones at risk from which on a guess pays: it costs 6 ms, HiGHS without one 20 ms there
_GOOD_GAP = 0.02  # from a worse guess the simplex takes longer than without one
_EXACT_GAP = 1e-7  # relative; the simplex's own tolerances


def solve_exact(problem: FeederProblem, time_limit_s: float = TIME_LIMIT_S) -> FeederSolution:
    """The cheapest plan of a feeder, or the best one found when time runs out, labelled so.

    Raises PlanError if the problem is malformed (`FeederProblem.check`).
    """
    problem.check()
    if not any(zone.at_risk for zone in problem.zones):
        duty = problem.feasible(np.zeros((len(problem.zones), problem.n_slots)))
        objective = problem.objective(duty)
        idle = tuple(np.zeros(problem.n_slots) for _ in problem.zones)
        return FeederSolution(duty, objective, objective, PlanLabel.OPTIMAL, idle)
    end_s = time.monotonic() + time_limit_s
    rows = sum(np.count_nonzero(zone.penalty.start_k > 0.0) for zone in problem.zones)
    guess = first_guess(problem) if rows >= _GUESS_ROWS else None
    return solve_from(problem, guess, end_s - time.monotonic())


def solve_from(problem: FeederProblem, guess: Guess | None, time_limit_s: float) -> FeederSolution:
    """The same from a guess, right or wrong, or from nothing; the problem is checked and has a zone at risk."""
    end_s = time.monotonic() + time_limit_s
    doubts = (math.inf,) if guess is None else (1.0, math.inf)
    guess = guess or Guess.nothing(problem)
    best = None
    for doubt in doubts:
        left_s = end_s - time.monotonic()
        answer = Programme(problem, guess, doubt).solve(left_s) if left_s > 0.0 else None
        if answer is None or answer.timed_out:
            break
        if answer.guess is None:  # what was left open has no solution beside what was settled
            continue
        guess = answer.guess
        best = _better(best, _certified(problem, guess, PlanLabel.OPTIMAL))
        if best.gap <= _EXACT_GAP or doubt == math.inf:
            return best
    return _better_of_simple(problem, _better(best, _certified(problem, guess, PlanLabel.INCUMBENT)))


def first_guess(problem: FeederProblem) -> Guess | None:
    """Duties and multipliers after some steps from nothing; None where that is not near the best plan."""
    batch = assemble([problem])
    point = origin(batch)
    settle(batch, point)
    point = iterate(batch, point, _ITERATIONS)
    duty, slope = np.zeros((2, len(problem.zones), problem.n_slots))
    power = np.zeros(problem.n_slots)
    duty[:, : batch.slots], slope[:, : batch.slots], power[: batch.slots] = point.u, point.y, point.nu[0]
    objective = float(objectives(batch, *feasible(batch, duty))[0])
    good = objective - float(bounds(batch, slope)[0]) <= _GOOD_GAP * objective
    return Guess(duty, slope, power) if good else None


def _certified(problem: FeederProblem, guess: Guess, label: PlanLabel) -> FeederSolution:
    """The feasible plan next to the guess's duties, with the bound that its multipliers prove."""
    duty = problem.feasible(guess.duty)
    slope = tuple(
        worth if zone.free.any() else zone.penalty.slope_at(zone.kernel @ zone.fixed_duty)  # no duty changes it
        for zone, worth in zip(problem.zones, guess.slope, strict=True)
    )
    objective = problem.objective(duty)
    return FeederSolution(duty, objective, min(dual_bound(problem, slope), objective), label, slope)


def _better(one: FeederSolution | None, other: FeederSolution) -> FeederSolution:
    """The cheaper plan, with the better proof of the two."""
    if one is None:
        return other
    cheaper, proof = min(one, other, key=lambda s: s.objective), max(one, other, key=lambda s: s.bound)
    bound = min(proof.bound, cheaper.objective)
    return FeederSolution(cheaper.duty, cheaper.objective, bound, other.label, proof.multipliers)


def _better_of_simple(problem: FeederProblem, held: FeederSolution) -> FeederSolution:
    """Out of time: the cheapest among what is held, nothing, and full heat wherever a member falls short."""
    eager = problem.feasible(np.array([_heat_when_short(zone) for zone in problem.zones]).reshape(held.duty.shape))
    duty = min((held.duty, problem.feasible(np.zeros_like(eager)), eager), key=problem.objective)
    objective = problem.objective(duty)
    return FeederSolution(duty, objective, min(held.bound, objective), PlanLabel.INCUMBENT, held.multipliers)


def _heat_when_short(zone: ZoneProblem) -> Array:
    """Full duty in every slot that falls short, and in the four before: as one would by hand."""
    short = (zone.penalty.start_k > 0.0).astype(np.float64)
    ahead = [np.concatenate([short[k:], np.zeros(k)]) for k in range(5)]
    return np.asarray(np.max(ahead, axis=0))
