"""Calibration finds a road that differs from the generic one, and tells where the data do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from supervisor.calibration.fit import Windows, calibrate, cross_validate
from supervisor.domain.errors import PhysicsError
from supervisor.road import Forcing, Pavement, build_roads, initial_state, simulate
from supervisor.road.radiation import longwave_down_w_m2

DT_S = 1200.0
ROAD = Pavement((("asphalt", 0.1), ("base", 0.4)), name="z01")
DAY = round(86_400 / DT_S)


def measured(days: int, heat_w_m2: float = 0.0, **truth: float) -> Windows:
    """Two-day windows of one winter on a road with parameters `truth`, sensor noise 0.05 K."""
    rng = np.random.default_rng(5)
    steps = (days + 1) * DAY
    hours = np.arange(steps)[:, None] * DT_S / 3600.0
    weather = np.repeat(rng.normal(0.0, 3.0, (days + 1, 1)), DAY, axis=0)
    air = weather + 4.0 * np.sin((hours - 9.0) / 24.0 * 2 * np.pi)
    dew = air - 3.0
    cloud = np.repeat(rng.uniform(0.0, 1.0, (days + 1, 1)), DAY, axis=0)
    sun = np.maximum(500.0 * np.sin((hours - 6.0) / 24.0 * 2 * np.pi), 0.0) * (1 - 0.7 * cloud)
    zero = np.zeros_like(air)
    forcing = Forcing(air, dew, zero + 2.5, sun, longwave_down_w_m2(air, dew, cloud), zero, zero)
    heat = np.where(hours % 24 < 6, heat_w_m2, 0.0)
    surface = {k: v for k, v in truth.items() if k != "cable_efficiency"}
    roads = build_roads([replace(ROAD, surface=replace(ROAD.surface, **surface))])
    real = heat * truth.get("cable_efficiency", 1.0)
    run, _ = simulate(roads, initial_state(roads, 0.0, 4.0), forcing, real, DT_S)
    seen = run.surface_c[:, 0] + rng.normal(0.0, 0.05, steps)
    index = np.arange(days)[None, :] * DAY + np.arange(2 * DAY)[:, None]
    index = index[:, index[-1] < steps]
    cut = {n: getattr(forcing, n)[index, 0] for n in vars(forcing) if np.ndim(getattr(forcing, n)) == 2}
    return Windows(Forcing(**cut), seen[index], heat[index, 0], DAY, DT_S)


def test_it_finds_the_road_it_was_given() -> None:
    found = calibrate(ROAD, measured(8, albedo=0.22, conductivity_factor=0.6))
    assert found.rmse_after_k < 0.6 * found.rmse_before_k
    assert found.values["conductivity_factor"] == pytest.approx(0.6, abs=0.15)
    for name, true in (("albedo", 0.22), ("conductivity_factor", 0.6)):
        assert abs(found.values[name] - true) < 2.5 * found.sigma[name]
    assert all(sigma > 0.0 for sigma in found.sigma.values())
    assert "cable_efficiency" not in found.values


def test_measured_heat_lets_it_find_the_cables_efficiency() -> None:
    found = calibrate(ROAD, measured(8, heat_w_m2=250.0, cable_efficiency=0.75))
    assert found.values["cable_efficiency"] == pytest.approx(0.75, abs=0.1)


def test_out_of_sample_it_beats_the_generic_road_and_no_window_is_fitted_to_itself() -> None:
    data = measured(8, albedo=0.25)
    predicted, fits = cross_validate(ROAD, data)
    assert len(fits) == 4
    assert all(f.windows == 6 for f in fits)
    error = (predicted - data.observed_c)[data.now :]
    assert np.sqrt(np.mean(error**2)) < calibrate(ROAD, data).rmse_before_k


def test_windows_without_observations_are_refused() -> None:
    data = measured(4)
    blind = replace(data, observed_c=np.full_like(data.observed_c, np.nan))
    with pytest.raises(PhysicsError, match="no observed surface"):
        calibrate(ROAD, blind)


def test_a_road_beyond_what_is_physical_ends_at_a_bound_and_is_reported() -> None:
    odd = calibrate(ROAD, measured(8, albedo=0.6))
    assert "albedo" in odd.at_bound
    assert odd.values["albedo"] == pytest.approx(0.35, abs=0.01)
    plain = calibrate(ROAD, measured(8))
    assert "sky_view" not in plain.at_bound  # an open sky is at 1 from the start: no warning
