from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from supervisor.road import BelievingEstimator, Forcing, Pavement, Roads, build_roads, initial_state, simulate
from supervisor.road.believed import BELIEVED
from supervisor.road.pavement import Array

DT_S = 300.0
HOUR = round(3600 / DT_S)
STEP_C = 0.0625  # of a DS18B20


def frost(hours: int, low_c: float = -8.0) -> Forcing:
    """A clear evening after a mild wet day: the air falls from 3 °C to `low_c` in twelve hours and stays."""
    n = hours * HOUR
    air = np.interp(np.arange(n), [0, 2 * HOUR, 14 * HOUR], [3.0, 3.0, low_c])[:, None]
    one = np.ones((n, 1))
    return Forcing(air, air - 3.0, 2.0 * one, 0.0 * one, 240.0 * one, 0.0 * one, 0.0 * one)


def roads_of(lanes: int) -> Roads:
    return build_roads([Pavement((("asphalt", 0.1), ("concrete", 0.2)))] * lanes)


def truth(roads: Roads, weather: Forcing) -> Array:
    """Surface of the real roads (steps, lanes)."""
    start = initial_state(roads, 3.0, 6.0)
    trajectory, _ = simulate(roads, start, weather, 0.0, DT_S)
    return trajectory.surface_c


def quantised(celsius: Array) -> Array:
    return np.round(celsius / STEP_C) * STEP_C


def run(weather: Forcing, observed: Array, start_c: float = 3.0) -> tuple[BelievingEstimator, Array, Array]:
    """Estimator after the last row, its estimate (steps, lanes), the quality (steps, lanes)."""
    lanes = observed.shape[1]
    estimator = BelievingEstimator(roads_of(lanes), start_c, start_c + 3.0)
    estimate, quality = np.empty(observed.shape), np.empty(observed.shape)
    for row in range(observed.shape[0]):
        estimate[row] = estimator.update(weather[row : row + 1], observed[row], np.zeros(lanes), DT_S).surface_c
        quality[row] = estimator.trust.quality
    return estimator, estimate, quality


def test_a_sensor_that_always_gives_the_same_value_is_ignored_and_the_model_used() -> None:
    weather = frost(16)
    real = truth(roads_of(1), weather)
    hangs = int(np.argmax(real[:, 0] < 1.2))
    observed = quantised(real)
    observed[hangs:] = observed[hangs]
    _, estimate, quality = run(weather, observed)
    assert quality[:hangs].min() > 0.95
    ignored = int(np.argmax(quality[:, 0] < BELIEVED))
    assert hangs < ignored < hangs + 5 * HOUR
    assert real[-1, 0] < -4.0
    assert estimate[-1, 0] == pytest.approx(real[-1, 0], abs=1.0)


def test_a_good_sensor_is_believed_through_a_frost_also_where_model_and_forecast_err() -> None:
    weather = frost(36)
    real = truth(roads_of(1), weather)
    wrong = replace(weather, air_c=weather.air_c + 3.0, dew_point_c=weather.dew_point_c + 3.0)
    _, estimate, quality = run(wrong, quantised(real))
    assert quality.min() > 0.95
    assert estimate[-1, 0] == pytest.approx(real[-1, 0], abs=STEP_C)


def test_melting_snow_repeats_one_value_for_hours_and_is_no_proof() -> None:
    n = 6 * HOUR
    one = np.ones((n, 1))
    melts = Forcing(1.0 * one, 0.5 * one, 1.0 * one, 0 * one, 315.0 * one, 0 * one, 2.0 * one)
    observed = np.zeros((n, 1))
    _, _, quality = run(melts, observed, 0.0)
    assert quality.min() > 0.95


def test_a_drift_is_seen_against_the_neighbours_whose_forecast_errs_too() -> None:
    weather = frost(18)
    real = truth(roads_of(4), weather)
    wrong = replace(weather, air_c=weather.air_c - 4.0, dew_point_c=weather.dew_point_c - 4.0)
    drift = np.zeros(real.shape)
    drift[:, 2] = np.maximum(np.arange(real.shape[0]) - 3 * HOUR, 0) / HOUR  # 1 K/h
    _, _, quality = run(wrong, quantised(real) + drift)
    assert quality[-1, 2] < BELIEVED
    assert quality[:, [0, 1, 3]].min() > 0.9


def test_belief_falls_by_degrees_and_comes_back_once_the_sensor_is_changed() -> None:
    weather = frost(30)
    real = truth(roads_of(1), weather)
    observed = quantised(real)
    observed[4 * HOUR : 14 * HOUR] += 15.0
    estimator, _, quality = run(weather, observed)
    steps = np.diff(quality[:, 0])
    assert steps.min() > -0.1
    assert quality[8 * HOUR, 0] == 0.0
    assert quality[-1, 0] > 0.9
    assert estimator.state.surface_c[0] == pytest.approx(real[-1, 0], abs=0.3)


def test_a_sensor_without_readings_keeps_its_quality() -> None:
    weather = frost(6)
    observed = quantised(truth(roads_of(1), weather))
    observed[2 * HOUR :] = np.nan
    _, estimate, quality = run(weather, observed)
    assert quality.min() > 0.95
    assert np.isfinite(estimate).all()
