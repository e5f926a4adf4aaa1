"""Road-surface model for heated pavements: temperature, water, snow and ice of many roads at once.

Pure: no clock, no I/O.

    roads = build_pavements(zones)                        # or build_roads([Pavement((("asphalt", 0.1),))])
    state = initial_state(roads, surface_c=2.0, deep_c=6.0)
    # arrays (steps, lanes) or (steps, 1)
    forcing = Forcing(air_c, dew_point_c, wind_m_s, shortwave_w_m2, longwave_w_m2, rain_mm_h, snow_mm_h)
    trajectory, state = simulate(roads, state, forcing, heat_w_m2=0.0, dt_s=600.0)
    state, fluxes = step(roads, state, forcing[:1], heat_w_m2, dt_s=10.0)      # one step: the bench's plant

Ensembles: `roads.with_members(K)` and `state.repeat(K)`; lane = road · K + member. Planning:

    free = free_response(many, state, forcing, dt_s=900.0, slot_s=900.0)       # T⁰ and wet, (lanes, slots)
    g = kernel(many, state, forcing, 900.0, 900.0, full_heat_w_m2)             # K per unit duty, (roads, slots, slots)

Per telemetry minute: `BelievingEstimator.update`, which weighs each sensor, or `StateEstimator.update`.
Surface states and ice minutes: `surface_state`, `is_icy`, `ICE_MM`.
Read in this order: pavement, conduction, surface_step, stores, step, linear.
"""

from supervisor.road.believed import BelievingEstimator
from supervisor.road.estimate import StateEstimator
from supervisor.road.forcing import Forcing, State, initial_state
from supervisor.road.linear import FreeResponse, free_response, kernel
from supervisor.road.materials import MATERIALS, Material, material
from supervisor.road.pavement import Pavement, Roads, build_pavements, build_roads
from supervisor.road.pavement import Surface as SurfaceParameters
from supervisor.road.residual import corrected, daily_correction_w_m2
from supervisor.road.simulate import Trajectory, sheath_c, simulate
from supervisor.road.step import Fluxes, step
from supervisor.road.stripes import flux_ratio, melt_demand_ratio
from supervisor.road.surface import DATEX_II, ICE_MM, Surface, ice_minutes, is_icy, surface_state
from supervisor.road.work import plough, spread_salt

__all__ = [
    "DATEX_II",
    "ICE_MM",
    "MATERIALS",
    "BelievingEstimator",
    "Fluxes",
    "Forcing",
    "FreeResponse",
    "Material",
    "Pavement",
    "Roads",
    "State",
    "StateEstimator",
    "Surface",
    "SurfaceParameters",
    "Trajectory",
    "build_pavements",
    "build_roads",
    "corrected",
    "daily_correction_w_m2",
    "flux_ratio",
    "free_response",
    "ice_minutes",
    "initial_state",
    "is_icy",
    "kernel",
    "material",
    "melt_demand_ratio",
    "plough",
    "sheath_c",
    "simulate",
    "spread_salt",
    "step",
    "surface_state",
]
