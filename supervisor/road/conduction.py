"""Conduction in the layers, exact in time for fluxes that stay constant through a step.

The semi-discrete balance  M dT/dt = −K T + e_s q + e_c h + e_b G_b T_b  (linear finite elements) is solved by its
eigenvectors once per road and step length. The columns of M sum to the lumped capacities C, so heat is Σ C T. A step is
one matrix product for all lanes and has no error of time discretisation; with a surface flux taken at the END of the
step it is passive, hence stable for any step length.

    T(t+Δt) = P T(t) + s q + c h + b T_b        mean bottom temperature over Δt alike (for the energy balance)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road.pavement import Array, Roads


@dataclass(frozen=True)
class Operator:
    """One step of length `dt_s`; row n (the last) gives the mean bottom-node temperature during the step."""

    dt_s: float
    propagate_t: Array  # (roads, nodes, nodes+1), transposed for row vectors
    surface: Array  # (roads, nodes+1) K per W/m² into the surface
    cable: Array  # (roads, nodes+1) K per W/m² of cable heat
    bottom: Array  # (roads, nodes+1) K per K of bottom temperature


@dataclass(frozen=True)
class Modes:
    """Eigenmodes of the layers: decay rates [1/s] and the vectors that map inputs to nodes."""

    rate_per_s: Array  # (roads, nodes)
    left: Array  # (roads, nodes, modes): mode amplitudes -> node temperatures
    right: Array  # (roads, modes, nodes): heat per node [J/m²] -> mode amplitudes
    to_modes: Array  # (roads, modes, nodes): node temperatures -> mode amplitudes


def modes(roads: Roads) -> Modes:
    """Generalised eigen-decomposition K v = μ M v per road; cached on `roads`."""
    cached = roads._operators.get(0.0)
    if isinstance(cached, Modes):
        return cached
    n = roads.nodes
    stiffness, mass = np.zeros((2, roads.roads, n, n))
    i = np.arange(n - 1)
    for matrix, interval, own, other in (
        (stiffness, roads.conductance_w_m2k, 1.0, -1.0),
        (mass, roads.interval_j_m2k, 1.0 / 3.0, 1.0 / 6.0),
    ):
        matrix[:, i, i] += own * interval
        matrix[:, i + 1, i + 1] += own * interval
        matrix[:, i, i + 1] += other * interval
        matrix[:, i + 1, i] += other * interval
    stiffness[:, n - 1, n - 1] += roads.bottom_w_m2k
    inverse = np.linalg.inv(np.linalg.cholesky(mass))
    rate, vectors = np.linalg.eigh(inverse @ stiffness @ inverse.transpose(0, 2, 1))
    right = vectors.transpose(0, 2, 1) @ inverse
    result = Modes(np.maximum(rate, 0.0), np.ascontiguousarray(right.transpose(0, 2, 1)), right, right @ mass)
    roads._operators[0.0] = result
    return result


def operator(roads: Roads, dt_s: float) -> Operator:
    """The step operator for `dt_s`; cached on `roads`. Raises PhysicsError unless 0 < dt_s ≤ 3600."""
    cached = roads._operators.get(dt_s)
    if isinstance(cached, Operator):
        return cached
    if not 0.0 < dt_s <= 3600.0:
        raise PhysicsError(f"step of {dt_s} s", where="dt_s", remedy="Use a step above 0 and at most 3600 s.")
    m = modes(roads)
    x = m.rate_per_s * dt_s
    decay = np.exp(-x)
    small = x < 1e-4
    safe = np.where(small, 1.0, x)
    phi = dt_s * np.where(small, 1.0 - x / 2.0, -np.expm1(-safe) / safe)  # ∫ exp(−μs) ds over the step
    psi = np.where(small, dt_s**2 * (0.5 - x / 6.0), dt_s * (dt_s - phi) / safe)  # the integral of that

    last = m.left[:, -1:, :]
    propagate = np.concatenate(
        ((m.left * decay[:, None, :]) @ m.to_modes, (last * (phi / dt_s)[:, None, :]) @ m.to_modes), axis=1
    )

    def response(weights: Array) -> Array:
        amplitude = np.einsum("rmn,rn->rm", m.right, weights)
        ends = np.einsum("rnm,rm->rn", m.left, phi * amplitude)
        mean = np.einsum("rnm,rm->rn", last, psi / dt_s * amplitude)
        return np.concatenate((ends, mean), axis=1)

    unit = np.zeros_like(roads.capacity_j_m2k)
    at_surface, at_bottom = unit.copy(), unit.copy()
    at_surface[:, 0] = 1.0
    at_bottom[:, -1] = roads.bottom_w_m2k
    result = Operator(
        dt_s,
        np.ascontiguousarray(propagate.transpose(0, 2, 1)),
        response(at_surface),
        response(roads.cable_weight),
        response(at_bottom),
    )
    roads._operators[dt_s] = result
    return result


def advance(roads: Roads, op: Operator, temperature_c: Array, cable_w_m2: Array, bottom_c: Array) -> Array:
    """Temperatures after one step without any surface flux.

    `temperature_c` (lanes, nodes), `cable_w_m2` and `bottom_c` (lanes,). Returns (lanes, nodes+1), see `Operator`.
    """
    if roads.one_kind:  # one small matrix stays in the cache, a thousand do not
        result = temperature_c @ op.propagate_t[0]
        result += cable_w_m2[:, None] * op.cable[0]
        result += bottom_c[:, None] * op.bottom[0]
        return np.asarray(result)
    r, k, n = roads.roads, roads.members, roads.nodes
    result = np.matmul(temperature_c.reshape(r, k, n), op.propagate_t)
    result += cable_w_m2.reshape(r, k, 1) * op.cable[:, None, :]
    result += bottom_c.reshape(r, k, 1) * op.bottom[:, None, :]
    return np.asarray(result.reshape(r * k, n + 1))


def freeze_soil(roads: Roads, temperature_c: Array, soil_ice_j_m2: Array) -> None:
    """Move heat between the soil's temperature and its ice so that both agree, in place. Arrays (lanes, nodes)."""
    if not roads.soil_freezes:
        return
    capacity, water_k = roads.soil
    ice_k = soil_ice_j_m2 / capacity
    thaw(temperature_c, ice_k, water_k)
    np.multiply(ice_k, capacity, out=soil_ice_j_m2)


def thaw(temperature_c: Array, ice_k: Array, water_k: Array) -> None:
    """Let the heat that nodes have above (lack below) 0 °C thaw (freeze) their water, as far as there is any; in place.

    The apparent heat capacity of a substance with one freezing point (Rolph & Bathe 1982). `ice_k` is the latent heat
    that the node's ice has given off, `water_k` what all of its water gives off, both over its heat capacity [K].
    Arrays of one shape.
    """
    lacks = ice_k - temperature_c
    np.maximum(lacks, 0.0, out=ice_k)
    np.minimum(ice_k, water_k, out=ice_k)
    np.subtract(ice_k, lacks, out=temperature_c)
