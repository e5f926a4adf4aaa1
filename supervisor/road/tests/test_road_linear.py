"""The planner's linear view against the full model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from supervisor.road import Forcing, Pavement, build_roads, free_response, initial_state, kernel, simulate
from supervisor.road.linear import Place
from supervisor.road.radiation import longwave_down_w_m2

PAVEMENT = Pavement((("asphalt", 0.1), ("base", 0.4)))
HEAT_W_M2 = 280.0


def storm(steps: int, lanes: int = 1) -> Forcing:
    """Air around −2 °C, snow from hour 8 to 14 at 0.8 mm/h."""
    hours = np.arange(steps)[:, None] * 0.25 * np.ones((1, lanes))
    air = -2.0 - 1.5 * np.sin(hours / 4.0)
    dew = air - 1.0
    snow = np.where((hours > 8) & (hours < 14), 0.8, 0.0)
    zero = np.zeros_like(air)
    return Forcing(air, dew, zero + 2.0, zero, longwave_down_w_m2(air, dew, zero + 0.9), zero, snow)


def test_the_kernel_is_what_a_pulse_does_to_the_linear_road() -> None:
    roads = build_roads([PAVEMENT])
    state = initial_state(roads, 1.0, 5.0)
    forcing = storm(48)
    g = kernel(roads, state, forcing, 900.0, 900.0, HEAT_W_M2)[0]
    assert np.allclose(g, np.tril(g))
    assert np.all(g >= 0.0)
    assert np.max(np.argmax(g, axis=0) - np.arange(48)) >= 1  # heat from 7 cm below takes more than a slot


def test_plan_temperatures_agree_with_the_full_model_where_it_matters() -> None:
    """Duty that holds the wet road near 0.5 °C: linear prediction against the non-linear model."""
    n = 96
    roads = build_roads([PAVEMENT])
    state = initial_state(roads, 1.0, 5.0)
    forcing = storm(n)
    free = free_response(roads, state, forcing, 900.0, 900.0)
    g = kernel(roads, state, forcing, 900.0, 900.0, HEAT_W_M2)[0]
    duty = np.zeros(n)
    for i in np.flatnonzero(free.wet[0]):  # greedy: what a slot lacks is heated in the hours before it, latest first
        for j in range(i, max(i - 24, -1), -1):
            short = 0.5 - (free.surface_c[0] + g @ duty)[i]
            if short > 0 and g[i, j] > 1e-3:
                duty[j] = min(1.0, duty[j] + short / g[i, j])
    predicted = free.surface_c[0] + g @ duty
    run, _ = simulate(roads, state, forcing, duty[:, None] * HEAT_W_M2, 900.0)
    near = free.wet[0] & (np.abs(predicted - 0.5) < 0.6)
    assert near.sum() > 15
    assert np.sqrt(np.mean((run.surface_c[near, 0] - predicted[near]) ** 2)) < 0.05
    assert run.frozen_mm.max() < 0.3


def test_a_road_under_members_has_one_kernel_and_a_free_response_each() -> None:
    roads = build_roads([PAVEMENT, PAVEMENT]).with_members(3)
    state = initial_state(build_roads([PAVEMENT, PAVEMENT]), 1.0, 5.0).repeat(3)
    forcing = storm(48, 6)
    free = free_response(roads, state, forcing, 900.0, 1800.0)
    assert free.surface_c.shape == (6, 24)
    assert free.wet[:, 16:28].all()
    assert kernel(roads, state, forcing, 900.0, 1800.0, np.array([280.0, 140.0])).shape == (2, 24, 24)


@pytest.mark.parametrize("source", ["cable", "surface"])
@pytest.mark.parametrize("at", ["surface", "cable"])
def test_kernels_agree_with_the_full_model_about_a_wet_road_near_freezing(source: Place, at: Place) -> None:
    """A small extra heat on a rainy road at 0.5–2 °C: kernel against the difference of two non-linear runs."""
    n = 48
    roads = build_roads([PAVEMENT])
    state = initial_state(roads, 1.0, 2.0)
    state.water_mm[:] = 0.3
    zero = np.zeros((n, 1))
    forcing = Forcing(zero + 0.8, zero + 0.2, zero + 2.0, zero, zero + 312.0, zero + 0.05, zero)
    extra = np.where((np.arange(n) > 8) & (np.arange(n) < 24), 10.0, 0.0)[:, None]
    g = kernel(roads, state, forcing, 900.0, 900.0, 10.0, source=source, at=at)[0]
    expected = g @ (extra[:, 0] / 10.0)
    more = replace(forcing, correction_w_m2=extra) if source == "surface" else forcing
    base, _ = simulate(roads, state, forcing, 0.0, 900.0)
    heated, _ = simulate(roads, state, more, extra if source == "cable" else 0.0, 900.0)
    assert base.surface_c.min() > 0.2
    difference = (heated.surface_c - base.surface_c if at == "surface" else heated.cable_c - base.cable_c)[:, 0]
    assert difference.max() > 0.1
    assert np.max(np.abs(difference - expected)) < 0.06 * difference.max()
