"""Many steps: trajectories, and the spin-up on observed surface temperature."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road.conduction import operator
from supervisor.road.forcing import Forcing, State, prepare
from supervisor.road.pavement import Array, Roads
from supervisor.road.single import march
from supervisor.road.step import Fluxes, advance_state

MOST_HEAT_W_M2 = 2000.0  # half again what embedded cable may carry (NEC 426)


@dataclass(frozen=True)
class Trajectory:
    """What happened; arrays (steps, lanes), row t at the END of step t. `fluxes` only if asked for."""

    dt_s: float
    surface_c: Array
    cable_c: Array  # pavement at cable depth, mean between the wires
    water_mm: Array
    ice_mm: Array
    snow_mm: Array
    frost_mm: Array
    fluxes: Fluxes | None = None  # same names as a step's, arrays (steps, lanes)

    @property
    def frozen_mm(self) -> Array:
        return self.ice_mm + self.snow_mm + self.frost_mm


def simulate(
    roads: Roads,
    state: State,
    forcing: Forcing,
    heat_w_m2: Array | float,
    dt_s: float,
    *,
    observed_surface_c: Array | None = None,
    with_fluxes: bool = False,
) -> tuple[Trajectory, State]:
    """Run `forcing.steps` steps of `dt_s` from `state`.

    `heat_w_m2`: cable heat, scalar, (steps, 1) or (steps, lanes). `observed_surface_c` (steps, lanes), NaN where there
    is none, forces the surface (spin-up) and leaves a residual flux that decays afterwards. Returns the trajectory and
    the final state; `state` is not changed. Raises PhysicsError, see `step`.
    """
    lanes, steps = roads.lanes, forcing.steps
    if state.temperature_c.shape != (lanes, roads.nodes):
        raise PhysicsError(
            f"state of shape {state.temperature_c.shape} for {lanes} lanes of {roads.nodes} nodes",
            where="state",
            remedy="Build the state for these roads.",
        )
    heat = np.broadcast_to(np.asarray(heat_w_m2, dtype=np.float64), (steps, lanes))
    bad = ~((heat >= 0.0) & (heat <= MOST_HEAT_W_M2))
    if bad.any():
        step, lane = (int(i) for i in np.argwhere(bad)[0])
        raise PhysicsError(
            f"{heat[step, lane]} at step {step} is not within 0…{MOST_HEAT_W_M2:g}",
            where="heat_w_m2",
            remedy="Correct power or area.",
        )
    op = operator(roads, dt_s)
    prepared = prepare(roads, forcing, state)
    if lanes == 1 and observed_surface_c is None and not with_fluxes:
        (surface, cable, water, ice, snow, frost), state = march(roads, op, state, prepared, heat)
        return Trajectory(dt_s, *(v[:, None] for v in (surface, cable, water, ice, snow, frost))), state
    weight = roads.per_lane(roads.cable_weight)
    kept = np.empty((6, steps, lanes))
    energy = np.empty((len(fields(Fluxes)), steps, lanes)) if with_fluxes else None
    observed = None
    if observed_surface_c is not None:
        observed = np.broadcast_to(observed_surface_c, (steps, lanes))
    for t in range(steps):
        at = observed[t] if observed is not None and np.isfinite(observed[t]).any() else None
        state, fluxes = advance_state(roads, op, state, prepared[t], heat[t], at)
        kept[0, t] = state.surface_c
        kept[1, t] = np.einsum("ln,ln->l", weight, state.temperature_c)
        kept[2, t], kept[3, t], kept[4, t] = state.water_mm, state.ice_mm, state.snow_mm
        kept[5, t] = state.frost_mm
        if energy is not None:
            for i, f in enumerate(fields(Fluxes)):
                energy[i, t] = getattr(fluxes, f.name)
    surface, cable, water, ice, snow, frost = kept
    terms = None if energy is None else Fluxes(*energy)
    return Trajectory(dt_s, surface, cable, water, ice, snow, frost, terms), state


def sheath_c(roads: Roads, cable_c: Array, heat_w_m2: Array | float) -> Array:
    """Temperature at the cable's sheath [°C]: the pavement's mean at that depth plus the wire's own rise.

    Row of line sources of strength q s: ΔT = q s / (2πk) · ln(s / (2π r)), r = 4 mm (usual 8 mm road cable).
    """
    spacing = roads.per_lane(np.array([p.cable_spacing_m for p in roads.pavements]))
    conductivity = roads.per_lane(roads.conductance_w_m2k[:, 2] * (roads.depth_m[:, 3] - roads.depth_m[:, 2]))
    rise = np.maximum(np.log(spacing / (2.0 * np.pi * 0.004)), 0.0) * spacing / (2.0 * np.pi * conductivity)
    return cable_c + rise * heat_w_m2
