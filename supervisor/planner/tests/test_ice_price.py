"""What a plan pays for: an hour of ice, whatever kelvins keep it away, and more at some hours of the day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from supervisor.planner.foresee.physics import foresee
from supervisor.planner.solve.problem import ZoneProblem
from supervisor.planner.tests.conftest import a_zone, slab_kernel
from supervisor.planner.tests.test_worth import HEAT, ROADS, lying, night

N = 96


def zone(shortfall_k: np.ndarray, worth: np.ndarray | None = None) -> ZoneProblem:
    return ZoneProblem(a_zone(0, power_kw=60.0), 60.0, slab_kernel(N), shortfall_k, 1000.0, np.full(N, np.nan), worth)


def slots(kelvins: float) -> np.ndarray:
    return np.full((1, N), kelvins)


def test_an_hour_of_ice_costs_the_same_whatever_keeps_it_away() -> None:
    unheated = [zone(slots(k)).penalty.cost(np.zeros(N)) for k in (1.0, 4.0, 12.0)]
    for cost in unheated:
        assert cost.sum() == pytest.approx(1000.0 * N / 4)
    assert zone(slots(4.0)).penalty.cost(np.full(N, 4.0)).sum() == pytest.approx(0.0)
    assert zone(slots(4.0)).penalty.cost(np.full(N, 1.0)).sum() == pytest.approx(0.75 * 1000.0 * N / 4)  # the chord


def test_no_price_is_above_that_of_the_ice_it_stands_for() -> None:
    """Convex, and nowhere above the step that it replaces: so no plan looks dearer than its ice."""
    rng = np.random.default_rng(1)
    short = rng.uniform(-3.0, 8.0, (5, N))
    lifts = np.linspace(0.0, 8.0, 33)
    costs = np.array([zone(short).penalty.cost(np.full(N, lift)) for lift in lifts])
    steps = np.array([(np.maximum(short, 0.0) > lift).mean(axis=0) * 250.0 for lift in lifts])
    assert (costs <= steps + 1e-6).all()
    assert (np.diff(costs, 2, axis=0) >= -1e-6).all()


def test_a_road_that_is_nearly_safe_is_not_worth_a_whole_hour() -> None:
    assert zone(slots(0.25)).penalty.cost(np.zeros(N)).sum() == pytest.approx(0.25 * 1000.0 * N / 4)


def test_ice_at_the_hour_when_children_walk_is_worth_more_heat() -> None:
    """0.5 mm of ice through a night of −2 °C, with hours 6 to 8 of the plan counted three times."""
    use = np.ones((1, N))
    use[0, 24:32] = 3.0
    usual, school, never = (
        foresee(ROADS, lying(-1.0, 0.5), night(-2.0), HEAT, 0.1, weights).outlooks[0].worth
        for weights in (None, use, 0.0 * use)
    )
    needed = usual != 1.0
    assert needed.any()
    assert (school[needed] > usual[needed]).all()
    assert school[needed].max() <= 3.0 * usual[needed].max()
    assert (never[needed] == 0.0).all()
    same = foresee(ROADS, lying(-1.0, 0.5), night(-2.0), HEAT, 0.1, np.ones((1, N))).outlooks[0].worth
    np.testing.assert_allclose(same, usual)


def test_weight_nothing_costs_nothing() -> None:
    assert replace(zone(slots(4.0)), weight=0.0).penalty.cost(np.zeros(N)).sum() == 0.0
