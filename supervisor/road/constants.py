"""What stays through a run of equal steps, worked out once for each road and step length."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Generic

import numpy as np

from supervisor.road import air
from supervisor.road.conduction import Operator
from supervisor.road.maths import Array, T
from supervisor.road.pavement import LATENT_FUSION_J_KG, Roads
from supervisor.road.radiation import STEFAN_BOLTZMANN

SNOW_CONDUCTIVITY_W_MK = 2.22  # of ice; times (density/917)^1.88, Yen (1981)
ICE_DENSITY_KG_M3 = 917.0


@dataclass(frozen=True, slots=True)
class RoadConstants(Generic[T]):
    """What stays through a run of equal steps; a value per lane."""

    dt_s: float
    per_mm: float  # W/m² that melts 1 mm in a step
    zero: T
    response: T  # a: K at the surface per W/m² into it
    emits_w_m2k4: T  # σ ε
    albedo: T
    louis_c: T
    snow_w_mk_kg: T  # conductivity × density: mm of snow over it are its thermal resistance
    retention_mm: T
    drains: T  # part of the water above retention that drains in a step
    wears: bool  # whether traffic carries anything off
    kept_by_traffic: T
    residual_kept: T
    arrives: T  # part of a change of the cable's heat that has come up after a step
    share_table: Any  # (lanes, SHARES), one lane: a sequence
    bare_from: T


def constants_of(roads: Roads, op: Operator) -> RoadConstants[Array]:
    """The constants of all lanes, arrays (lanes,); kept on `roads` by step length."""
    known: RoadConstants[Array] | None = roads._constants.get(op.dt_s)
    if known is not None:
        return known
    s, dt = roads.surface, op.dt_s
    density = s("snow_density_kg_m3")
    table, bare_from, lag_s = roads.stripes
    zero = np.zeros(roads.lanes)
    zero.flags.writeable = False  # it becomes part of what callers get
    result = RoadConstants(
        dt_s=dt,
        per_mm=LATENT_FUSION_J_KG / dt,
        zero=zero,
        response=roads.per_lane(np.ascontiguousarray(op.surface[:, 0])),
        emits_w_m2k4=STEFAN_BOLTZMANN * s("emissivity"),
        albedo=s("albedo"),
        louis_c=air.louis_c(air.neutral_coefficient(s("roughness_m"), s("heat_roughness_ratio")), s("roughness_m")),
        snow_w_mk_kg=density * (SNOW_CONDUCTIVITY_W_MK * (density / ICE_DENSITY_KG_M3) ** 1.88),
        retention_mm=s("retention_mm"),
        drains=-np.expm1(-dt / s("drainage_s")),
        wears=bool(s("traffic_wear_per_h").any()),
        kept_by_traffic=np.exp(-s("traffic_wear_per_h") * dt / 3600.0),
        residual_kept=np.exp(-dt / s("residual_decay_s")),
        arrives=-np.expm1(-dt / lag_s),
        share_table=table,
        bare_from=bare_from,
    )
    roads._constants[dt] = result
    return result


def constants_of_one(roads: Roads, op: Operator) -> RoadConstants[float]:
    """The constants of a single lane, floats."""
    every = constants_of(roads, op)
    values = {f.name: getattr(every, f.name) for f in fields(every)}
    one = {name: v[0].tolist() if isinstance(v, np.ndarray) else v for name, v in values.items()}
    return RoadConstants(**one)
