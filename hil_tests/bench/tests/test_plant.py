"""The road under the boards: deterministic, of its own parameters, warmed by its cables."""

from __future__ import annotations

import numpy as np
import pytest

from hil_tests.bench.plant import STEP_S, RoadPlant
from supervisor.domain.zone import Layer, Zone
from supervisor.weather.design_storm import SEOUL, design_storm

START = 1_767_225_600.0
ZONES = tuple(
    Zone(
        id=f"z{i}",
        name="",
        board="b",
        relay=i,
        feeder="f",
        power_w=30_000,
        area_m2=100.0,
        layers=(Layer("asphalt", 0.2),),
    )
    for i in range(3)
)


def _plant(seed: int = 1, snow_start_h: float = 0.5) -> RoadPlant:
    storm = design_storm(START, hours=12, seed=1, snow_start_h=snow_start_h)
    return RoadPlant(ZONES, storm, SEOUL, START, seed=seed)


def _run(plant: RoadPlant, duty: float, hours: float) -> RoadPlant:
    for _ in range(int(hours * 3600 / STEP_S)):
        plant.advance(np.full(len(ZONES), duty))
    return plant


def test_same_seed_same_road_other_seed_other_road() -> None:
    one, same, other = (_run(_plant(seed, snow_start_h=9.0), 0.5, 2) for seed in (1, 1, 2))
    assert np.array_equal(one.surface_c, same.surface_c)
    assert np.abs(one.surface_c - other.surface_c).max() > 0.02
    assert np.ptp(one.surface_c) > 0.02  # zones differ among themselves


def test_snow_lies_on_cold_roads_and_not_on_heated_ones() -> None:
    cold, warm = _run(_plant(), 0.0, 6), _run(_plant(), 1.0, 6)
    assert (cold.lying_mm > 1.0).all()
    assert (warm.lying_mm < 0.1).all()
    assert (warm.surface_c > cold.surface_c + 0.4).all()
    assert (cold.moisture > 0.2).all()  # a probe calls a snowed road wet


def test_cable_is_warmer_than_the_surface_while_it_heats() -> None:
    warm = _run(_plant(), 1.0, 1)
    assert (warm.cable_c > warm.surface_c + 3.0).all()


def test_time_is_counted() -> None:
    assert _run(_plant(), 0.0, 1).utc_s == pytest.approx(START + 3600)
