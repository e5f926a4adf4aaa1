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
from numpy.lib.stride_tricks import sliding_window_view

from supervisor.domain.errors import PhysicsError
from supervisor.road import air
from supervisor.road import forcing as rows
from supervisor.road.conduction import modes, operator
from supervisor.road.forcing import Forcing, State, prepare
from supervisor.road.pavement import LATENT_FUSION_J_KG, Array, Roads
from supervisor.road.radiation import STEFAN_BOLTZMANN
from supervisor.road.surface_step import FULL_WETNESS_MM

Place = Literal["surface", "cable"]
POINT_C = 0.5  # the linearisation's temperature
MELT_LYING_S = 2.0 * 3600.0  # snow that already lies is to be melted over this time
_FORGOTTEN = 30.0  # time constants in a step after which nothing of a mode is left, 1e-13
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
    vapour_pa: Array


def _linearise(roads: Roads, state: State, forcing: Forcing, dt_s: float) -> _Linear:
    """Surface balance about 0.5 °C, with the film of water that it implies."""
    f = prepare(roads, forcing, state).transpose(1, 0, 2)  # (12, steps, lanes)
    s = roads.surface
    point = np.float64(POINT_C)
    c = air.louis_c(f[rows.NEUTRAL_M_S] / f[rows.WIND], s("roughness_m"))
    factor = air.stability_factor(f[rows.AIR], np.asarray(point), f[rows.WIND], c)
    velocity = f[rows.NEUTRAL_M_S] * factor
    exchange = velocity * f[rows.SENSIBLE] + f[rows.PRECIPITATION]
    vapour = velocity * f[rows.LATENT]  # kg/m²s per Pa
    saturation = air.vapour_pressure_water_pa(np.asarray(point))
    evaporation = vapour * (f[rows.VAPOUR] - saturation)  # kg/m²s, negative: dries
    lying = state.frozen_mm
    melt_mm_s = f[rows.SNOW].copy()
    melting = np.arange(forcing.steps) * dt_s < MELT_LYING_S
    melt_mm_s[melting] += lying / min(MELT_LYING_S, forcing.steps * dt_s)

    # Film of water: precipitation and melt come, what the texture cannot hold drains, the air dries it.
    film = np.empty_like(f[rows.AIR])
    water = state.water_mm
    gain = (f[rows.RAIN] + melt_mm_s + evaporation) * dt_s
    drained = -np.expm1(-dt_s / s("drainage_s"))
    for t in range(forcing.steps):
        water = np.maximum(water + gain[t], 0.0)
        water = water - drained * np.maximum(water - s("retention_mm"), 0.0)
        film[t] = water
    wet = np.asarray((film > WET_MM) | (melt_mm_s > 0.0) | (f[rows.RAIN] > 0.0))
    wetness = np.where(evaporation > 0.0, 1.0, np.where(wet, np.minimum(film / FULL_WETNESS_MM, 1.0), 0.0))
    a, b = air.MAGNUS_WATER
    latent_slope = vapour * air.LATENT_VAPORISATION_J_KG * wetness * saturation * a * b / (b + POINT_C) ** 2
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
    _, bare_from, _ = roads.stripes
    melt = melt_mm_s * (LATENT_FUSION_J_KG / (1.0 - bare_from))  # bare between the wires too: coth(πd/s), stripes.py
    return _Linear(flux + slope * POINT_C - melt, slope, melt, wet, film, f[rows.VAPOUR])


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
    surface = _surface_c(roads, state, forcing.air_c, linear, dt_s)
    slots = forcing.steps // per_slot

    def mean(values: Array) -> Array:
        result: Array = values.reshape(slots, per_slot, roads.lanes).mean(axis=1).T
        return result

    frost = linear.vapour_pa > air.vapour_pressure_ice_pa(np.minimum(surface, 0.0))
    hazard = np.asarray(linear.wet | (frost & (surface < 0.0)))
    return FreeResponse(
        slot_s,
        np.ascontiguousarray(surface[per_slot - 1 :: per_slot].T),
        np.asarray(hazard.reshape(slots, per_slot, roads.lanes).any(axis=1)).T,
        mean(linear.melt_w_m2),
        mean(linear.slope_w_m2k),
        np.asarray(linear.film_mm.reshape(slots, per_slot, roads.lanes).max(axis=1)).T,
    )


def _surface_c(roads: Roads, state: State, air_c: Array, linear: _Linear, dt_s: float) -> Array:
    """Surface temperature at the end of each step, (steps, lanes) [°C], mode by mode.

    A mode forgets by the factor exp(−μΔt) a step: elementwise products instead of a matrix for each road. Modes that
    forget within a step are no state; their part is in the operator's response.
    """
    op, m = operator(roads, dt_s), modes(roads)
    lasting = np.flatnonzero((m.rate_per_s * dt_s < _FORGOTTEN).any(axis=0))
    x = m.rate_per_s[:, lasting] * dt_s
    phi = np.where(x < 1e-8, dt_s, -np.expm1(-x) / np.maximum(m.rate_per_s[:, lasting], 1e-300))

    def by_lane(values: Array) -> Array:
        """(roads, modes) → (modes, lanes)"""
        return np.ascontiguousarray(roads.per_lane(values).T)

    decay, seen = by_lane(np.exp(-x)), by_lane(m.left[:, 0, lasting])
    from_surface = by_lane(phi * m.right[:, lasting, 0])
    from_bottom = by_lane(phi * m.right[:, lasting, -1] * roads.bottom_w_m2k[:, None])
    response, below = roads.per_lane(op.surface[:, 0]), roads.per_lane(op.bottom[:, 0])
    nodes = state.temperature_c.reshape(roads.roads, roads.members, roads.nodes)
    amplitude = np.matmul(nodes, m.to_modes[:, lasting].transpose(0, 2, 1)).reshape(roads.lanes, -1).T.copy()
    scaled = 1.0 / (1.0 + response * linear.slope_w_m2k)
    air_c = np.broadcast_to(air_c, linear.flux_w_m2.shape)
    bottom_c = state.deep_c
    surface = np.empty_like(linear.flux_w_m2)
    part = np.empty_like(amplitude)
    for t in range(len(surface)):
        if roads.bridge.any():
            bottom_c = np.where(roads.bridge, air_c[t], state.deep_c)
        amplitude *= decay
        np.multiply(amplitude, seen, out=part)
        before = part.sum(axis=0) + below * bottom_c
        flux, slope = linear.flux_w_m2[t], linear.slope_w_m2k[t]
        net = flux - slope * (before + response * flux) * scaled[t]
        np.add(before, response * net, out=surface[t])
        np.multiply(from_surface, net, out=part)
        amplitude += part
        np.multiply(from_bottom, bottom_c, out=part)
        amplitude += part
    return surface


def pulse_response(roads: Roads, dt_s: float, steps: int, *, source: Place, at: Place) -> Array:
    """K at a place at the end of step m after 1 W/m² into a place during step 0, no feedback, shape (roads, steps)."""
    return _pulse_responses(roads, dt_s, steps, {(source, at)})[source, at]


def _pulse_responses(
    roads: Roads, dt_s: float, steps: int, pairs: set[tuple[Place, Place]]
) -> dict[tuple[Place, Place], Array]:
    """`pulse_response` of several (source, at); what modes forget is worked out once."""
    m = modes(roads)
    top = np.eye(roads.nodes)[0][None, :].repeat(roads.roads, axis=0)
    x = m.rate_per_s * dt_s
    phi = np.where(x < 1e-8, dt_s, -np.expm1(-x) / np.maximum(m.rate_per_s, 1e-300))
    decay = np.exp(-x[:, None, :] * np.arange(steps)[None, :, None])
    weight = {"cable": roads.cable_weight, "surface": top}
    out: dict[tuple[Place, Place], Array] = {}
    for source, at in pairs:
        into = np.einsum("rmn,rn->rm", m.right, weight[source])
        amplitude = np.einsum("rn,rnm->rm", weight[at], m.left) * phi * into
        out[source, at] = np.matmul(decay, amplitude[:, :, None])[:, :, 0]
    return out


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
    heat = np.broadcast_to(np.asarray(full_heat_w_m2, dtype=np.float64), (roads.roads,))[:, None]
    pairs: set[tuple[Place, Place]] = {(source, "surface"), (source, at), ("surface", "surface"), ("surface", at)}
    response = {pair: _delayed(pulse) for pair, pulse in _pulse_responses(roads, dt_s, steps, pairs).items()}

    def by_slots(delayed: Array) -> Array:
        result: Array = delayed if per_slot == 1 else delayed.reshape(steps, slots, per_slot).sum(axis=2)
        return result

    from scipy.linalg.blas import dtrsm  # here: commands that read city.toml import roads, and start without scipy

    result = np.empty((roads.roads, slots, slots))
    diagonal = np.arange(steps)
    for r in range(roads.roads):
        feedback = response["surface", "surface"][r] * slope_w_m2k[None, :, r]
        feedback[diagonal, diagonal] += 1.0
        forced = by_slots(response[source, "surface"][r]) * heat[r]
        # Row-major matrices are column-major transposes: Xᵀ Lᵀ = Fᵀ, in place, without a copy.
        solved = dtrsm(1.0, feedback.T, forced.T, side=1, overwrite_b=1).T
        if at == "cable":  # what comes without feedback, less what the warmer surface gives off
            given_off = response["surface", "cable"][r] * slope_w_m2k[None, :, r]
            solved = by_slots(response[source, "cable"][r]) * heat[r] - given_off @ solved
        result[r] = solved[per_slot - 1 :: per_slot]
    return result


def _delayed(pulse: Array) -> Array:
    """Lower triangular matrices (roads, n, n) whose column j is the pulse (roads, n) j steps later; a view."""
    roads, n = pulse.shape
    padded = np.concatenate([pulse[:, ::-1], np.zeros((roads, n - 1))], axis=1)
    return sliding_window_view(padded, n, axis=1)[:, ::-1]
