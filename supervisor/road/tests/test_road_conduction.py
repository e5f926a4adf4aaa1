"""Conduction against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import erf, erfc

from supervisor.domain.errors import PhysicsError
from supervisor.road import MATERIALS, Pavement, SurfaceParameters, build_roads
from supervisor.road.conduction import advance, freeze_soil, operator

ASPHALT = MATERIALS["asphalt"]


def half_space() -> Pavement:
    """Asphalt to 2 m, the grid's usual depth (a bridge only so that no soil is added below)."""
    return Pavement((("asphalt", 1.5), ("asphalt", 0.5)), bridge=True, cable_depth_m=0.05)


@pytest.mark.parametrize("dt_s", [10.0, 300.0, 600.0])
@pytest.mark.parametrize("until_s", [600.0, 3600.0, 21600.0])
def test_a_constant_flux_warms_a_half_space_as_the_closed_form_says(dt_s: float, until_s: float) -> None:
    roads = build_roads([half_space()])
    op = operator(roads, dt_s)
    temperature = np.zeros((1, roads.nodes))
    for _ in range(round(until_s / dt_s)):
        free = advance(roads, op, temperature, np.zeros(1), np.zeros(1))
        temperature = free[:, :-1] + 200.0 * op.surface[:, :-1]
    effusivity2 = ASPHALT.conductivity_w_mk * ASPHALT.capacity_j_m3k
    expected = 2.0 * 200.0 * np.sqrt(until_s / (np.pi * effusivity2))
    assert temperature[0, 0] == pytest.approx(expected, abs=0.05)


def test_a_step_of_surface_temperature_reaches_the_depth_of_the_error_function() -> None:
    roads = build_roads([half_space()])
    op = operator(roads, 300.0)
    temperature = np.zeros((1, roads.nodes))
    for _ in range(72):
        free = advance(roads, op, temperature, np.zeros(1), np.zeros(1))
        needed = (10.0 - free[:, 0]) / op.surface[:, 0]
        temperature = free[:, :-1] + needed[:, None] * op.surface[:, :-1]
    diffusivity = ASPHALT.conductivity_w_mk / ASPHALT.capacity_j_m3k
    expected = 10.0 * erfc(roads.depth_m[0] / (2.0 * np.sqrt(diffusivity * 21600.0)))
    assert np.max(np.abs(temperature[0] - expected)) < 0.05


def test_cable_heat_all_arrives_in_the_pavement_and_none_is_lost() -> None:
    pavement = Pavement((("asphalt", 0.1), ("base", 0.3)), surface=SurfaceParameters())
    roads = build_roads([pavement])
    op = operator(roads, 600.0)
    temperature = np.zeros((1, roads.nodes))
    lost_j = 0.0
    for _ in range(100):
        free = advance(roads, op, temperature, np.array([250.0]), np.zeros(1))
        lost_j += float(free[0, -1] * roads.bottom_w_m2k[0] * 600.0)
        temperature = free[:, :-1]
    stored_j = float(np.sum(temperature * roads.capacity_j_m2k))
    assert stored_j + lost_j == pytest.approx(250.0 * 600.0 * 100, rel=1e-9)


def test_layers_that_sum_to_nothing_and_unknown_materials_are_refused_by_name() -> None:
    with pytest.raises(PhysicsError, match="cheese"):
        Pavement((("cheese", 0.1),))
    with pytest.raises(PhysicsError, match="thick"):
        Pavement((("asphalt", 0.0),))
    with pytest.raises(PhysicsError, match="thick"):
        Pavement((("asphalt", float("nan")),))
    with pytest.raises(PhysicsError, match="no layer"):
        Pavement(())
    with pytest.raises(PhysicsError, match="-600"):
        operator(build_roads([half_space()]), -600.0)


def test_the_frost_goes_as_deep_as_neumanns_solution() -> None:
    """Wet soil at 1 °C under a surface held at −6 °C: depth of the front, Carslaw & Jaeger (1959) §11.2."""
    soil = MATERIALS["soil"]
    roads = build_roads([Pavement((("soil", 2.0),), nodes=40)])
    op = operator(roads, 600.0)
    temperature, ice = np.full((1, roads.nodes), 1.0), np.zeros((1, roads.nodes))
    for _ in range(5 * 144):
        free = advance(roads, op, temperature, np.zeros(1), np.ones(1))
        needed = (-6.0 - free[:, 0]) / op.surface[:, 0]
        temperature = free[:, :-1] + needed[:, None] * op.surface[:, :-1]
        freeze_soil(roads, temperature, ice)
    latent = soil.water_fraction * 3.34e8

    def balance(x: float) -> float:
        left = np.exp(-x * x) * (1.0 / erf(x) - (1.0 / 6.0) / erfc(x))
        return float(left - x * latent * np.sqrt(np.pi) / (soil.capacity_j_m3k * 6.0))

    diffusivity = soil.conductivity_w_mk / soil.capacity_j_m3k
    front_m = 2.0 * brentq(balance, 0.01, 2.0) * np.sqrt(diffusivity * 5 * 86_400.0)
    # The surface node has no soil water of its own: its half interval is missing in the sum.
    frozen_m = ice.sum() / latent + 0.5 * roads.depth_m[0, 1]
    assert frozen_m == pytest.approx(front_m, rel=0.05)
