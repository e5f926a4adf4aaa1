"""Water, snow, ice, frost and salt on the road: what joins, leaves and changes into what. Masses in mm (kg/m²)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from supervisor.road.forcing import State
from supervisor.road.pavement import Array, Roads

FREEZING_K_PER_G_KG = 0.0637  # NaCl, two ions: 1.86 · 2 / 58.44 K per g of salt per kg of water
LOWEST_FREEZING_C = -21.1  # eutectic of NaCl brine
OBSERVED_MARGIN_K = 1.0  # a sensor this far above (below) freezing says that ice (water) is not there
OBSERVED_RELAXATION_S = 1800.0
OBSERVED_MELT_S = 300.0  # snow that falls on a road a kelvin above freezing is gone within minutes
CLEARED_K_S = 1.5 / 3600.0  # under centimetres of snow a road cools by tenths of a degree in an hour
SLUSH_RETENTION = 0.3  # mm of water that 1 mm of snow soaks up before it drains


def freezing_point_c(salt_g_m2: Array, total_mm: Array) -> Array:
    """Freezing point [°C] of water with salt, as if all of it were dissolved in all water and ice on the road.

    The full dilution is the safe side: salt melts no more than it can keep melted.
    """
    result: Array = np.maximum(-FREEZING_K_PER_G_KG * salt_g_m2 / np.maximum(total_mm, 0.2), LOWEST_FREEZING_C)
    return result


def observed_phase_mm(
    observed_c: Array,
    freezing_c: Array,
    water_mm: Array,
    frozen_mm: Array,
    lacking_w_m2: Array,
    per_mm: float,
    dt_s: float,
) -> Array:
    """Mass that froze (+) or melted (−) while the surface temperature was observed [mm].

    Near the freezing point what the road did not take of the model's flux melted (`lacking_w_m2` negative) or came from
    freezing (positive); `per_mm` W/m² change 1 mm in the step. A sensor well above (below) it says that ice (water) is
    not there, or not for long.
    """
    above = np.nan_to_num(observed_c) - freezing_c
    by_energy = np.clip(lacking_w_m2 / per_mm, -frozen_mm, water_mm)
    melted, frozen = -np.expm1(-dt_s / OBSERVED_MELT_S), -np.expm1(-dt_s / OBSERVED_RELAXATION_S)
    relaxed = np.where(above > 0.0, -melted * frozen_mm, frozen * water_mm)
    result: Array = np.where(np.abs(above) <= OBSERVED_MARGIN_K, by_energy, relaxed)
    return result


def cleared_mm(observed_c: Array | None, before_c: Array, snow_mm: Array, dt_s: float) -> Array:
    """Snow that must have been ploughed off in this step [mm]: the observed surface cools too fast to lie under it."""
    if observed_c is None:
        return np.zeros_like(snow_mm)
    cools = (before_c - np.where(np.isfinite(observed_c), observed_c, np.inf)) > CLEARED_K_S * dt_s
    result: Array = np.where(cools, snow_mm * -np.expm1(-dt_s / OBSERVED_RELAXATION_S), 0.0)
    return result


@dataclass(frozen=True)
class Settled:
    """Stores after a step and what left the road [mm]."""

    state: State
    drained_mm: Array
    frozen_off_mm: Array


def settle(
    roads: Roads,
    state: State,
    water: Array,
    snow: Array,
    phase_mm: Array,
    vapour_mm: Array,
    sublimes: Array,
    dt_s: float,
) -> Settled:
    """Stores after phase change, vapour, drainage and traffic.

    `water` and `snow` hold the step's precipitation; `phase_mm` freezes (+) or melts (−); `vapour_mm` condenses (+) or
    leaves (−), as frost and from the frozen stores where `sublimes`.
    """
    melted = np.maximum(-phase_mm, 0.0)
    frost, rest = _take(state.frost_mm, melted)
    snow, rest = _take(snow, rest)
    ice, _ = _take(state.ice_mm, rest)
    ice = ice + np.maximum(phase_mm, 0.0)
    water = water - phase_mm

    gained, lost = np.maximum(vapour_mm, 0.0), np.maximum(-vapour_mm, 0.0)
    frost, rest = _take(frost + np.where(sublimes, gained, 0.0), np.where(sublimes, lost, 0.0))
    snow, rest = _take(snow, rest)
    ice, _ = _take(ice, rest)
    water = np.maximum(water + np.where(sublimes, 0.0, vapour_mm), 0.0)

    s = roads.surface
    held = s("retention_mm") + SLUSH_RETENTION * snow
    drained = np.maximum(water - held, 0.0) * -np.expm1(-dt_s / s("drainage_s"))
    salt = state.salt_g_m2 * (1.0 - drained / np.maximum(water, 1e-9))
    water = water - drained
    kept = np.exp(-s("traffic_wear_per_h") * dt_s / 3600.0)
    frozen_off = (1.0 - kept) * (snow + ice + frost)
    drained = drained + (1.0 - kept) * water + frozen_off
    new = replace(
        state, water_mm=water * kept, ice_mm=ice * kept, snow_mm=snow * kept, frost_mm=frost * kept, salt_g_m2=salt
    )
    return Settled(new, drained, frozen_off)


def _take(store: Array, wanted: Array) -> tuple[Array, Array]:
    """Take `wanted` from `store`: what is left, and what is still wanted."""
    taken = np.minimum(store, wanted)
    return store - taken, wanted - taken


def plough(state: State, lanes: Array | slice, left_mm: float = 1.0) -> State:
    """The snow of some lanes ploughed down to at most `left_mm`; it lies evenly then."""
    snow, striped = state.snow_mm.copy(), state.striped_mm.copy()
    snow[lanes] = np.minimum(snow[lanes], left_mm)
    striped[lanes] = 0.0
    return replace(state, snow_mm=snow, striped_mm=striped)


def spread_salt(state: State, lanes: Array | slice, salt_g_m2: float) -> State:
    """`salt_g_m2` of NaCl spread on some lanes."""
    salt = state.salt_g_m2.copy()
    salt[lanes] += salt_g_m2
    return replace(state, salt_g_m2=salt)
