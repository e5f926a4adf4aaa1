"""A plan changes only when that gains something: people must be able to rely on the plan of an hour ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from supervisor.domain.plan import Plan, PlanLabel
from supervisor.planner.plans import unpack
from supervisor.planner.solve.problem import FeederProblem, FeederSolution

WORTH_CHANGING = 0.003  # of the objective; well inside the certified gap that a plan may have anyway
WORTH_CHANGING_FLAT = 50.0  # [currency] below which a change is not worth making


def keep_if_as_good(problem: FeederProblem, solution: FeederSolution, previous: Sequence[Plan]) -> FeederSolution:
    """The last plan's duties where they are still within 0.3 % of the new ones, else the new ones.

    Past the end of the last plan the new duties are used. The bound stays that of today's problem, so the gap that is
    shown is the true one.
    """
    last = {plan.zone: plan for plan in previous if plan.label in (PlanLabel.OPTIMAL, PlanLabel.INCUMBENT)}
    if not all(zone.zone.id in last for zone in problem.zones):
        return solution
    duty = solution.duty.copy()
    for i, zone in enumerate(problem.zones):
        plan = last[zone.zone.id]
        told, _ = unpack(plan, problem.n_slots, problem.start_utc_s)
        known = problem.start_utc_s + 900.0 * np.arange(problem.n_slots) < plan.start_utc_s + plan.slots[-1].start_s
        duty[i] = np.where(known, np.maximum(told, 0.0), duty[i])
    duty = problem.feasible(duty)
    objective = problem.objective(duty)
    if objective - solution.objective > max(WORTH_CHANGING * solution.objective, WORTH_CHANGING_FLAT):
        return solution
    return replace(solution, duty=duty, objective=objective, bound=min(solution.bound, objective))
