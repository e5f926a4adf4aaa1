"""Conduction against closed forms, conservation over random winters, and what a run costs."""

from __future__ import annotations

import csv
import re
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from supervisor.road import (
    MATERIALS,
    Forcing,
    Pavement,
    SurfaceParameters,
    build_roads,
    flux_ratio,
    initial_state,
    simulate,
)
from supervisor.road.conduction import advance, operator
from supervisor.road.radiation import longwave_down_w_m2

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Closed:
    """Worst error of one kind of closed form."""

    case: str
    values: int
    worst: float
    unit: str


def _numbers(text: str) -> dict[str, float]:
    found = re.findall(r"(\w+)\s*=?\s*\+?(-?[\d.]+(?:e[+-]?\d+)?)", text)
    return {name: float(value) for name, value in found}


def _half_space(conductivity: float, capacity: float) -> Pavement:
    """The usual road's grid, made of one material."""
    asphalt = MATERIALS["asphalt"]
    surface = SurfaceParameters(
        conductivity_factor=conductivity / asphalt.conductivity_w_mk, capacity_factor=capacity / asphalt.capacity_j_m3k
    )
    return Pavement((("asphalt", 1.5),), surface=surface)


def _march(pavement: Pavement, dt_s: float, steps: int, conductance: float, air_c: Array | None, flux: float) -> Array:
    """Temperatures (steps, nodes); `air_c` with conductance inf is a given surface temperature."""
    roads = build_roads([pavement])
    op = operator(roads, dt_s)
    temperature, zero = np.zeros((1, roads.nodes)), np.zeros(1)
    result = np.empty((steps, roads.nodes))
    for i in range(steps):
        free = advance(roads, op, temperature, zero, zero)
        a0 = op.surface[0, 0]
        if air_c is None:
            q = flux
        elif np.isinf(conductance):
            q = float((air_c[i] - free[0, 0]) / a0)
        else:
            q = float(conductance * (air_c[i] - free[0, 0]) / (1.0 + a0 * conductance))
        temperature = free[:, :-1] + q * op.surface[:, :-1]
        result[i] = temperature[0]
    return result


def closed_forms(path: Path) -> list[Closed]:
    """Every row of `numeric/analytic.csv` on the production grid; worst absolute error by kind."""
    with path.open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    errors: dict[str, list[float]] = {}
    for record in records:
        case, given = record["case"], _numbers(record["parameters"])
        at_s, where, value = float(record["time_s"]), float(record["z_or_x_m"]), float(record["value"])
        if case == "line_sources_isothermal_surface_flux":
            depth, spacing = given["depth"], given["spacing"]
            error = (flux_ratio(depth, spacing, np.array([where]))[0] * given["flux"] - value) / given["flux"]
        else:
            pavement = _half_space(given["k"], given["C"])
            z = build_roads([pavement]).depth_m[0]
            if case == "halfspace_step_flux":
                run = _march(pavement, 600.0, round(at_s / 600.0), 0.0, None, given["q"])
                error = run[-1, 0] - value
            elif case == "halfspace_robin_step":
                steps = round(at_s / 10.0)
                run = _march(pavement, 10.0, steps, given["h"], np.full(steps, 10.0), 0.0)
                error = run[-1, 0] - value
            else:
                days, dt_s = 12, 600.0
                steps = round((days * 86400.0 + at_s) / dt_s)
                surface = 10.0 * np.sin(2.0 * np.pi * dt_s * np.arange(1, steps + 1) / 86400.0)
                run = _march(pavement, dt_s, steps, np.inf, surface, 0.0)
                error = float(CubicSpline(z, run[-1])(where)) - value
        errors.setdefault(case, []).append(abs(float(error)))
    return [
        Closed(case, len(values), max(values), "of the mean flux" if case.startswith("line") else "K")
        for case, values in errors.items()
    ]


def winter(seed: int, steps: int, lanes: int, dt_s: float = 600.0) -> Forcing:
    """Some winter days of all kinds; different for each lane."""
    rng = np.random.default_rng(seed)
    hours = np.arange(steps)[:, None] * dt_s / 3600.0
    level, swing, dry, cloud = (rng.uniform(*r, lanes) for r in ((-12.0, 6.0), (1.0, 6.0), (0.2, 6.0), (0.0, 1.0)))
    air = level + swing * np.sin(hours / 24 * 2 * np.pi - 2.0)
    dew = air - dry
    falling = np.sin(hours / rng.uniform(2, 12, lanes) + rng.uniform(0, 6, lanes)) > 0.6
    rate = falling * rng.uniform(0, 3, lanes)
    sun = np.maximum(rng.uniform(100, 600, lanes) * np.sin(hours / 24 * 2 * np.pi - 1.6), 0.0)
    return Forcing(
        air,
        dew,
        np.abs(rng.normal(2.5, 1.5, (steps, lanes))),
        sun,
        longwave_down_w_m2(air, dew, cloud * np.ones_like(air)),
        np.where(air > 1.0, rate, 0.0),
        np.where(air > 1.0, 0.0, rate),
    )


def closure(lanes: int = 40, days: int = 10) -> tuple[float, float]:
    """Worst relative error of energy and of water over random winters, heated and not."""
    road = (("asphalt", 0.1), ("crushed rock", 0.3))
    pavements = [Pavement(road, bridge=i % 5 == 0, cable_depth_m=0.06) for i in range(lanes)]
    roads = build_roads(pavements)
    start = initial_state(roads, 0.0, 6.0)
    steps = days * 144
    heat = np.linspace(0.0, 300.0, lanes)[None, :]
    run, end = simulate(roads, start, winter(7, steps, lanes), heat, 600.0, with_fluxes=True)
    f = run.fluxes
    assert f is not None
    stored = (roads.capacity_j_m2k * (end.temperature_c - start.temperature_c)).sum(axis=1)
    stored -= (end.soil_ice_j_m2 - start.soil_ice_j_m2).sum(axis=1)
    terms = f.shortwave + f.longwave + f.emitted + f.sensible + f.latent + f.precipitation + f.traffic + f.residual
    supplied = ((terms + f.phase + f.cable - f.bottom) * 600.0).sum(axis=0)
    energy = np.abs(stored - supplied) / (np.abs(terms) * 600.0).sum(axis=0)
    mass = end.water_mm + end.frozen_mm - start.water_mm - start.frozen_mm
    moved = (f.precipitated_mm + f.vapour_mm - f.drained_mm).sum(axis=0)
    water = np.abs(mass - moved) / np.maximum(f.precipitated_mm.sum(axis=0), 0.1)
    return float(energy.max()), float(water.max())


def cost_ms(roads_count: int, dt_s: float = 600.0, repeats: int = 3) -> float:
    """CPU time of a 72-h run per road [ms], the best of some repeats."""
    roads = build_roads([Pavement((("asphalt", 0.1), ("crushed rock", 0.3)))] * roads_count)
    forcing = winter(3, round(72 * 3600 / dt_s), roads_count, dt_s)
    state = initial_state(roads, 0.0, 6.0)
    simulate(roads, state, forcing[:2], 0.0, dt_s)
    best = np.inf
    for _ in range(repeats):
        begin = time.process_time()
        simulate(roads, state, forcing, 0.0, dt_s)
        best = min(best, time.process_time() - begin)
    return best * 1e3 / roads_count
