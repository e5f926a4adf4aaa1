"""What drives a road: weather at the model's steps, checked once; and the state that it changes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road import air
from supervisor.road.horizon import obstacle_deg
from supervisor.road.pavement import Array, Roads
from supervisor.road.radiation import SOLAR_CONSTANT_W_M2, STEFAN_BOLTZMANN, YOUNG_SNOW_ALBEDO, behind_horizon_w_m2

DAY_S, HOURS = 86_400.0, 24
STANDARD_PRESSURE_PA = 101_325.0
WATER_HEAT_J_KGK = 4186.0
ICE_HEAT_J_KGK = 2100.0

# name: lowest, highest physically possible value
_LIMITS = {
    "air_c": (-60.0, 60.0),
    "dew_point_c": (-80.0, 40.0),
    "wind_m_s": (0.0, 75.0),
    "shortwave_w_m2": (0.0, SOLAR_CONSTANT_W_M2),  # means over minutes; clouds' edges add to single seconds only
    "longwave_w_m2": (40.0, 600.0),
    "rain_mm_h": (0.0, 300.0),
    "snow_mm_h": (0.0, 100.0),
    "pressure_pa": (30_000.0, 110_000.0),
    "traffic_w_m2": (0.0, 100.0),
    "correction_w_m2": (-300.0, 300.0),
    "clear_sky_w_m2": (0.0, SOLAR_CONSTANT_W_M2),
    "sun_elevation_deg": (-90.0, 90.0),
    "sun_azimuth_deg": (0.0, 360.0),
    "time_utc_s": (-1e11, 1e11),
}


@dataclass(frozen=True)
class Forcing:
    """Weather per step; arrays (steps, lanes) or (steps, 1). Row t holds through step t (interval-end semantics).

    Raises PhysicsError naming variable, step and value where one is not finite or outside physical limits, or where
    the dew point exceeds the air temperature by more than 0.5 K.
    """

    air_c: Array
    dew_point_c: Array
    wind_m_s: Array
    shortwave_w_m2: Array  # global horizontal, from an open sky; each road's own horizon shades it
    longwave_w_m2: Array  # from an open sky
    rain_mm_h: Array
    snow_mm_h: Array  # water equivalent
    pressure_pa: Array | float = STANDARD_PRESSURE_PA
    traffic_w_m2: Array | float = 0.0  # on top of the road's own parameter
    clear_sky_w_m2: Array | float = 0.0  # sun without cloud: how large the residual may grow by day
    sun_elevation_deg: Array | float = 90.0  # by steps: roads with a horizon want it
    sun_azimuth_deg: Array | float = 0.0  # clockwise from north, likewise
    time_utc_s: Array | float = 0.0  # middle of each step: for what comes back at the same hour every day
    correction_w_m2: Array | float = 0.0  # what the same hour of the days before asked for, see residual.py

    def __post_init__(self) -> None:
        steps = np.shape(self.air_c)[0] if np.ndim(self.air_c) == 2 else -1
        for name, (low, high) in _LIMITS.items():
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.ndim not in (0, 2) or (values.ndim == 2 and values.shape[0] != steps):
                raise PhysicsError(
                    f"shape {values.shape}, want ({steps}, lanes) or ({steps}, 1)",
                    where=name,
                    remedy="Give every variable the same steps.",
                )
            bad = ~((values >= low) & (values <= high))
            if bad.any():
                at = tuple(int(i) for i in np.argwhere(bad)[0])
                raise PhysicsError(
                    f"{values[at]} at step {at[0] if at else 0} is not within {low:g}…{high:g}",
                    where=name,
                    remedy="Pass the weather through the quality gate.",
                )
        above = np.asarray(self.dew_point_c) - np.asarray(self.air_c)
        if np.any(above > 0.5):
            step, lane = (int(i) for i in np.argwhere(above > 0.5)[0])
            dew = float(np.broadcast_to(np.asarray(self.dew_point_c), above.shape)[step, lane])
            raise PhysicsError(
                f"{dew:g} at step {step} is {above[step, lane]:.2f} K above the air temperature",
                where="dew_point_c",
                remedy="Pass the weather through the quality gate.",
            )

    @property
    def steps(self) -> int:
        return int(self.air_c.shape[0])

    def __getitem__(self, steps: slice) -> Forcing:
        """The same weather for some of the steps; no second check."""
        part = object.__new__(Forcing)
        for f in fields(self):
            value = getattr(self, f.name)
            object.__setattr__(part, f.name, value[steps] if np.ndim(value) == 2 else value)
        return part

    def joined(self, steps: int) -> Forcing:
        """Means over `steps` steps each; what does not fill a last one is dropped."""
        count = self.steps // steps
        values = {f.name: np.asarray(getattr(self, f.name), dtype=np.float64) for f in fields(self)}
        return Forcing(
            **{
                name: v[: count * steps].reshape(count, steps, -1).mean(axis=1) if v.ndim == 2 else v
                for name, v in values.items()
            }
        )


def _on_road_w_m2(roads: Roads, f: Forcing) -> Array:
    """Global irradiance behind each road's horizon. Raises PhysicsError where the position of the sun is missing."""
    skylines = roads.skylines_deg
    if skylines is None:
        return f.shortwave_w_m2
    if np.ndim(f.sun_elevation_deg) == 0 or np.ndim(f.sun_azimuth_deg) == 0:
        raise PhysicsError(
            "a road has a horizon, and the forcing does not say where the sun stands",
            where="sun_elevation_deg, sun_azimuth_deg",
            remedy="Give the site when weather is brought to steps.",
        )
    obstacle = obstacle_deg(skylines, np.asarray(f.sun_azimuth_deg))
    shaded = behind_horizon_w_m2(f.shortwave_w_m2, np.asarray(f.sun_elevation_deg), obstacle, roads.surface("sky_view"))
    open_sky = np.array([not p.horizon for p in roads.pavements])
    return np.where(roads.per_lane(open_sky), f.shortwave_w_m2, shaded) if open_sky.any() else shaded


def _daily_w_m2(roads: Roads, f: Forcing, state: State | None) -> Array | float:
    """Each road's part of what it lacked at this hour of the days before [W/m²]."""
    if state is None or np.ndim(f.time_utc_s) == 0 or not state.daily_w_m2.any():
        return 0.0
    hour = np.asarray(f.time_utc_s) % DAY_S / 3600.0 - 0.5  # from the middle of an hour to the next one's
    lanes, first = np.arange(roads.lanes), np.floor(hour).astype(np.int64)
    before, after = (state.daily_w_m2[lanes, (first + i) % HOURS] for i in (0, 1))
    result: Array = roads.surface("daily_weight") * (before + (hour - first) * (after - before))
    return result


DOUBT_PER_W_M2 = 0.01  # the flux error is some 20 W/m² by night and 30 % of the clear-sky sun more by day

# Rows of the prepared array: all that does not depend on the road's temperature, worked out for all steps at once.
(
    AIR,
    VAPOUR,
    NEUTRAL_M_S,
    WIND,
    SENSIBLE,
    LATENT,
    SHORTWAVE,
    LONGWAVE,
    RAIN,
    SNOW,
    PRECIPITATION,
    TRAFFIC,
    CORRECTION,
    DOUBT,
) = range(14)


def prepare(roads: Roads, forcing: Forcing, state: State | None = None) -> Array:
    """Forcing as the step wants it, shape (steps, 14, lanes). Pure; see the row names above.

    With a state its daily lack joins the correction.
    """
    s, lanes = roads.surface, roads.lanes
    f = forcing
    wind = np.sqrt(np.square(f.wind_m_s) + np.square(s("stirring_m_s")) + 0.01)
    density = air.air_density_kg_m3(f.air_c, np.asarray(f.pressure_pa))
    exchange = air.neutral_coefficient(s("roughness_m"), s("heat_roughness_ratio")) * wind
    around = STEFAN_BOLTZMANN * (f.air_c + air.KELVIN) ** 4  # walls and slopes are about as warm as the air
    rows = (
        f.air_c,
        air.vapour_pressure_water_pa(np.minimum(f.dew_point_c, f.air_c)),
        exchange,
        wind,
        density * air.AIR_HEAT_J_KGK,  # × exchange velocity = W/m²K
        density * air.VAPOUR_RATIO / f.pressure_pa,  # × exchange velocity × L = W/m²/Pa
        _on_road_w_m2(roads, f) * s("shortwave_factor"),
        s("emissivity") * (s("sky_view") * f.longwave_w_m2 + (1.0 - s("sky_view")) * around),
        f.rain_mm_h / 3600.0,
        f.snow_mm_h / 3600.0,
        (WATER_HEAT_J_KGK * f.rain_mm_h + ICE_HEAT_J_KGK * f.snow_mm_h) / 3600.0,
        f.traffic_w_m2 + s("traffic_w_m2"),
        f.correction_w_m2 + _daily_w_m2(roads, f, state),
        1.0 + DOUBT_PER_W_M2 * np.asarray(f.clear_sky_w_m2),
    )
    result = np.empty((f.steps, len(rows), lanes))
    for i, row in enumerate(rows):
        result[:, i, :] = row
    return result


@dataclass
class State:
    """Roads at one instant; arrays (lanes, nodes) and (lanes,). `step` returns a new one and leaves its input alone."""

    temperature_c: Array  # node 0 is the surface
    soil_ice_j_m2: Array  # latent heat given off by frozen soil water, per node
    water_mm: Array
    ice_mm: Array
    snow_mm: Array
    frost_mm: Array
    salt_g_m2: Array
    snow_albedo: Array  # of full cover; falls as snow ages
    top_c: Array  # top of the snow, else the surface
    deep_c: Array  # below the grid; under a bridge the air is used instead
    wires_w_m2: Array  # cable heat on its way, as the surface gets it
    striped_mm: Array  # melted by the wires since snow lay evenly, see stripes.py
    residual_w_m2: Array  # night's worth of the flux that the last observations ask for beyond the model's; decays
    daily_w_m2: Array  # (lanes, 24) what the model lacked at each hour UTC of the days before, see residual.py

    @property
    def surface_c(self) -> Array:
        return self.temperature_c[:, 0]

    @property
    def frozen_mm(self) -> Array:
        """Snow, ice and frost [mm water equivalent]."""
        return self.ice_mm + self.snow_mm + self.frost_mm

    def copy(self) -> State:
        return State(**{f.name: getattr(self, f.name).copy() for f in fields(self)})

    def repeat(self, members: int) -> State:
        """Each lane `members` times, for `Roads.with_members`."""
        return State(**{f.name: np.repeat(getattr(self, f.name), members, axis=0) for f in fields(self)})

    def take(self, lanes: Array | slice | list[int]) -> State:
        """Some lanes, copied."""
        return State(**{f.name: np.array(getattr(self, f.name)[lanes]) for f in fields(self)})


def initial_state(roads: Roads, surface_c: Array | float, deep_c: Array | float | None = None) -> State:
    """Dry roads with a profile that bends from the surface to the deep temperature [°C] over about 0.3 m.

    Without `deep_c` the profile is uniform.
    """
    lanes = roads.lanes
    surface = np.broadcast_to(np.asarray(surface_c, dtype=np.float64), (lanes,))
    deep = surface if deep_c is None else np.broadcast_to(np.asarray(deep_c, dtype=np.float64), (lanes,))
    z = roads.per_lane(roads.depth_m)
    temperature = deep[:, None] + (surface - deep)[:, None] * np.exp(-z / 0.3)
    zeros = np.zeros(lanes)
    state = State(
        temperature,
        np.zeros_like(temperature),
        zeros.copy(),
        zeros.copy(),
        zeros.copy(),
        zeros.copy(),
        zeros.copy(),
        np.full(lanes, YOUNG_SNOW_ALBEDO),
        surface.copy(),
        deep.copy(),
        zeros.copy(),
        zeros.copy(),
        zeros.copy(),
        np.zeros((lanes, HOURS)),
    )
    if roads.soil_freezes:
        frozen = (temperature < 0.0) * roads.per_lane(roads.freezing_j_m2)
        frozen[:, 0] = 0.0
        state = replace(state, soil_ice_j_m2=frozen)
    return state
