"""One step of all lanes: conduction, the surface's step, soil water; its state and fluxes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road import arrays
from supervisor.road import forcing as rows
from supervisor.road.air import KELVIN
from supervisor.road.balance import NoEquilibriumError
from supervisor.road.conduction import Operator, advance, freeze_soil, operator
from supervisor.road.constants import constants_of
from supervisor.road.forcing import Forcing, State, prepare
from supervisor.road.observed import ObservedStep
from supervisor.road.pavement import Array, Roads
from supervisor.road.stores import Cover
from supervisor.road.surface_step import SurfaceStep

LOWEST_C, HIGHEST_C = -60.0, 90.0
_COVER_FIELDS = tuple(f.name for f in fields(Cover))


@dataclass(frozen=True)
class Fluxes:
    """Energy terms of one step [W/m²], positive towards the road, and masses [mm] gained; arrays (lanes,)."""

    shortwave: Array
    longwave: Array
    emitted: Array
    sensible: Array
    latent: Array
    precipitation: Array
    traffic: Array
    residual: Array  # decaying residual and daily correction
    phase: Array  # freezing +, melting −
    ground: Array  # into the pavement: the sum of the above
    cable: Array
    bottom: Array  # out through the bottom, negative when heat comes in
    vapour_mm: Array  # condensed +, evaporated −
    precipitated_mm: Array
    drained_mm: Array  # drained or carried off by traffic
    frozen_off_mm: Array  # part of that which left frozen
    lacking: Array  # W/m² that an observed surface asks for beyond the model's fluxes, 0 where not observed


def advance_state(
    roads: Roads, op: Operator, state: State, row: Array, heat_w_m2: Array, observed_c: Array | None = None
) -> tuple[State, Fluxes]:
    """One step from prepared forcing `row` (14, lanes) and cable heat (lanes,).

    `observed_c` (lanes,), NaN where unknown, forces the surface temperature (spin-up); the flux that it asks for beyond
    the model's becomes the residual. Raises PhysicsError when it cannot converge or leaves −60…90 °C.
    """
    bottom_c = np.where(roads.bridge, row[rows.AIR], state.deep_c)
    free = advance(roads, op, state.temperature_c, heat_w_m2, bottom_c)
    constants, cover = constants_of(roads, op), Cover(*(getattr(state, name) for name in _COVER_FIELDS))
    surface = (
        SurfaceStep(arrays, constants, cover)
        if observed_c is None
        else ObservedStep(constants, cover, state.surface_c, observed_c)
    )
    try:
        surface.advance(row, heat_w_m2, free[:, 0])
    except NoEquilibriumError as error:
        lane = int(np.argmax(np.abs(np.nan_to_num(error.change_k, nan=np.inf))))
        raise diverges(f"lane {lane}", error.top_c[lane]) from None
    ends = free + roads.per_lane(op.surface) * surface.net_w_m2[:, None]
    temperature = ends[:, :-1].copy()
    _check_range(temperature)
    soil_ice = state.soil_ice_j_m2
    if roads.soil_freezes:
        soil_ice = soil_ice.copy()
        freeze_soil(roads, temperature, soil_ice)
    bottom_w_m2 = roads.per_lane(roads.bottom_w_m2k) * (ends[:, -1] - bottom_c)
    after = {name: getattr(cover, name) for name in _COVER_FIELDS}
    same = {name: value.copy() for name, value in after.items() if value is getattr(state, name)}
    new = replace(state, temperature_c=temperature, soil_ice_j_m2=soil_ice, **(after | same))
    return new, _fluxes(surface, row, heat_w_m2, bottom_w_m2)


def _check_range(temperature_c: Array) -> None:
    """Raises PhysicsError naming the lane that leaves −60…90 °C."""
    if np.min(temperature_c) > LOWEST_C and np.max(temperature_c) < HIGHEST_C:
        return
    lane = int(np.argmax(np.max(np.abs(np.nan_to_num(temperature_c, nan=np.inf)), axis=1)))
    raise out_of_range(f"lane {lane}", float(temperature_c[lane, 0]))


def out_of_range(where: str, surface_c: float) -> PhysicsError:
    return PhysicsError(
        f"temperature {surface_c:.1f} °C is outside {LOWEST_C:g}…{HIGHEST_C:g} °C",
        where=where,
        remedy="Check this road's weather, heat and parameters.",
    )


def diverges(where: str, top_c: float) -> PhysicsError:
    return PhysicsError(
        f"surface balance does not converge, {top_c:.1f} °C",
        where=where,
        remedy="Check this road's weather and parameters.",
    )


def _fluxes(surface: SurfaceStep[Array], row: Array, heat_w_m2: Array, bottom_w_m2: Array) -> Fluxes:
    """The energy and mass terms of the step that `surface` has made."""
    cleared, lacking = surface.constants.zero, surface.constants.zero
    if isinstance(surface, ObservedStep):
        cleared, lacking = surface.cleared_mm, surface.lacking_w_m2
    warmer = row[rows.AIR] - surface.top_c
    return Fluxes(
        shortwave=surface.absorbed_w_m2,
        longwave=row[rows.LONGWAVE],
        emitted=-surface.constants.emits_w_m2k4 * (surface.top_c + KELVIN) ** 4,
        sensible=surface.velocity_m_s * row[rows.SENSIBLE] * warmer,
        latent=surface.latent_w_m2,
        precipitation=row[rows.PRECIPITATION] * warmer,
        traffic=row[rows.TRAFFIC],
        residual=surface.added_w_m2,
        phase=surface.phase_w_m2,
        ground=surface.net_w_m2,
        cable=heat_w_m2,
        bottom=bottom_w_m2,
        vapour_mm=surface.vapour_mm,
        precipitated_mm=surface.fallen_mm,
        drained_mm=surface.drained_mm + cleared,
        frozen_off_mm=surface.frozen_off_mm + cleared,
        lacking=lacking,
    )


def step(
    roads: Roads, state: State, forcing_row: Forcing, heat_w_m2: Array | float, dt_s: float
) -> tuple[State, Fluxes]:
    """One step under one-row `Forcing`; `heat_w_m2` cable heat per lane [W/m²]. The plant's entry."""
    heat = np.broadcast_to(np.asarray(heat_w_m2, dtype=np.float64), (roads.lanes,))
    return advance_state(roads, operator(roads, dt_s), state, prepare(roads, forcing_row, state)[0], heat)
