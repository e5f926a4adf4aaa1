"""One lane in floats and many in arrays are the same physics: same functions, same figures."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.errors import PhysicsError
from supervisor.road import Forcing, Pavement, Roads, State, SurfaceParameters, build_roads, initial_state, simulate
from supervisor.road import arrays as array_maths
from supervisor.road import floats as float_maths
from supervisor.road.air import vapour_pressure_ice_pa, vapour_pressure_water_pa
from supervisor.road.balance import Balance
from supervisor.road.conduction import operator
from supervisor.road.forcing import prepare
from supervisor.road.radiation import STEFAN_BOLTZMANN, longwave_down_w_m2
from supervisor.road.step import advance_state
from supervisor.road.surface_step import NO_SNOW_MM

AGREE = 1e-9


def some_road(rng: np.random.Generator) -> Roads:
    surface = SurfaceParameters(
        traffic_wear_per_h=float(rng.choice([0.0, 0.3])),
        traffic_w_m2=float(rng.uniform(0.0, 8.0)),
        drainage_s=float(rng.uniform(100.0, 900.0)),
        sky_view=float(rng.uniform(0.5, 1.0)),
    )
    layers = (("asphalt", float(rng.uniform(0.05, 0.15))), ("base", float(rng.uniform(0.1, 0.5))), ("soil", 0.5))
    depth_m, spacing_m = float(rng.uniform(0.0, 0.12)), float(rng.uniform(0.05, 0.3))
    return build_roads([Pavement(layers, depth_m, spacing_m, bool(rng.random() < 0.2), surface=surface)])


def some_state(roads: Roads, rng: np.random.Generator) -> State:
    state = initial_state(roads, rng.uniform(-8.0, 6.0), rng.uniform(-1.0, 9.0))
    for name, most in {"water_mm": 1.5, "ice_mm": 2.0, "snow_mm": 12.0, "frost_mm": 0.3, "salt_g_m2": 30.0}.items():
        getattr(state, name)[:] = rng.uniform(0.0, most) * (rng.random() < 0.4)
    state.snow_albedo[:], state.residual_w_m2[:] = rng.uniform(0.5, 0.8), rng.normal(0.0, 30.0)
    state.wires_w_m2[:] = rng.uniform(0.0, 300.0)
    state.striped_mm[:] = rng.uniform(0.0, 4.0) * (state.frozen_mm > 0.0)
    return state


def some_weather(rng: np.random.Generator, steps: int, dt_s: float) -> Forcing:
    hours = np.arange(steps)[:, None] * dt_s / 3600.0
    air = (
        rng.uniform(-12.0, 6.0)
        + rng.uniform(0.0, 6.0) * np.sin(hours / 24 * 2 * np.pi)
        + rng.normal(0, 0.3, (steps, 1))
    )
    dew = air - rng.uniform(0.0, 6.0)
    rate = (np.sin(hours / rng.uniform(0.5, 12.0) + rng.uniform(0.0, 6.0)) > 0.3) * rng.uniform(0.0, 4.0)
    return Forcing(
        air,
        dew,
        np.abs(rng.normal(2.0, 2.0, (steps, 1))),
        np.maximum(rng.uniform(0.0, 600.0) * np.sin(hours / 24 * 2 * np.pi), 0.0),
        longwave_down_w_m2(air, dew, np.full_like(air, rng.uniform(0.0, 1.0))),
        np.where(air > 1.0, rate, 0.0),
        np.where(air > 1.0, 0.0, rate),
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6), dt_s=st.sampled_from([60.0, 300.0, 600.0, 900.0]), heat=st.sampled_from([0.0, 250.0])
)
def test_one_lane_in_floats_is_the_step_in_arrays(seed: int, dt_s: float, heat: float) -> None:
    rng = np.random.default_rng(seed)
    roads = some_road(rng)
    start, forcing, steps = some_state(roads, rng), some_weather(rng, 60, dt_s), 60
    heats = heat * (rng.random((steps, 1)) < 0.6)
    run, end = simulate(roads, start, forcing, heats, dt_s)
    op, prepared, state = operator(roads, dt_s), prepare(roads, forcing, start), start
    for t in range(steps):
        state, _ = advance_state(roads, op, state, prepared[t], heats[t])
        assert run.surface_c[t] == pytest.approx(state.surface_c, rel=0.0, abs=AGREE)
        assert run.cable_c[t, 0] == pytest.approx(roads.cable_weight[0] @ state.temperature_c[0], rel=0.0, abs=AGREE)
        for name in ("water_mm", "ice_mm", "snow_mm", "frost_mm"):
            assert getattr(run, name)[t] == pytest.approx(getattr(state, name), rel=0.0, abs=AGREE), (t, name)
    for f in fields(State):
        if f.name == "snow_albedo" and float(state.snow_mm[0]) <= NO_SNOW_MM:
            continue  # of no snow: the next snow begins with its own, and a rounding may decide which it was
        np.testing.assert_allclose(getattr(end, f.name), getattr(state, f.name), rtol=AGREE, atol=AGREE, err_msg=f.name)


@given(
    x=st.floats(-50.0, 50.0),
    low=st.floats(-50.0, 0.0),
    high=st.floats(0.0, 50.0),
    at=st.floats(0.0, 4.0),
    yes=st.booleans(),
)
def test_floats_and_arrays_know_the_same_operations(x: float, low: float, high: float, at: float, yes: bool) -> None:
    table = (0.3, 0.1, 0.5, 0.9, 1.0)

    def every(m: Any, value: Any, lower: Any, upper: Any, place: Any, tables: Any) -> list[float]:
        results = [
            m.exp(value), m.expm1(value), m.cbrt(value), m.sqrt(upper), m.minimum(value, lower),
            m.maximum(value, upper), m.clip(value, lower, upper), m.where(yes, value, 2.0),
            *m.choose(yes, (1.0, 2.0), (3.0, 4.0)), m.interpolate(tables, place), m.largest(value), m.anywhere(value),
            m.anywhere(value > lower),
        ]  # fmt: skip
        return [float(np.ravel(v)[0]) for v in results]

    one = every(float_maths, x, low, high, at, table)
    many = every(array_maths, np.array([x]), np.array([low]), np.array([high]), np.array([at]), np.array([table]))
    assert one == pytest.approx(many, rel=1e-12)


@given(base=st.floats(-25.0, 25.0), vapour_pa=st.floats(50.0, 2000.0), wet=st.booleans())
def test_the_balance_evaporates_by_the_pressure_of_moist_air(base: float, vapour_pa: float, wet: bool) -> None:
    """Newton has it with its slope: it must be the pressure that the forcing's humidity comes from."""
    emits, per_pa, wetness = STEFAN_BOLTZMANN * 0.95, 0.1, 1.0 if wet else 0.2
    balance = Balance(float_maths, emits, 280.0, -2.0, vapour_pa, 15.0, per_pa, wetness, 1e9)
    top, latent, net = balance.equilibrium(base, 0.02, base)
    saturation = (vapour_pressure_ice_pa if top < 0.0 else vapour_pressure_water_pa)(np.array(top))
    expected = per_pa * (vapour_pa - float(saturation))
    if expected < 0.0:
        expected *= wetness
    assert latent == pytest.approx(expected, abs=1e-3)
    assert net == pytest.approx(280.0 - emits * (top + 273.15) ** 4 + 15.0 * (-2.0 - top) + latent, abs=1e-9)
    assert top == pytest.approx(base + 0.02 * net, abs=2e-3)


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_step_leaves_its_state_alone_and_shares_nothing_that_a_caller_may_change(lanes: int) -> None:
    roads = build_roads([Pavement((("asphalt", 0.1),))] * lanes)
    state = initial_state(roads, 5.0, 8.0)
    dry = Forcing(*(np.full((1, 1), v) for v in (5.0, -20.0, 2.0, 0.0, 300.0, 0.0, 0.0)))
    after, _ = advance_state(roads, operator(roads, 600.0), state, prepare(roads, dry)[0], np.zeros(lanes))
    for f in fields(State):
        if f.name not in ("deep_c", "daily_w_m2"):  # no step changes them
            assert not np.shares_memory(getattr(after, f.name), getattr(state, f.name)), f.name
    after.water_mm[:] = 3.0
    again, _ = advance_state(roads, operator(roads, 600.0), state, prepare(roads, dry)[0], np.zeros(lanes))
    assert not again.frozen_mm.any()
    assert not again.water_mm.any()


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("top_c", [-272.6201, 1e30])
def test_a_balance_that_runs_away_is_named(lanes: int, top_c: float) -> None:
    roads = build_roads([Pavement((("asphalt", 0.1),))] * lanes)
    state = initial_state(roads, 0.0, 5.0)
    state.top_c[:] = top_c
    weather = some_weather(np.random.default_rng(1), 3, 600.0)
    with np.errstate(all="ignore"), pytest.raises(PhysicsError, match=r"does not converge|outside"):
        simulate(
            roads, state, replace(weather, rain_mm_h=0.0 * weather.air_c, snow_mm_h=0.0 * weather.air_c), 0.0, 600.0
        )


def test_roads_that_have_run_travel_to_another_process() -> None:
    roads = build_roads([Pavement((("asphalt", 0.1),))])
    forcing = some_weather(np.random.default_rng(2), 6, 600.0)
    run, _ = simulate(roads, initial_state(roads, 0.0, 5.0), forcing, 0.0, 600.0)
    sent = pickle.loads(pickle.dumps(roads.with_members(2)))
    there, _ = simulate(sent, initial_state(sent, 0.0, 5.0), forcing, 0.0, 600.0)
    assert there.surface_c[:, 1] == pytest.approx(run.surface_c[:, 0], abs=1e-6)
    pickle.loads(pickle.dumps(roads))
