"""Conservation, monotone response, batching, splitting and bad input of the whole step."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.errors import PhysicsError
from supervisor.road import Forcing, Pavement, State, build_roads, initial_state, simulate
from supervisor.road.radiation import longwave_down_w_m2

PAVEMENTS = [
    Pavement((("asphalt", 0.1), ("base", 0.4), ("soil", 1.0))),
    Pavement((("concrete", 0.25),), bridge=True, cable_depth_m=0.05),
    Pavement((("asphalt", 0.05), ("insulation", 0.05), ("base", 0.3)), cable_depth_m=0.04),
]
DT_S = 600.0


def weather(seed: int, steps: int, lanes: int = 1) -> Forcing:
    """Any winter: cold and mild, wet and dry, sun and wind drawn by the seed."""
    rng = np.random.default_rng(seed)
    hours = np.arange(steps)[:, None] * DT_S / 3600.0
    air = rng.uniform(-12, 6) + rng.uniform(0, 6) * np.sin(hours / 24 * 2 * np.pi) + rng.normal(0, 0.3, (steps, lanes))
    dew = air - rng.uniform(0.0, 6.0)
    falling = np.sin(hours / rng.uniform(2, 12) + rng.uniform(0, 6)) > 0.5
    rate = falling * rng.uniform(0, 4) * np.ones((1, lanes))
    return Forcing(
        air,
        dew,
        np.abs(rng.normal(2, 2, (steps, lanes))),
        np.maximum(rng.uniform(0, 600) * np.sin(hours / 24 * 2 * np.pi), 0) * np.ones((1, lanes)),
        longwave_down_w_m2(air, dew, np.full_like(air, rng.uniform(0, 1))),
        np.where(air > 1.0, rate, 0.0),
        np.where(air > 1.0, 0.0, rate),
    )


def salted(state: State, salt_g_m2: float) -> State:
    state.salt_g_m2[:] = salt_g_m2
    return state


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), heat=st.sampled_from([0.0, 150.0, 300.0]), salt=st.sampled_from([0.0, 20.0]))
def test_energy_and_water_close_and_no_store_is_negative(seed: int, heat: float, salt: float) -> None:
    roads = build_roads(PAVEMENTS)
    start = salted(initial_state(roads, -1.0, 5.0), salt)
    run, end = simulate(roads, start, weather(seed, 144), heat, DT_S, with_fluxes=True)
    f = run.fluxes
    assert f is not None
    stored = (roads.capacity_j_m2k * (end.temperature_c - start.temperature_c)).sum(axis=1)
    stored -= (end.soil_ice_j_m2 - start.soil_ice_j_m2).sum(axis=1)
    supplied = ((f.ground + f.cable - f.bottom) * DT_S).sum(axis=0)
    turned_over = (np.abs(f.ground) * DT_S).sum(axis=0)
    assert np.all(np.abs(stored - supplied) <= 1e-9 * turned_over)
    terms = f.shortwave + f.longwave + f.emitted + f.sensible + f.latent + f.precipitation + f.traffic + f.residual
    assert np.allclose(terms + f.phase, f.ground, atol=1e-9)
    mass = end.water_mm + end.frozen_mm - start.water_mm - start.frozen_mm
    moved = (f.precipitated_mm + f.vapour_mm - f.drained_mm).sum(axis=0)
    assert np.all(np.abs(mass - moved) <= 1e-6 * np.maximum(f.precipitated_mm.sum(axis=0), 1e-3))
    for store in (run.water_mm, run.ice_mm, run.snow_mm, run.frost_mm):
        assert np.min(store) >= 0.0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_more_heat_never_leaves_more_snow_and_ice(seed: int) -> None:
    heats = np.array([0.0, 80.0, 160.0, 240.0, 320.0])
    roads = build_roads([PAVEMENTS[0]] * heats.size)
    run, _ = simulate(roads, initial_state(roads, 1.0, 5.0), weather(seed, 144), heats[None, :], DT_S)
    # Not so the temperature: water that still freezes and snow that insulates keep an unheated road the warmer one.
    assert np.all(np.diff(run.frozen_mm.mean(axis=0)) <= 1e-3)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_on_a_dry_road_more_heat_is_warmer_at_every_instant(seed: int) -> None:
    wet = weather(seed, 144)
    dry = replace(wet, dew_point_c=wet.air_c - 25.0, rain_mm_h=0 * wet.air_c, snow_mm_h=0 * wet.air_c)
    roads = build_roads([PAVEMENTS[0]] * 4)
    run, _ = simulate(roads, initial_state(roads, 1.0, 5.0), dry, np.array([[0.0, 100.0, 200.0, 300.0]]), DT_S)
    assert np.all(np.diff(run.surface_c, axis=1) > -1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_many_at_once_equal_one_at_a_time(seed: int) -> None:
    roads = build_roads(PAVEMENTS, members=3)
    forcing = weather(seed, 72, roads.lanes)
    together, _ = simulate(roads, initial_state(roads, 0.0, 6.0), forcing, 100.0, DT_S)
    for lane in range(roads.lanes):
        one = build_roads([PAVEMENTS[lane // 3]])
        alone_weather = Forcing(
            *(
                getattr(forcing, f.name)[:, lane : lane + 1]
                if np.ndim(getattr(forcing, f.name)) == 2
                else getattr(forcing, f.name)
                for f in fields(Forcing)
            )
        )
        alone, _ = simulate(one, initial_state(one, 0.0, 6.0), alone_weather, 100.0, DT_S)
        assert np.allclose(alone.surface_c[:, 0], together.surface_c[:, lane], atol=1e-6)
        assert np.allclose(alone.frozen_mm[:, 0], together.frozen_mm[:, lane], atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 71), lanes=st.sampled_from([1, 3]))
def test_a_run_split_in_two_is_the_same_run(seed: int, cut: int, lanes: int) -> None:
    roads = build_roads(PAVEMENTS[:lanes])
    forcing = weather(seed, 72)
    start = initial_state(roads, 0.0, 6.0)
    start.snow_mm[:] = 2.0
    whole, whole_end = simulate(roads, start, forcing, 100.0, DT_S)
    _, middle = simulate(roads, start, forcing[:cut], 100.0, DT_S)
    second, end = simulate(roads, middle, forcing[cut:], 100.0, DT_S)
    if lanes > 1:
        assert np.array_equal(second.surface_c, whole.surface_c[cut:])
    for f in fields(State):
        assert np.allclose(getattr(end, f.name), getattr(whole_end, f.name), rtol=0.0, atol=1e-9), f.name


def test_melting_takes_92_8_w_m2_per_mm_h() -> None:
    roads = build_roads([PAVEMENTS[0]])
    state = initial_state(roads, 0.0, 0.0)
    state.ice_mm[:] = 50.0
    n = 36
    zero = np.zeros((n, 1))
    forcing = Forcing(zero + 5.0, zero - 5.0, zero + 2.0, zero + 300.0, zero + 300.0, zero, zero)
    run, _ = simulate(roads, state, forcing, 200.0, DT_S, with_fluxes=True)
    assert run.fluxes is not None
    assert np.all(run.surface_c == pytest.approx(0.0, abs=1e-9))
    melted_mm_h = -np.diff(run.ice_mm[:, 0]) / (DT_S / 3600.0)
    sublimated = run.fluxes.vapour_mm[1:, 0] / (DT_S / 3600.0)  # leaves as vapour, unmelted
    assert -run.fluxes.phase[1:, 0] / (melted_mm_h + sublimated) == pytest.approx(92.8, abs=0.05)


def test_wet_road_freezes_at_zero_before_it_cools_and_salt_lowers_that() -> None:
    roads = build_roads([PAVEMENTS[0], PAVEMENTS[0]])
    state = initial_state(roads, 1.0, 1.0)
    state.water_mm[:] = 2.0
    state.salt_g_m2[:] = [0.0, 60.0]
    zero = np.zeros((60, 1))
    forcing = Forcing(zero - 8.0, zero - 10.0, zero + 2.0, zero, zero + 220.0, zero, zero)
    run, _ = simulate(roads, state, forcing, 0.0, 120.0)
    plain, brine = run.surface_c[:, 0], run.surface_c[:, 1]
    assert abs(plain[0]) < 1e-9
    assert 0.0 < run.ice_mm[0, 0] < 2.0
    first_ice = np.argmax(run.ice_mm > 0.0, axis=0)
    assert first_ice[1] > first_ice[0]
    assert brine[first_ice[1]] < -1.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("air_c", np.nan),
        ("rain_mm_h", -0.1),
        ("snow_mm_h", -0.1),
        ("shortwave_w_m2", 1400.0),
        ("wind_m_s", 999.0),
        ("dew_point_c", 9.0),
        ("longwave_w_m2", np.inf),
        ("shortwave_w_m2", -1.0),
    ],
)
def test_bad_weather_is_refused_by_variable_and_step(name: str, value: float) -> None:
    n = np.zeros((5, 1))
    values = {
        "air_c": n, "dew_point_c": n - 1, "wind_m_s": n + 1, "shortwave_w_m2": n, "longwave_w_m2": n + 250,
        "rain_mm_h": n, "snow_mm_h": n,
    }  # fmt: skip
    values = {k: v.copy() for k, v in values.items()}
    values[name][3, 0] = value
    with pytest.raises(PhysicsError) as error:
        Forcing(**values)
    assert error.value.where == name
    assert "step 3" in str(error.value)
    assert f"{value:g}" in str(error.value)
    assert error.value.remedy


@pytest.mark.parametrize("heat", [np.nan, -5.0, 1e5])
def test_bad_heat_is_refused_by_step_and_value(heat: float) -> None:
    roads, run = build_roads(PAVEMENTS), np.zeros((6, 3))
    run[4, 1] = heat
    with pytest.raises(PhysicsError, match=rf"heat_w_m2: {heat}.*at step 4"):
        simulate(roads, initial_state(roads, 0.0, 6.0), weather(1, 6), run, DT_S)


@pytest.mark.parametrize("dt_s", [-600.0, 0.0, np.nan, 7200.0])
def test_steps_that_go_back_or_not_at_all_are_refused(dt_s: float) -> None:
    roads = build_roads(PAVEMENTS)
    with pytest.raises(PhysicsError, match="dt_s"):
        simulate(roads, initial_state(roads, 0.0, 6.0), weather(1, 6), 0.0, dt_s)


@settings(max_examples=60, deadline=None)
@given(
    air=st.floats(-60, 60), depression=st.floats(0, 20), wind=st.floats(0, 75), sun=st.floats(0, 1361),
    longwave=st.floats(40, 600), rain=st.sampled_from([0.0, 5.0, 300.0]), snow=st.sampled_from([0.0, 5.0, 100.0]),
    heat=st.sampled_from([0.0, 300.0, 2000.0]), dt=st.sampled_from([60.0, 600.0, 3600.0]), road=st.integers(0, 2),
    start=st.floats(-40, 60), many=st.booleans(),
)  # fmt: skip
def test_whatever_is_allowed_gives_possible_temperatures_or_an_error(
    air: float, depression: float, wind: float, sun: float, longwave: float, rain: float, snow: float, heat: float,
    dt: float, road: int, start: float, many: bool,
) -> None:  # fmt: skip
    """The corners of the input space, physical or not: no NaN, no store below zero, nothing outside −60…90 °C."""
    roads = build_roads([PAVEMENTS[road]] * (2 if many else 1))
    zero = np.zeros((24, 1))
    dew = float(np.clip(air - depression, -80.0, 40.0))
    forcing = Forcing(zero + air, zero + dew, zero + wind, zero + sun, zero + longwave, zero + rain, zero + snow)
    try:
        run, end = simulate(roads, initial_state(roads, start, 5.0), forcing, heat, dt)
    except PhysicsError:
        return
    for values in (run.surface_c, run.cable_c, end.temperature_c):
        assert np.all((values > -60.0) & (values < 90.0))
    for store in (run.water_mm, run.ice_mm, run.snow_mm, run.frost_mm, end.striped_mm):
        assert np.all(store >= 0.0)
        assert np.all(np.isfinite(store))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), seen=st.integers(0, 10**6))
def test_energy_and_water_close_while_the_surface_is_observed(seed: int, seen: int) -> None:
    """What a sensor forces on the road goes through the residual; events and ploughs leave as drained."""
    roads = build_roads(PAVEMENTS)
    rng = np.random.default_rng(seen)
    observed = np.cumsum(rng.normal(0.0, 0.3, (72, 3)), axis=0) + rng.uniform(-4, 4)
    observed[rng.uniform(size=observed.shape) < 0.3] = np.nan
    start = initial_state(roads, -1.0, 5.0)
    start.snow_mm[:] = rng.uniform(0, 6)
    run, end = simulate(roads, start, weather(seed, 72), 100.0, DT_S, observed_surface_c=observed, with_fluxes=True)
    f = run.fluxes
    assert f is not None
    known = np.isfinite(observed)
    np.testing.assert_allclose(run.surface_c[known], observed[known], atol=1e-9)
    stored = (roads.capacity_j_m2k * (end.temperature_c - start.temperature_c)).sum(axis=1)
    stored -= (end.soil_ice_j_m2 - start.soil_ice_j_m2).sum(axis=1)
    supplied = ((f.ground + f.cable - f.bottom) * DT_S).sum(axis=0)
    assert np.all(np.abs(stored - supplied) <= 1e-9 * (np.abs(f.ground) * DT_S).sum(axis=0))
    mass = end.water_mm + end.frozen_mm - start.water_mm - start.frozen_mm
    moved = (f.precipitated_mm + f.vapour_mm - f.drained_mm).sum(axis=0)
    np.testing.assert_allclose(mass, moved, atol=1e-6)
    for store in (run.water_mm, run.ice_mm, run.snow_mm, run.frost_mm):
        assert np.min(store) >= 0.0


def test_impossible_heat_raises_and_never_returns_a_temperature_above_90() -> None:
    roads = build_roads([PAVEMENTS[2]])
    n = np.zeros((400, 1))
    forcing = Forcing(n + 30, n + 5, n, n + 900, n + 400, n, n)
    with pytest.raises(PhysicsError, match="outside"):
        simulate(roads, initial_state(roads, 40.0, 30.0), forcing, 1500.0, DT_S)
