from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.planner.phases import (
    PERIOD_S,
    assign_phases,
    keep_phases,
    limit_instants,
    load_at_instants_kw,
)


def test_equal_zones_never_pass_the_mean_by_more_than_one_of_them() -> None:
    power = np.full(6, 50.0)
    duty = np.full((6, 1), 0.35)
    load = load_at_instants_kw(duty, power, assign_phases(duty, power))
    aligned = load_at_instants_kw(duty, power, [0] * 6)
    assert aligned.max() == 300.0
    assert load.max() <= 6 * 0.35 * 50.0 + 50.0
    assert load.mean() == pytest.approx(np.ceil(0.35 * 30) / 30 * 300.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 12), st.integers(0, 10_000))
def test_phases_are_on_the_grid_and_no_worse_than_starting_together(zones: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    duty, power = rng.random((zones, n)), rng.uniform(20, 90, zones)
    phases = assign_phases(duty, power)
    assert all(0 <= p < PERIOD_S and p % 30 == 0 for p in phases)
    best = load_at_instants_kw(duty, power, phases).max()
    assert best <= load_at_instants_kw(duty, power, [0] * zones).max() + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 8), st.integers(0, 10_000), st.floats(0, 250))
def test_instants_stay_below_the_breaker_and_duties_are_only_lowered(
    zones: int, n: int, seed: int, breaker_kw: float
) -> None:
    rng = np.random.default_rng(seed)
    duty, power = rng.random((zones, n)), rng.uniform(20, 90, zones)
    phases = assign_phases(duty, power)
    out = limit_instants(duty, power, phases, breaker_kw, list(range(zones)))
    assert load_at_instants_kw(out, power, phases).max() <= breaker_kw + 1e-6
    assert (out <= duty + 1e-12).all()


def test_the_least_important_zone_is_cut_first() -> None:
    power = np.array([60.0, 60.0])
    duty = np.ones((2, 3))
    out = limit_instants(duty, power, [0, 0], 60.0, [1, 0])
    assert out[0].tolist() == [1.0, 1.0, 1.0]
    assert out[1].tolist() == [0.0, 0.0, 0.0]


def test_phases_stay_until_they_cost_headroom() -> None:
    power = np.array([60.0, 60.0])
    half = np.full((2, 4), 0.5)
    assert keep_phases(half, power, [300, 750], 120.0) == (300, 750)  # still end to end
    assert keep_phases(half, power, [300, 300], 120.0) != (300, 300)  # together: twice the instant
    assert keep_phases(np.ones((2, 4)), power, [300, 300], 120.0) == (300, 300)  # always on: no matter
    assert len(keep_phases(half, power, [], 120.0)) == 2


@pytest.mark.parametrize("period_s", [600, 900, 1200])
def test_phases_and_instants_follow_the_boards_period(period_s: int) -> None:
    power, half = np.full(2, 60.0), np.full((2, 1), 0.5)
    phases = assign_phases(half, power, period_s)
    load = load_at_instants_kw(half, power, phases, period_s)
    assert load.shape == (1, period_s // 30)
    assert load.max() == 60.0  # one after the other
    assert max(phases) < period_s
    assert keep_phases(half, power, phases, 120.0, period_s) == phases
    out = limit_instants(np.ones((2, 1)), power, [0, 0], 60.0, [1, 0], period_s)
    assert load_at_instants_kw(out, power, [0, 0], period_s).max() <= 60.0


def test_a_phase_beyond_a_shorter_period_is_not_kept() -> None:
    assert max(keep_phases(np.full((2, 1), 0.5), np.full(2, 60.0), [0, 870], 120.0, 600)) < 600
