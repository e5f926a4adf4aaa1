from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from supervisor.domain.errors import PlanError
from supervisor.domain.zone import Feeder
from supervisor.planner.solve.exact import solve_exact
from supervisor.planner.solve.fleet import WARM_ITERATIONS, solve_fleet
from supervisor.planner.solve.problem import FeederProblem

Make = Callable[..., FeederProblem]


def several(make: Make, count: int, **kw: object) -> list[FeederProblem]:
    problems = []
    for seed in range(count):
        problem = make(zones=6, seed=seed, **kw)
        feeder = Feeder(id=f"f{seed}", contract_kw=problem.contract_kw, breaker_kw=10_000)
        problems.append(replace(problem, feeder=feeder))
    return problems


@pytest.mark.parametrize(("members", "demand_price"), [(1, 0.0), (1, 500.0), (12, 500.0)])
def test_it_comes_within_one_percent_of_the_exact_solver(make_problem: Make, members: int, demand_price: float) -> None:
    problems = several(make_problem, 5, members=members, demand_price=demand_price, peak_so_far_kw=40.0)
    solutions, _ = solve_fleet(problems, exact_above=9.0)
    for problem, solution in zip(problems, solutions, strict=True):
        best = solve_exact(problem)
        assert best.objective - 1e-6 <= solution.objective <= 1.01 * best.objective
        assert solution.bound <= best.objective * (1 + 1e-9)
        assert (problem.power_kw @ solution.duty).max() <= problem.contract_kw + 1e-6


def test_a_warm_start_needs_a_fraction_of_the_work(make_problem: Make) -> None:
    problems = several(make_problem, 4, members=8, demand_price=500.0)
    _, warm = solve_fleet(problems)
    cold, _ = solve_fleet(problems, iterations=50, exact_above=9.0)
    again, _ = solve_fleet(problems, warm, iterations=50, exact_above=9.0)
    assert np.mean([s.gap for s in again]) < 0.2 * np.mean([s.gap for s in cold])
    assert WARM_ITERATIONS <= 50


def test_warm_starts_are_shifted_with_time(make_problem: Make) -> None:
    problem = make_problem(zones=3, members=4, n=100, seed=1)
    now = replace(problem, price=problem.price[:96], zones=tuple(cut(z, 0, 96) for z in problem.zones))
    later = replace(
        problem,
        start_utc_s=problem.start_utc_s + 4 * 900,
        price=problem.price[4:],
        zones=tuple(cut(z, 4, 100) for z in problem.zones),
    )
    _, warm = solve_fleet([now])
    shifted, _ = solve_fleet([later], warm, iterations=50, exact_above=9.0)
    unshifted, _ = solve_fleet(
        [later], {"f1": replace(warm["f1"], start_utc_s=later.start_utc_s)}, iterations=50, exact_above=9.0
    )
    assert shifted[0].gap < unshifted[0].gap


def cut(zone, first: int, last: int):  # type: ignore[no-untyped-def]
    return replace(
        zone,
        kernel=zone.kernel[first:last, first:last],
        shortfall_k=zone.shortfall_k[:, first:last],
        fixed_duty=zone.fixed_duty[first:last],
    )


def test_what_is_not_certified_goes_to_the_exact_solver(make_problem: Make) -> None:
    problems = several(make_problem, 3, demand_price=500.0)
    solutions, _ = solve_fleet(problems, iterations=10)
    assert max(solution.gap for solution in solutions) < 0.01


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    cap=st.floats(0.0, 1.2),
    demand_price=st.floats(0, 5_000),
    peak=st.floats(0, 500),
    weight=st.just(0.0) | st.floats(1, 1e5),
)
@example(seed=0, cap=1.0, demand_price=1e-135, peak=0.0, weight=4179.0)  # a price below rounding
def test_any_problem_gets_a_feasible_plan_and_a_valid_bound(
    make_problem: Make, seed: int, cap: float, demand_price: float, peak: float, weight: float
) -> None:
    problem = make_problem(3, 96, 3, seed, cap, demand_price, peak, weight)
    (solution,), _ = solve_fleet([problem], iterations=100, exact_above=9.0)
    assert (problem.power_kw @ solution.duty).max() <= problem.contract_kw + 1e-6
    assert solution.bound <= solve_exact(problem).objective + 1e-6


def test_dry_feeders_cost_nothing_and_malformed_ones_are_named(make_problem: Make) -> None:
    problem = make_problem(zones=2)
    dry = replace(problem, zones=tuple(replace(z, shortfall_k=np.full((1, 96), -np.inf)) for z in problem.zones))
    (solution,), _ = solve_fleet([dry])
    assert solution.objective == 0.0
    with pytest.raises(PlanError, match="z00"):
        solve_fleet([replace(problem, zones=(replace(problem.zones[0], weight=-1.0), problem.zones[1]))])
