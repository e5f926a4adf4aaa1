"""Many steps of one lane in plain floats: the same `SurfaceStep`, with a conduction product for a single profile.

A numpy call costs a microsecond whatever its size; with one lane calls dominate, and floats are twenty times faster.
`simulate` uses this for one unobserved lane without flux terms; a test proves both equal.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road import floats
from supervisor.road.balance import Balance
from supervisor.road.conduction import Operator, thaw
from supervisor.road.constants import constants_of_one
from supervisor.road.forcing import AIR, State
from supervisor.road.pavement import Array, Roads
from supervisor.road.step import HIGHEST_C, LOWEST_C, diverges, out_of_range
from supervisor.road.stores import Cover
from supervisor.road.surface_step import SurfaceStep

_Cover, _Step = floats.own_code(Cover), floats.own_code(SurfaceStep)
_Step.balance_type = floats.own_code(Balance)
_COVER_FIELDS = tuple(f.name for f in fields(Cover))


class Soil:
    """The nodes of one road from the first whose water can freeze."""

    def __init__(self, roads: Roads, state: State, by_surface: Array) -> None:
        capacity, water_k = (per_node[0] for per_node in roads.soil)
        freezing = np.flatnonzero(water_k)
        self.first = first = int(freezing[0]) if freezing.size else roads.nodes
        self._capacity, self._water_k = capacity[first:], water_k[first:]
        self._ice_k = state.soil_ice_j_m2[0, first:] / self._capacity
        self.reach_k: float = by_surface[first].item() if freezing.size else 0.0  # no node answers a flux by more
        self.thaws = bool(self._ice_k.any())

    def thaw(self, temperature_c: Array) -> list[float]:
        """Let the profile freeze and thaw, in place; it in floats."""
        thaw(temperature_c[self.first :], self._ice_k, self._water_k)
        profile: list[float] = temperature_c.tolist()
        self.thaws = profile[self.first] < 0.0 or max(self._ice_k.tolist()) > 0.0
        return profile

    def settle(self, state: State) -> None:
        """Write its ice into a state."""
        state.soil_ice_j_m2[0, self.first :] = self._ice_k * self._capacity


def _one_product(roads: Roads, op: Operator) -> Array:
    """What the row vector of `march` is multiplied by: the next step's product adds the flux into the surface."""
    propagate = op.propagate_t[0, :, : roads.nodes]
    bottom, cable, surface = (part[:1, : roads.nodes] for part in (op.bottom, op.cable, op.surface))
    return np.concatenate((propagate, bottom, cable, surface @ propagate))


def march(roads: Roads, op: Operator, state: State, prepared: Array, heat_w_m2: Array) -> tuple[Array, State]:
    """All steps of one lane: `prepared` (steps, 14, 1), `heat_w_m2` (steps, 1).

    Returns surface, cable, water, ice, snow, frost (6, steps) and the final state. Raises PhysicsError as `step` does.
    """
    n, end = roads.nodes, state.copy()
    cover: Cover[float] = _Cover(*(getattr(state, name).item(0) for name in _COVER_FIELDS))
    surface: SurfaceStep[float] = _Step(floats, constants_of_one(roads, op), cover)
    propagate, by_surface, a = _one_product(roads, op), op.surface[0, :n].copy(), surface.constants.response
    soil, bridge = Soil(roads, state, by_surface), bool(roads.bridge[0])
    upper = min(int(np.flatnonzero(roads.cable_weight[0])[0]), n - 2)
    at_upper, at_lower = roads.cable_weight[0, upper : upper + 2].tolist()
    cable_by_surface = float(roads.cable_weight[0] @ by_surface)
    # Temperatures without the last surface flux, bottom temperature, cable heat, that flux; with a view of the first.
    now, after = np.zeros((2, n + 3))
    now[:n], now[n], after[n] = state.temperature_c[0], state.deep_c[0], state.deep_c[0]
    profile, profile_after = now[:n], after[:n]
    out: list[float] = []
    for row, heat in zip(prepared[:, :, 0].tolist(), heat_w_m2[:, 0].tolist(), strict=True):
        if bridge:
            now[n] = row[AIR]
        now[n + 1] = heat
        now.dot(propagate, profile_after)
        now, profile, after, profile_after = after, profile_after, now, profile
        free = profile.tolist()
        base_c = free[0]
        try:
            surface.advance(row, heat, base_c)
        except ArithmeticError:  # also where a runaway temperature overflows before it is seen
            raise diverges(f"step {len(out) // 6}", cover.top_c) from None
        net = surface.net_w_m2
        surface_c = base_c + a * net
        if not LOWEST_C < surface_c < HIGHEST_C:
            raise out_of_range(f"step {len(out) // 6}", surface_c)
        if soil.first < n and (soil.thaws or min(free[soil.first :]) < abs(net) * soil.reach_k):
            profile += net * by_surface
            free, net = soil.thaw(profile), 0.0
        now[-1] = net
        cable_c = at_upper * free[upper] + at_lower * free[upper + 1] + net * cable_by_surface
        out += (surface_c, cable_c, cover.water_mm, cover.ice_mm, cover.snow_mm, cover.frost_mm)
    for name in _COVER_FIELDS:
        setattr(end, name, np.array([getattr(cover, name)]))
    end.temperature_c[0] = profile + now[-1] * by_surface
    soil.settle(end)
    if not (end.temperature_c.min() > LOWEST_C and end.temperature_c.max() < HIGHEST_C):
        raise PhysicsError("a temperature below the surface is out of range", where="profile", remedy="Check the heat.")
    return np.array(out).reshape(-1, 6).T.copy(), end
