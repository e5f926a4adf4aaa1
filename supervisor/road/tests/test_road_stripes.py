"""Stripes: bare over the wires, covered between them, and what that costs in heat and minutes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.road import (
    Forcing,
    Pavement,
    build_roads,
    flux_ratio,
    initial_state,
    melt_demand_ratio,
    plough,
    simulate,
)
from supervisor.road.radiation import longwave_down_w_m2
from supervisor.road.stripes import lying_when_bare, share_table, shares

LAYERS = (("asphalt", 0.1), ("base", 0.3))


def overcast(steps: int, air_c: float = -1.0, snow_mm_h: float = 0.0) -> Forcing:
    zero = np.zeros((steps, 1))
    longwave = longwave_down_w_m2(zero + air_c, zero + air_c - 0.5, zero + 1.0)
    return Forcing(zero + air_c, zero + air_c - 0.5, zero + 1.0, zero, longwave, zero, zero + snow_mm_h)


def roads_of(*spacings_m: float, depth_m: float = 0.05) -> list[Pavement]:
    return [Pavement(LAYERS, cable_depth_m=depth_m, cable_spacing_m=spacing) for spacing in spacings_m]


def test_the_flux_over_the_wire_and_between() -> None:
    over, between = flux_ratio(0.05, 0.10, np.array([0.0, 0.05]))
    assert over / between == pytest.approx(1.19, abs=0.01)
    x = np.linspace(0.0, 0.10, 1001)[:-1]
    assert flux_ratio(0.05, 0.10, x).mean() == pytest.approx(1.0, abs=1e-6)
    assert melt_demand_ratio(0.05, 0.10) == pytest.approx(1.0 / between, rel=1e-3)


@given(depth=st.floats(0.02, 0.15), spacing=st.floats(0.05, 0.30), fallen=st.floats(0.5, 20.0))
def test_melting_by_shares_takes_the_heat_of_the_last_stripe(depth: float, spacing: float, fallen: float) -> None:
    """The road is bare when the place that gets least heat is, whatever the geometry."""
    table = np.array([share_table(depth, spacing)])
    bare_from = np.array([float(lying_when_bare(depth, spacing))])
    lying, melted, given_mm, dose = np.array([fallen]), np.zeros(1), 0.0, fallen / 2000.0
    while lying[0] > 1e-9 and given_mm < 30.0 * fallen:
        share = shares(table, bare_from, lying, melted)
        assert 0.0 <= share[0] <= 1.0
        now = np.minimum(dose * share, lying)
        lying, melted, given_mm = lying - now, melted + now, given_mm + dose
    assert given_mm / fallen == pytest.approx(float(melt_demand_ratio(depth, spacing)), rel=0.03)


def test_wide_spacing_keeps_snow_longer_and_the_road_warmer_meanwhile() -> None:
    """The same heat on 5 mm of snow: what misses the snow warms the bare stripes."""
    roads = build_roads(roads_of(0.05, 0.10, 0.20))
    state = initial_state(roads, -0.5, 3.0)
    state.snow_mm[:] = 5.0
    run, end = simulate(roads, state, overcast(360), 300.0, 60.0)
    icy = np.count_nonzero(run.frozen_mm >= 0.1, axis=0)
    assert icy[0] < icy[1] < icy[2]
    assert icy[1] < 1.15 * icy[0]
    assert icy[2] > 1.05 * icy[0]
    late = (run.frozen_mm[:, 2] > 0.1) & (run.frozen_mm[:, 2] < 1.0)
    assert late.any()
    assert np.all(run.surface_c[late, 2] > 0.0)
    assert np.all(np.abs(run.surface_c[(run.frozen_mm[:, 0] > 0.1), 0]) < 0.6)
    assert np.all(end.striped_mm == 0.0)  # bare: the next snow lies evenly


def test_without_heat_there_are_no_stripes() -> None:
    roads = build_roads(roads_of(0.05, 0.30))
    state = initial_state(roads, 4.0, 8.0)
    state.snow_mm[:] = 3.0
    run, end = simulate(roads, state, overcast(96, air_c=2.0), 0.0, 300.0)
    np.testing.assert_allclose(run.frozen_mm[:, 0], run.frozen_mm[:, 1], atol=1e-12)
    assert np.all(end.striped_mm == 0.0)


def test_a_plough_leaves_snow_even() -> None:
    roads = build_roads(roads_of(0.20))
    state = initial_state(roads, -0.5, 3.0)
    state.snow_mm[:] = 6.0
    _, half = simulate(roads, state, overcast(24), 300.0, 300.0)
    assert half.striped_mm[0] > 0.5
    assert plough(half, [0]).striped_mm[0] == 0.0


@settings(max_examples=15, deadline=None)
@given(snow=st.floats(0.2, 12.0), heat=st.floats(50.0, 400.0), spacing=st.sampled_from([0.05, 0.1, 0.2, 0.3]))
def test_energy_and_water_close_with_stripes_and_one_lane_is_as_many(snow: float, heat: float, spacing: float) -> None:
    one, many = build_roads(roads_of(spacing)), build_roads(roads_of(spacing, 0.12))
    forcing, dt = overcast(60, snow_mm_h=0.3), 300.0
    start = initial_state(many, -1.0, 4.0)
    start.snow_mm[:] = snow
    run, end = simulate(many, start, forcing, heat, dt, with_fluxes=True)
    f = run.fluxes
    assert f is not None
    stored = (many.capacity_j_m2k * (end.temperature_c - start.temperature_c)).sum(axis=1)
    stored -= (end.soil_ice_j_m2 - start.soil_ice_j_m2).sum(axis=1)
    terms = f.shortwave + f.longwave + f.emitted + f.sensible + f.latent + f.precipitation + f.traffic + f.residual
    supplied = ((terms + f.phase + f.cable - f.bottom) * dt).sum(axis=0)
    assert np.all(np.abs(stored - supplied) <= 1e-9 * (np.abs(terms) * dt).sum(axis=0))
    mass = end.water_mm + end.frozen_mm - start.water_mm - start.frozen_mm
    moved = (f.precipitated_mm + f.vapour_mm - f.drained_mm).sum(axis=0)
    np.testing.assert_allclose(mass, moved, atol=1e-9)
    single_start = initial_state(one, -1.0, 4.0)
    single_start.snow_mm[:] = snow
    single, last = simulate(one, single_start, forcing, heat, dt)
    np.testing.assert_allclose(single.frozen_mm[:, 0], run.frozen_mm[:, 0], atol=2e-3)
    np.testing.assert_allclose(single.surface_c[:, 0], run.surface_c[:, 0], atol=2e-3)
    assert last.striped_mm[0] == pytest.approx(end.striped_mm[0], abs=2e-3)
