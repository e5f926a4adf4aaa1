from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.errors import PlanError
from supervisor.domain.plan import PlanLabel
from supervisor.planner.solve.exact import first_guess, solve_exact, solve_from
from supervisor.planner.solve.fleet import solve_fleet
from supervisor.planner.solve.penalty import fold_penalty
from supervisor.planner.solve.problem import FeederProblem, dual_bound
from supervisor.planner.solve.programme import Guess, Programme

Make = Callable[..., FeederProblem]


@given(
    members=st.integers(1, 8),
    seed=st.integers(0, 10_000),
    lift=st.floats(0, 12),
)
def test_the_folded_penalty_is_the_mean_over_members(members: int, seed: int, lift: float) -> None:
    rng = np.random.default_rng(seed)
    r = np.where(rng.random((members, 7)) < 0.3, -np.inf, rng.normal(2, 4, (members, 7)))
    direct = 500.0 * 0.25 * np.maximum(r - lift, 0.0).mean(axis=0)
    folded = fold_penalty(r, 500.0).cost(np.full(7, lift))
    assert folded == pytest.approx(direct, abs=500.0 * 0.25 * 0.021 * members)


def test_many_members_are_folded_into_few_segments_at_little_loss() -> None:
    rng = np.random.default_rng(4)
    r = rng.normal(3, 2, (40, 50))
    folded = fold_penalty(r, 500.0)
    assert folded.slope.shape[1] <= 8
    for lift in (0.0, 1.0, 3.0, 5.0):
        direct = 500.0 * 0.25 * np.maximum(r - lift, 0.0).mean(axis=0)
        assert np.abs(folded.cost(np.full(50, lift)) - direct).max() < 0.05 * 500.0 * 0.25


def test_a_dry_night_costs_nothing_and_heats_nothing(make_problem: Make) -> None:
    problem = make_problem(zones=3)
    dry = replace(problem, zones=tuple(replace(z, shortfall_k=np.full((1, 96), -np.inf)) for z in problem.zones))
    solution = solve_exact(dry)
    assert solution.objective == 0.0
    assert not solution.duty.any()
    assert solution.label is PlanLabel.OPTIMAL


def test_preheating_moves_into_the_cheap_hours_before_the_storm(make_problem: Make) -> None:
    problem = make_problem(zones=1, cap=1.0)
    zone = problem.zones[0]
    r = np.full((1, 96), -np.inf)
    r[0, 40:52] = 4.0
    price = np.full(96, 200.0)
    price[28:36] = 50.0
    solution = solve_exact(replace(problem, price=price, zones=(replace(zone, shortfall_k=r, weight=1e6),)))
    assert solution.duty[0, :52].sum() > 0
    assert not solution.duty[0, 52:].any()
    assert solution.duty[0, 28:36].sum() > 0.5  # bought early although half of it leaks away
    lift = problem.lift_k(solution.duty)[0]
    assert lift[40:52].min() == pytest.approx(4.0, abs=0.05)


def test_the_multipliers_prove_optimality(make_problem: Make) -> None:
    for seed in range(4):
        problem = make_problem(zones=5, members=6, seed=seed, demand_price=800.0, peak_so_far_kw=40.0)
        solution = solve_exact(problem)
        assert solution.label is PlanLabel.OPTIMAL
        assert solution.gap < 1e-6
        assert dual_bound(problem, solution.multipliers) == pytest.approx(solution.objective, rel=1e-6)


def test_where_a_peak_is_not_billed_only_the_contract_limits_it(make_problem: Make) -> None:
    """Hours 22 to 8 set no base charge: the night's heat is bought there, and no more in the billed hours."""
    problem = make_problem(zones=6, members=4, seed=1, cap=0.9, demand_price=9_000.0)
    hour = (np.arange(problem.n_slots) * 0.25) % 24
    day = (hour >= 8) & (hour < 22)
    for solve in (solve_exact, lambda one: solve_fleet([one])[0][0]):
        all_billed, by_day = (solve(replace(problem, peak_billed=mask)) for mask in (None, day))
        load = problem.power_kw @ by_day.duty
        assert load.max() <= problem.contract_kw + 1e-6
        assert by_day.objective < all_billed.objective
        assert load[~day].max() > 1.05 * (problem.power_kw @ all_billed.duty).max()
        assert by_day.gap < 0.01
    nothing_billed = solve_exact(replace(problem, peak_billed=np.zeros(problem.n_slots, dtype=bool)))
    free = solve_exact(replace(problem, demand_price=0.0))
    assert nothing_billed.objective == pytest.approx(free.objective, rel=1e-6)
    with pytest.raises(PlanError, match="billed peaks"):
        replace(problem, peak_billed=day[1:]).check()


@settings(max_examples=25, deadline=None)
@given(
    zones=st.integers(1, 5),
    members=st.integers(1, 5),
    seed=st.integers(0, 10_000),
    cap=st.floats(0.0, 1.2),
    demand_price=st.floats(0, 20_000),
    peak=st.floats(0, 500),
    weight=st.just(0.0) | st.floats(1, 1e5),
)
def test_there_is_always_a_plan_within_the_power(
    make_problem: Make, zones: int, members: int, seed: int, cap: float, demand_price: float, peak: float, weight: float
) -> None:
    problem = make_problem(zones, 96, members, seed, cap, demand_price, peak, weight)
    solution = solve_exact(problem)
    load = problem.power_kw @ solution.duty
    assert solution.duty.min() >= 0.0
    assert solution.duty.max() <= 1.0
    assert load.max() <= problem.contract_kw + 1e-6
    nothing = problem.objective(np.zeros_like(solution.duty))
    assert solution.objective <= nothing + 1e-6
    assert solution.bound <= solution.objective + 1e-6
    assert solution.gap < 1e-4


def test_scarce_power_goes_where_it_is_worth_most(make_problem: Make) -> None:
    problem = make_problem(zones=2, cap=0.3)
    r = np.full((1, 96), -np.inf)
    r[0, 30:60] = 8.0
    kernel = problem.zones[0].kernel
    steep, flat = (
        replace(zone, kernel=kernel, power_kw=60.0, shortfall_k=r, weight=w)
        for zone, w in zip(problem.zones, (12_000.0, 3_000.0), strict=True)
    )
    solution = solve_exact(replace(problem, zones=(steep, flat), contract_kw=60.0))
    assert solution.duty[0].sum() > 3 * solution.duty[1].sum()


def test_an_override_takes_its_power_and_others_get_the_rest(make_problem: Make) -> None:
    problem = make_problem(zones=2, cap=1.0, seed=3)
    fixed = np.full(96, np.nan)
    fixed[:60] = 1.0
    on = replace(problem.zones[0], fixed_duty=fixed)
    tight = replace(problem, zones=(on, problem.zones[1]), contract_kw=on.power_kw + 10.0)
    solution = solve_exact(tight)
    assert (solution.duty[0, :60] == 1.0).all()
    assert (problem.power_kw[1] * solution.duty[1, :60]).max() <= 10.0 + 1e-6
    with pytest.raises(PlanError, match="overrides need") as error:
        solve_exact(replace(tight, contract_kw=on.power_kw - 1.0))
    assert error.value.code == "plan-cap-below-override"


def test_a_raised_peak_is_paid_once_and_last_months_peak_is_free(make_problem: Make) -> None:
    kw: dict[str, float] = {"cap": 1.0, "seed": 5}
    free = solve_exact(make_problem(zones=3, demand_price=0.0, **kw))
    priced = solve_exact(make_problem(zones=3, demand_price=5_000.0, **kw))
    paid = solve_exact(make_problem(zones=3, demand_price=5_000.0, peak_so_far_kw=1_000.0, **kw))
    power = make_problem(zones=3, **kw).power_kw
    assert (power @ priced.duty).max() < 0.8 * (power @ free.duty).max()
    assert paid.objective == pytest.approx(free.objective, rel=1e-6)


def test_out_of_time_still_gives_a_labelled_plan(make_problem: Make) -> None:
    problem = make_problem(zones=10, members=10, seed=1)
    solution = solve_exact(problem, time_limit_s=0.0)
    assert solution.label is PlanLabel.INCUMBENT
    assert (problem.power_kw @ solution.duty).max() <= problem.contract_kw + 1e-6
    assert solution.bound <= solution.objective
    assert solution.gap > 0.0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"weight": -1.0}, "plan-weight"),
        ({"weight": float("nan")}, "plan-weight"),
        ({"power_kw": 0.0}, "plan-power"),
        ({"shortfall_k": np.zeros((1, 95))}, "plan-members"),
        ({"shortfall_k": np.full((1, 96), np.nan)}, "plan-nan"),
        ({"fixed_duty": np.zeros(95)}, "plan-shape"),
    ],
)
def test_a_malformed_zone_is_named(make_problem: Make, change: dict[str, object], code: str) -> None:
    problem = make_problem(zones=2)
    bad = replace(problem, zones=(problem.zones[0], replace(problem.zones[1], **change)))  # type: ignore[arg-type]
    with pytest.raises(PlanError, match="z01") as error:
        solve_exact(bad)
    assert error.value.code == code


def test_a_horizon_below_six_hours_is_refused(make_problem: Make) -> None:
    problem = make_problem(zones=1)
    with pytest.raises(PlanError, match="horizon of 5 h"):
        solve_exact(replace(problem, price=problem.price[:20]))


@pytest.fixture(scope="module")
def large(make_problem: Make) -> FeederProblem:
    """So many slots at risk that a guess pays."""
    problem = make_problem(zones=20, members=10, seed=2, cap=0.5, demand_price=500.0, peak_so_far_kw=60.0)
    assert sum(np.count_nonzero(zone.penalty.start_k > 0.0) for zone in problem.zones) > 400
    return problem


def test_a_large_feeder_is_solved_as_well_from_a_guess_as_from_nothing(large: FeederProblem) -> None:
    guess = first_guess(large)
    assert guess is not None
    start = large.objective(large.feasible(guess.duty))
    whole, guessed = solve_from(large, None, 20.0), solve_from(large, guess, 20.0)
    assert guessed.label is whole.label is PlanLabel.OPTIMAL
    assert guessed.objective == pytest.approx(whole.objective, rel=1e-7)
    assert guessed.objective < start  # the guess alone would not do
    assert max(guessed.gap, whole.gap) < 1e-7


def test_a_guess_makes_the_programme_small(large: FeederProblem) -> None:
    guess = first_guess(large)
    assert guess is not None
    assert Programme(large, guess, 1.0).columns < 0.6 * Programme(large, guess, math.inf).columns


@pytest.mark.parametrize("seed", range(4))
def test_a_guess_that_is_wrong_costs_time_and_no_more(make_problem: Make, seed: int) -> None:
    problem = make_problem(zones=4, members=8, seed=seed, cap=0.4, demand_price=500.0, peak_so_far_kw=30.0)
    rng = np.random.default_rng(seed)
    duty = rng.choice([0.0, 1.0], (4, 96))
    steep = np.array([zone.penalty.slope.max() for zone in problem.zones])[:, None]
    wrong = Guess(duty, steep * rng.choice([0.0, 1.0], (4, 96)), rng.choice([0.0, 500.0], 96))
    solution = solve_from(problem, wrong, 20.0)
    assert solution.label is PlanLabel.OPTIMAL
    assert solution.objective == pytest.approx(solve_exact(problem).objective, rel=1e-7)
    assert solution.gap < 1e-7


def test_what_comes_in_too_late_is_certified_all_the_same(large: FeederProblem) -> None:
    guess = first_guess(large)
    solution = solve_from(large, guess, 0.0)
    assert solution.label is PlanLabel.INCUMBENT
    assert 1e-7 < solution.gap < 0.02
    assert (large.power_kw @ solution.duty).max() <= large.contract_kw + 1e-6


def test_with_all_zones_in_peoples_hands_nothing_is_left_to_plan(make_problem: Make) -> None:
    problem = make_problem(zones=2, cap=1.0)
    held = tuple(replace(zone, fixed_duty=np.full(96, on)) for zone, on in zip(problem.zones, (0.0, 1.0), strict=True))
    solution = solve_exact(replace(problem, zones=held))
    assert solution.duty.tolist() == [[0.0] * 96, [1.0] * 96]
    assert solution.label is PlanLabel.OPTIMAL
    assert solution.gap < 1e-9
