"""A pavement and its grid; many pavements side by side as `Roads`, the lanes of every array in this package.

A lane is one pavement under one weather (one ensemble member). Lanes are ordered road by road:
lane = road · members + member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from supervisor.domain.errors import PhysicsError
from supervisor.domain.zone import Zone
from supervisor.road.horizon import DIRECTIONS, Horizon, sky_view_of, skyline_deg
from supervisor.road.materials import material
from supervisor.road.maths import Array as Array
from supervisor.road.stripes import lying_when_bare, share_table

NODES = 22  # even near the surface, geometric below: within 0.04 K of closed forms that rise by 28 K
FIRST_SPACING_M = 0.006
GROUND_DEPTH_M = 2.0  # the daily wave has e-folded 15 times there; the yearly one comes as `deep_c`
SUBSOIL = "soil"
SHALLOWEST_M = 0.005  # of a cable: nearer to the surface its stripes would be as narrow as itself
SNOW_DENSITY_KG_M3 = 200.0  # settled and driven-over fresh snow
LATENT_FUSION_J_KG = 334_000.0  # 92.8 W/m² per mm/h


@dataclass(frozen=True)
class Surface:
    """Surface and exchange parameters of one road; the generic set is the default. Calibration may change each."""

    albedo: float = 0.10  # dry pavement (METRo, RoadSurf: 0.1)
    emissivity: float = 0.95  # RoadSurf 0.95, METRo 0.92
    roughness_m: float = 0.0015  # METRo: 1 mm
    heat_roughness_ratio: float = 0.1  # z0h / z0
    stirring_m_s: float = 3.0  # wind that traffic, slopes and warm plumes add in quadrature
    sky_view: float = 1.0  # part of the sky that the road sees
    traffic_w_m2: float = 0.0  # tyres, engines and their long-wave (RoadSurf: 5–10 W/m² on main roads)
    traffic_wear_per_h: float = 0.0  # part of snow, ice, frost and water that traffic carries off per hour
    retention_mm: float = 0.3  # water that the texture holds; what is above drains
    drainage_s: float = 300.0  # e-folding time of draining water on a sloped road
    snow_density_kg_m3: float = SNOW_DENSITY_KG_M3
    conductivity_factor: float = 1.0  # calibration: multiplies the conductivity of all layers
    capacity_factor: float = 1.0  # calibration: multiplies the heat capacity of all layers
    shortwave_factor: float = 1.0  # calibration: transmission of what the horizon and cloud estimate miss
    underside_w_m2k: float = 12.0  # bridge deck to air below
    residual_decay_s: float = 7200.0  # how long what the model lacks now goes on lacking
    daily_weight: float = 0.6  # part of what it lacked at this hour of the days before that it will lack again


@dataclass(frozen=True)
class Pavement:
    """Layers from the surface down as (material, thickness m), the cable, the surface.

    Raises PhysicsError on an unknown material, layers that sum to nothing, or a cable outside the layers' grid.
    """

    layers: tuple[tuple[str, float], ...]
    cable_depth_m: float = 0.07
    cable_spacing_m: float = 0.10
    bridge: bool = False
    horizon: Horizon = ()  # none: level all round
    surface: Surface = field(default_factory=Surface)
    name: str = "road"
    nodes: int = NODES
    first_spacing_m: float = FIRST_SPACING_M

    def __post_init__(self) -> None:
        for name, thickness in self.layers:
            material(name)
            if not 0.0 < thickness < np.inf:
                raise PhysicsError(
                    f"layer {name!r} is {thickness} m thick", where=self.name, remedy="Give thickness_m above 0."
                )
        if not self.layers:
            raise PhysicsError("the pavement has no layer", where=self.name, remedy="Give at least one layer.")
        if not 0.0 <= self.cable_depth_m <= self.depth_m:
            raise PhysicsError(
                f"cable at {self.cable_depth_m} m lies outside 0…{self.depth_m:.2f} m",
                where=self.name,
                remedy="Correct cable depth_m.",
            )
        if self.nodes < 6:
            raise PhysicsError(f"{self.nodes} nodes are too few", where=self.name, remedy="Use at least 6.")

    @property
    def depth_m(self) -> float:
        """Depth of the grid: the deck's underside, or deep enough in the ground."""
        layers_m = sum(thickness for _, thickness in self.layers)
        return layers_m if self.bridge else max(GROUND_DEPTH_M, layers_m + 0.5)

    @classmethod
    def from_zone(cls, zone: Zone, **surface: float) -> Pavement:
        """The zone's pavement; keyword arguments replace surface parameters (a stored calibration)."""
        horizon = tuple((point.azimuth_deg, point.elevation_deg) for point in zone.horizon)
        sky_view = sky_view_of(horizon) if zone.sky_view is None else zone.sky_view
        return cls(
            layers=tuple((layer.material, layer.thickness_m) for layer in zone.layers),
            cable_depth_m=zone.cable.depth_m,
            cable_spacing_m=zone.cable.spacing_m,
            bridge=zone.bridge,
            horizon=horizon,
            surface=replace(Surface(sky_view=sky_view), **surface),
            name=zone.id,
        )

    def depths_m(self) -> Array:
        """Node depths, surface first, shape (nodes,): z ∝ sinh(b i), with b so that the first interval is as asked."""
        i = np.arange(self.nodes) / (self.nodes - 1)
        if self.first_spacing_m * (self.nodes - 1) >= self.depth_m:
            return i * self.depth_m
        low, high = 1e-6, 60.0
        for _ in range(80):
            b = 0.5 * (low + high)
            too_wide = self.depth_m * np.sinh(b * i[1]) / np.sinh(b) > self.first_spacing_m
            low, high = (b, high) if too_wide else (low, b)
        return np.asarray(self.depth_m * np.sinh(b * i) / np.sinh(b))


def _grid(pavement: Pavement) -> tuple[Array, Array, Array, Array, Array]:
    """Depths (n,), capacities J/m²K (n-1,), conductances W/m²K (n-1,), freezing capacity J/m² (n,), cable weights (n,).

    Capacity and conductance belong to the intervals between nodes, as exact integrals of the layers over them, so that
    a layer boundary may lie anywhere.
    """
    z = pavement.depths_m()
    layers = [(material(name), thickness) for name, thickness in pavement.layers]
    missing = pavement.depth_m - sum(thickness for _, thickness in layers)
    if missing > 1e-9:
        layers.append((material(SUBSOIL), missing))
    tops = np.concatenate(([0.0], np.cumsum([thickness for _, thickness in layers])))
    tops[-1] = max(tops[-1], z[-1])
    thickness = np.diff(tops)
    surface = pavement.surface

    def integral(values: Sequence[float]) -> Array:
        return np.concatenate(([0.0], np.cumsum(np.array(values) * thickness)))

    resistance = integral([1.0 / (m.conductivity_w_mk * surface.conductivity_factor) for m, _ in layers])
    capacity = integral([m.capacity_j_m3k * surface.capacity_factor for m, _ in layers])
    freezing = integral([m.water_fraction * 1000.0 * LATENT_FUSION_J_KG for m, _ in layers])
    edges = np.concatenate(([0.0], 0.5 * (z[1:] + z[:-1]), [z[-1]]))
    cable = np.zeros_like(z)
    upper = min(int(np.searchsorted(z, pavement.cable_depth_m, side="right")) - 1, z.size - 2)
    part = (pavement.cable_depth_m - z[upper]) / (z[upper + 1] - z[upper])
    cable[upper], cable[upper + 1] = 1.0 - part, part
    return (
        z,
        np.diff(np.interp(z, tops, capacity)),
        1.0 / np.diff(np.interp(z, tops, resistance)),
        np.diff(np.interp(edges, tops, freezing)),
        cable,
    )


_SURFACE_FIELDS = tuple(f.name for f in fields(Surface))


@dataclass(frozen=True)
class Roads:
    """A batch of pavements on grids of equal node count, each under `members` weathers.

    Shapes: per road (roads, nodes); `surface(name)` and `bridge` per lane (lanes,). Read only; share it freely.
    """

    pavements: tuple[Pavement, ...]
    members: int
    depth_m: Array  # (roads, nodes)
    interval_j_m2k: Array  # (roads, nodes-1) heat capacity between nodes
    capacity_j_m2k: Array  # (roads, nodes) half of each neighbour's interval: heat = Σ capacity · temperature
    conductance_w_m2k: Array  # (roads, nodes-1)
    freezing_j_m2: Array  # (roads, nodes)
    cable_weight: Array  # (roads, nodes), sums to 1
    bottom_w_m2k: Array  # (roads,) to the ground below the grid, or to the air under a bridge
    _operators: dict[float, Any] = field(default_factory=dict, repr=False, compare=False)
    _constants: dict[float, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # per lane

    @property
    def roads(self) -> int:
        return len(self.pavements)

    @property
    def lanes(self) -> int:
        return self.roads * self.members

    @property
    def nodes(self) -> int:
        return int(self.depth_m.shape[1])

    def per_lane(self, per_road: Array) -> Array:
        """Repeat an array (roads, …) to (lanes, …)."""
        return np.repeat(per_road, self.members, axis=0) if self.members > 1 else per_road

    @cached_property
    def _surface(self) -> dict[str, Array]:
        return {
            name: self.per_lane(np.array([getattr(p.surface, name) for p in self.pavements], dtype=np.float64))
            for name in _SURFACE_FIELDS
        }

    @property
    def surface_names(self) -> tuple[str, ...]:
        return _SURFACE_FIELDS

    def surface(self, name: str) -> Array:
        """Surface parameter per lane, shape (lanes,)."""
        return self._surface[name]

    @cached_property
    def bridge(self) -> npt.NDArray[np.bool_]:
        return np.repeat(np.array([p.bridge for p in self.pavements]), self.members)

    @cached_property
    def skylines_deg(self) -> Array | None:
        """Skyline of every lane (lanes, directions), see horizon.py; None where no road has one."""
        if not any(p.horizon for p in self.pavements):
            return None
        level = np.zeros(DIRECTIONS)
        return self.per_lane(np.stack([skyline_deg(p.horizon) if p.horizon else level for p in self.pavements]))

    @cached_property
    def stripes(self) -> tuple[Array, Array, Array]:
        """For stripes.py, per lane: share tables, part that lies when the road over the wires is bare, lag of heat [s].

        The lag is the time that heat takes to diffuse from the cable up: resistance × capacity above it / 2.
        """
        places = [(max(p.cable_depth_m, SHALLOWEST_M), p.cable_spacing_m) for p in self.pavements]
        tables = np.array([share_table(*place) for place in places])
        bare = np.array([float(lying_when_bare(*place)) for place in places])
        resistance, capacity = (
            np.array(
                [
                    np.interp(d, z, np.concatenate(([0.0], np.cumsum(v))))
                    for (d, _), z, v in zip(places, self.depth_m, values, strict=True)
                ]
            )
            for values in (1.0 / self.conductance_w_m2k, self.interval_j_m2k)
        )
        return self.per_lane(tables), self.per_lane(bare), self.per_lane(0.5 * resistance * capacity)

    @cached_property
    def one_kind(self) -> bool:
        """Whether all roads conduct alike: same grid, layers, cable depth and bottom."""
        parts = (self.interval_j_m2k, self.conductance_w_m2k, self.cable_weight, self.bottom_w_m2k)
        return all(bool((part == part[:1]).all()) for part in parts)

    @cached_property
    def soil(self) -> tuple[Array, Array]:
        """Heat capacity [J/m²K] and latent heat of the soil's water over it [K], both (lanes, nodes)."""
        water_k = self.freezing_j_m2 / self.capacity_j_m2k
        water_k[:, 0] = 0.0  # the surface node's water is in the stores
        return self.per_lane(self.capacity_j_m2k), self.per_lane(water_k)

    @cached_property
    def soil_freezes(self) -> bool:
        return bool(self.freezing_j_m2.any())

    def with_members(self, members: int) -> Roads:
        """The same roads, each under `members` weathers; operators are shared."""
        return replace(self, members=members)

    def take(self, roads: Sequence[int], members: int = 1) -> Roads:
        """Some of the roads, each under `members` weathers, with what was worked out for them already."""
        index = list(roads)

        def part(whole: Any) -> dict[str, Any]:
            values = {f.name: getattr(whole, f.name) for f in fields(whole)}
            return {name: value[index] for name, value in values.items() if isinstance(value, np.ndarray)}

        operators: dict[float, Any] = {dt_s: replace(known, **part(known)) for dt_s, known in self._operators.items()}
        pavements = tuple(self.pavements[i] for i in index)
        return replace(self, pavements=pavements, members=members, _operators=operators, **part(self))


def build_roads(pavements: Sequence[Pavement], members: int = 1) -> Roads:
    """Batch of pavements; all must have the same node count. Raises PhysicsError otherwise."""
    if not pavements:
        raise PhysicsError("no pavement given", where="roads", remedy="Give at least one zone.")
    if len({p.nodes for p in pavements}) != 1:
        raise PhysicsError("pavements differ in node count", where="roads", remedy="Use one node count per batch.")
    parts = [_grid(p) for p in pavements]
    z, interval, conductance, freezing, cable = (np.stack(column) for column in zip(*parts, strict=True))
    capacity = np.zeros_like(z)
    capacity[:, :-1] += 0.5 * interval
    capacity[:, 1:] += 0.5 * interval
    # Ground: the last half interval again to the deep temperature. Bridge: convection under the deck.
    bottom = np.array(
        [p.surface.underside_w_m2k if p.bridge else g[-1] for p, g in zip(pavements, conductance, strict=True)]
    )
    return Roads(tuple(pavements), members, z, interval, capacity, conductance, freezing, cable, bottom)


def build_pavements(
    zones: Sequence[Zone], members: int = 1, surfaces: Mapping[str, Mapping[str, float]] | None = None
) -> Roads:
    """Batch of the zones' pavements in their order; `surfaces` holds calibrated parameters by zone id, else generic."""
    known = surfaces or {}
    return build_roads([Pavement.from_zone(zone, **known.get(zone.id, {})) for zone in zones], members)
