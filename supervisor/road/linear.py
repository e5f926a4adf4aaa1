"""The road as the planner sees it: linear in duty, about 0.5 °C and wet, where the decision is.

With conduction linear, the surface answers a flux by a fixed pulse response Γ; the surface balance linearised about
0.5 °C (H_t = h_c + 4εσT³ + latent slope) feeds back as −H_t T. Stacking the steps,

    (I + Γ_s diag H) T = T_free + Γ_s d + Γ_c q_cable        d_t = flux at 0.5 °C + 0.5 H_t − melt demand

so the kernel G and the free response T⁰ come from the same triangular matrix. Snow melt is a flux that the road must
supply as the snow falls (lying snow: over the first hours); what would lie on an unheated road is `simulate`'s to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from supervisor.domain.errors import PhysicsError
from supervisor.road import air
from supervisor.road import forcing as rows
from supervisor.road.conduction import modes, operator
from supervisor.road.forcing import Forcing, State, prepare
from supervisor.road.pavement import LATENT_FUSION_J_KG, Array, Roads
from supervisor.road.radiation import STEFAN_BOLTZMANN

Place = Literal["surface", "cable"]
POINT_C = 0.5  # the linearisation's temperature
MELT_LYING_S = 2.0 * 3600.0  # snow that already lies is to be melted over this time
WET_MM = 0.02  # a film that can freeze into something slippery


@dataclass(frozen=True)
class FreeResponse:
    """Unheated linear response; arrays (lanes, slots) at the END of each slot."""

    slot_s: float
    surface_c: Array  # T⁰
    wet: npt.NDArray[np.bool_]  # the road would be wet, snowed on or frosted if held just above freezing
    melt_w_m2: Array  # mean melt demand of the slot
    slope_w_m2k: Array  # mean H of the slot
    film_mm: Array  # thickest film of water in the slot if held just above freezing [mm]


@dataclass(frozen=True)
class _Linear:
    flux_w_m2: Array  # (steps, lanes) net flux at 0 °C extrapolated from the linearisation, melt taken off
    slope_w_m2k: Array  # (steps, lanes) H
    melt_w_m2: Array
    wet: npt.NDArray[np.bool_]
    film_mm: Array


def _linearise(roads: Roads, state: State, forcing: Forcing, dt_s: float) -> _Linear:
    """Surface balance about 0.5 °C, with the film of water that it implies."""
    f = prepare(roads, forcing).transpose(1, 0, 2)  # (12, steps, lanes)
    s = roads.surface
    point = np.full_like(f[rows.AIR], POINT_C)
    factor = air.stability_factor(
        f[rows.AIR], point, f[rows.WIND], f[rows.NEUTRAL_M_S] / f[rows.WIND], s("roughness_m")
    )
    velocity = f[rows.NEUTRAL_M_S] * factor
    exchange = velocity * f[rows.SENSIBLE] + f[rows.PRECIPITATION]
    vapour = velocity * f[rows.LATENT]  # kg/m²s per Pa
    saturation = air.vapour_pressure_water_pa(point)
    evaporation = vapour * (f[rows.VAPOUR] - saturation)  # kg/m²s, negative: dries
    lying = state.frozen_mm
    melt_mm_s = f[rows.SNOW].copy()
    melting = np.arange(forcing.steps) * dt_s < MELT_LYING_S
    melt_mm_s[melting] += lying / min(MELT_LYING_S, forcing.steps * dt_s)

    # Film of water: precipitation and melt come, what the texture cannot hold drains, the air dries it.
    film = np.empty_like(point)
    water = state.water_mm
    gain = (f[rows.RAIN] + melt_mm_s + evaporation) * dt_s
    drained = -np.expm1(-dt_s / s("drainage_s"))
    for t in range(forcing.steps):
        water = np.maximum(water + gain[t], 0.0)
        water = water - drained * np.maximum(water - s("retention_mm"), 0.0)
        film[t] = water
    wet = np.asarray((film > WET_MM) | (melt_mm_s > 0.0) | (f[rows.RAIN] > 0.0))
    wetness = np.where(evaporation > 0.0, 1.0, np.where(wet, np.minimum(film / 0.1, 1.0), 0.0))
    latent_slope = (
        vapour * air.LATENT_VAPORISATION_J_KG * wetness * saturation * 17.62 * 243.12 / (243.12 + POINT_C) ** 2
    )
    kelvin = POINT_C + air.KELVIN
    emitted = s("emissivity") * STEFAN_BOLTZMANN * kelvin**4
    slope = exchange + 4.0 * emitted / kelvin + latent_slope
    albedo = s("albedo") + np.where(melt_mm_s > 0.0, 0.15, 0.0)  # a thin melting cover
    residual = state.residual_w_m2 * np.exp(-(np.arange(forcing.steps)[:, None] + 1.0) * dt_s / s("residual_decay_s"))
    flux = (
        (1.0 - albedo) * f[rows.SHORTWAVE]
        + f[rows.LONGWAVE]
        - emitted
        + exchange * (f[rows.AIR] - POINT_C)
        + evaporation * wetness * air.LATENT_VAPORISATION_J_KG
        + f[rows.TRAFFIC]
        + residual * f[rows.DOUBT]
        + f[rows.CORRECTION]
    )
    melt = melt_mm_s * LATENT_FUSION_J_KG
    return _Linear(flux + slope * POINT_C - melt, slope, melt, wet, film)


def _slots(steps: int, dt_s: float, slot_s: float) -> int:
    per_slot = round(slot_s / dt_s)
    if per_slot < 1 or abs(per_slot * dt_s - slot_s) > 1e-6 or steps % per_slot:
        raise PhysicsError(
            f"{steps} steps of {dt_s} s do not fill slots of {slot_s} s",
            where="slot_s",
            remedy="Use a step that divides the slot, and whole slots.",
        )
    return per_slot


def free_response(roads: Roads, state: State, forcing: Forcing, dt_s: float, slot_s: float) -> FreeResponse:
    """Linear response without heat of every lane; `state` (lanes). Raises PhysicsError if steps do not fill slots."""
    per_slot = _slots(forcing.steps, dt_s, slot_s)
    linear = _linearise(roads, state, forcing, dt_s)
    op = operator(roads, dt_s)
    r, k, n = roads.roads, roads.members, roads.nodes
    response = op.surface[:, None, :n]
    propagate = op.propagate_t[:, :, :n]
    air_c = np.broadcast_to(forcing.air_c, (forcing.steps, roads.lanes))
    temperature = state.temperature_c.reshape(r, k, n)
    surface = np.empty((forcing.steps, r, k))
    flux, slope = linear.flux_w_m2.reshape(-1, r, k), linear.slope_w_m2k.reshape(-1, r, k)
    for t in range(forcing.steps):
        bottom = np.where(roads.bridge, air_c[t], state.deep_c).reshape(r, k, 1)
        temperature = temperature @ propagate + bottom * op.bottom[:, None, :n]
        a0 = response[..., 0]
        net = flux[t] - slope[t] * (temperature[..., 0] + a0 * flux[t]) / (1.0 + a0 * slope[t])
        temperature = temperature + response * net[..., None]
        surface[t] = temperature[..., 0]
    slots = forcing.steps // per_slot

    def mean(values: Array) -> Array:
        result: Array = values.reshape(slots, per_slot, roads.lanes).mean(axis=1).T
        return result

    frost = air.vapour_pressure_water_pa(np.minimum(forcing.dew_point_c, forcing.air_c)) > air.vapour_pressure_ice_pa(
        np.minimum(surface.reshape(-1, roads.lanes), 0.0)
    )
    hazard = np.asarray(linear.wet | (frost & (surface.reshape(-1, roads.lanes) < 0.0)))
    return FreeResponse(
        slot_s,
        np.ascontiguousarray(surface.reshape(-1, roads.lanes)[per_slot - 1 :: per_slot].T),
        np.asarray(hazard.reshape(slots, per_slot, roads.lanes).any(axis=1)).T,
        mean(linear.melt_w_m2),
        mean(linear.slope_w_m2k),
        np.asarray(linear.film_mm.reshape(slots, per_slot, roads.lanes).max(axis=1)).T,
    )


def pulse_response(roads: Roads, dt_s: float, steps: int, *, source: Place, at: Place) -> Array:
    """K at a place at the end of step m after 1 W/m² into a place during step 0, no feedback, shape (roads, steps)."""
    m = modes(roads)
    top = np.eye(roads.nodes)[0][None, :].repeat(roads.roads, axis=0)
    into, seen = (roads.cable_weight if place == "cable" else top for place in (source, at))
    x = m.rate_per_s * dt_s
    phi = np.where(x < 1e-8, dt_s, -np.expm1(-x) / np.maximum(m.rate_per_s, 1e-300))
    amplitude = np.einsum("rn,rnm->rm", seen, m.left) * phi * np.einsum("rmn,rn->rm", m.right, into)
    decay = np.exp(-x[:, None, :] * np.arange(steps)[None, :, None])
    result: Array = np.einsum("rsm,rm->rs", decay, amplitude)
    return result


def kernel(
    roads: Roads,
    state: State,
    forcing: Forcing,
    dt_s: float,
    slot_s: float,
    full_heat_w_m2: Array | float,
    *,
    source: Place = "cable",
    at: Place = "surface",
) -> Array:
    """K at a place at the end of slot i per unit duty through slot j, shape (roads, slots, slots).

    Time-varying; the feedback H is the mean over the lanes (members) of a road. `full_heat_w_m2` (roads,) is the heat
    at duty 1, of the cable or (with source "surface") into the surface. Lower triangular.
    """
    per_slot = _slots(forcing.steps, dt_s, slot_s)
    linear = _linearise(roads, state, forcing, dt_s)
    slope = linear.slope_w_m2k.reshape(forcing.steps, roads.roads, roads.members).mean(axis=2)
    return kernel_from_slope(roads, slope, dt_s, per_slot, full_heat_w_m2, source=source, at=at)


def kernel_from_slope(
    roads: Roads,
    slope_w_m2k: Array,
    dt_s: float,
    per_slot: int,
    full_heat_w_m2: Array | float,
    *,
    source: Place = "cable",
    at: Place = "surface",
) -> Array:
    """The kernel from a given feedback H (steps, roads); see `kernel`."""
    steps = slope_w_m2k.shape[0]
    slots = steps // per_slot
    lag = np.arange(steps)[:, None] - np.arange(steps)[None, :]
    below = lag >= 0
    index = np.maximum(lag, 0)
    heat = np.broadcast_to(np.asarray(full_heat_w_m2, dtype=np.float64), (roads.roads,))[:, None]
    response = {
        (into, seen): pulse_response(roads, dt_s, steps, source=into, at=seen)
        for into, seen in {(source, "surface"), (source, at), ("surface", "surface"), ("surface", at)}
    }

    def by_slots(pulse: Array) -> Array:
        result: Array = np.where(below, pulse[index], 0.0).reshape(steps, slots, per_slot).sum(axis=2)
        return result

    result = np.empty((roads.roads, slots, slots))
    identity = np.eye(steps)
    for r in range(roads.roads):
        slope = slope_w_m2k[None, :, r]
        feedback = identity + np.where(below, response["surface", "surface"][r][index], 0.0) * slope
        forced = by_slots(response[source, "surface"][r] * heat[r])
        solved = solve_triangular(feedback, forced, lower=True, check_finite=False)
        if at == "cable":  # what comes without feedback, less what the warmer surface gives off
            given_off = np.where(below, response["surface", "cable"][r][index], 0.0) * slope
            solved = by_slots(response[source, "cable"][r] * heat[r]) - given_off @ solved
        result[r] = solved[per_slot - 1 :: per_slot]
    return result
