"""The batched figures are those of the feeders one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.zone import Feeder
from supervisor.planner.solve.batch import assemble
from supervisor.planner.solve.certificate import bounds, feasible, objectives
from supervisor.planner.solve.exact import solve_exact
from supervisor.planner.solve.fleet import solve_fleet
from supervisor.planner.solve.problem import FeederProblem, dual_bound

Make = Callable[..., FeederProblem]


def dictated(problem: FeederProblem, rng: np.random.Generator) -> FeederProblem:
    """Some slots of some zones fixed at 0 or 1, as overrides do, as far as the contract allows."""
    zones = []
    for zone in problem.zones:
        fixed = np.full(problem.n_slots, np.nan)
        if rng.random() < 0.4:
            fixed[: rng.integers(1, 30)] = float(rng.random() < 0.3)
        zones.append(replace(zone, fixed_duty=fixed))
    out = replace(problem, zones=tuple(zones))
    return out if out.fixed_kw.max() <= out.contract_kw else problem


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), cap=st.floats(0.1, 1.1), demand_price=st.sampled_from([0.0, 300.0, 5000.0]))
def test_objectives_and_bounds_are_the_feeders_own(
    make_problem: Make, seed: int, cap: float, demand_price: float
) -> None:
    rng = np.random.default_rng(seed)
    problems = []
    for i, zones in enumerate((1, 5, 3)):
        one = dictated(make_problem(zones, 96, 9, seed + i, cap, demand_price, 30.0), rng)
        problems.append(replace(one, feeder=Feeder(id=f"f{i}", contract_kw=one.contract_kw, breaker_kw=9e9)))
    batch = assemble(problems)
    wanted = rng.uniform(-0.2, 1.2, (9, 96)) * (rng.random((9, 1)) < 0.7)
    slope = rng.uniform(-10, 800, (9, 96)) * (rng.random((9, 96)) < 0.4)
    duty, load = feasible(batch, wanted)
    found, proof = objectives(batch, duty, load), bounds(batch, slope)
    for f, (problem, first) in enumerate(zip(problems, batch.first, strict=True)):
        mine = slice(first, first + len(problem.zones))
        np.testing.assert_allclose(duty[mine], problem.feasible(wanted[mine]), atol=1e-12)
        np.testing.assert_allclose(load[f], problem.power_kw @ duty[mine], atol=1e-9)
        assert found[f] == pytest.approx(problem.objective(duty[mine]), rel=1e-9, abs=1e-6)
        assert proof[f] == pytest.approx(dual_bound(problem, tuple(slope[mine])), rel=1e-9, abs=1e-6)


def test_zones_that_nobody_can_heat_leave_no_gap(make_problem: Make) -> None:
    """Out of service, or a slot before an override ends: their shortfall is certain, and part of the bound."""
    problem = make_problem(4, 96, 6, 3, 0.8, 300.0, 30.0)
    fixed = [np.zeros(96), np.full(96, np.nan), np.full(96, np.nan), np.full(96, np.nan)]
    fixed[1][:60] = 0.0
    problem = replace(
        problem, zones=tuple(replace(zone, fixed_duty=f) for zone, f in zip(problem.zones, fixed, strict=True))
    )
    assert solve_exact(problem).gap < 1e-6
    (fleet,), _ = solve_fleet([problem], exact_above=9.0)
    assert fleet.gap < 0.01
