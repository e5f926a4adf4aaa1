"""What heat can save: the road left alone and the road heated, side by side in the full model.

The planner's linear road knows how warm heat makes a slot; it does not know that ice which is not melted stays for the
rest of the night, nor that a road once dry needs no more heat, nor that a slab at −20 °C takes hours to reach the
melting point. So each member is run twice, unheated and held a little above freezing as far as the cable's power goes.
A slot needs heat while the heated road is still wet; what an episode of such slots is worth is the time of ice that
the heated road does not have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supervisor.domain.plan import SLOT_S
from supervisor.planner.foresee.outlook import Array, Mask
from supervisor.road import ICE_MM, Forcing, Roads, State
from supervisor.road.conduction import operator
from supervisor.road.forcing import prepare
from supervisor.road.step import advance_state

WORTH_MM = 0.7 * ICE_MM  # ice on the unheated road that is worth heating against, short of what counts
FILM_MM = 0.8 * ICE_MM  # a thinner film cannot make ice that counts
HOLD_C = 1.5  # the heated road: no heat from here, full heat a kelvin below
_JOIN, _JOIN_MANY = 2, 4  # slots in a step of the full model; more where many lanes make the time count
_MANY_LANES = 200
MELTS_C = -0.5  # of the surface between melting snow and a warm slab, in steps of an hour
_LEAD_SLOTS = 4  # a cable at 7 cm needs about an hour
LEAST_WORTH, MOST_WORTH = 0.1, 8.0  # heat that cannot keep the road clear still thins the snow; capped at a night


@dataclass(frozen=True)
class Worth:
    """By zone, member and slot (Z, K, N)."""

    icy: Mask  # the unheated road has ice worth heating against, or will within the hour
    wet: Mask  # the heated road is still wet, or it snows or rains
    factor: Array  # time of ice saved per slot that needs heat


def what_heat_saves(
    roads: Roads,
    state: State,
    forcing: Forcing,
    heat_w_m2: Array,
    endangered: Mask,
    falling: Mask,
    use: Array | None = None,
    together: int | None = None,
) -> Worth:
    """Run both roads until nothing that may be in danger is left on the unheated one.

    `roads`, `state` and `forcing` have a lane per zone and member; `heat_w_m2` (Z,) is the cable's at full duty;
    `endangered` and `falling` (Z, K, N): slots that could ice, and those in which it snows or rains. `use`
    (Z, N): how many times an ice-free slot counts, else once; `together`: steps as fine as for so many zones, else all.
    """
    zones, members, n = endangered.shape
    join = _JOIN if (together or zones) * members < _MANY_LANES else _JOIN_MANY
    last = 1 + int(np.flatnonzero(endangered.any(axis=(0, 1)))[-1])
    weather = forcing.joined(join)
    frozen, film, melts = _both(roads, state, weather, np.repeat(heat_w_m2, members), join * SLOT_S, -(-last // join))

    def slots(of_steps: Mask) -> Mask:
        by_slot = np.repeat(of_steps, join, axis=0)
        by_slot = np.concatenate([by_slot, np.repeat(by_slot[-1:], n - len(by_slot), axis=0)])
        return np.ascontiguousarray(by_slot.T.reshape(zones, members, n))

    icy, icy_heated = (slots(frozen[..., side] >= WORTH_MM) for side in range(2))
    wet = slots(film[..., 1] >= FILM_MM) | falling
    saved = icy & ~icy_heated
    for _ in range(_LEAD_SLOTS):
        icy[:, :, :-1] |= icy[:, :, 1:]
    return Worth(icy, wet, _per_slot(icy, saved, icy & wet, slots(melts), use))


def _both(
    roads: Roads, state: State, forcing: Forcing, heat_w_m2: Array, dt_s: float, danger_steps: int
) -> tuple[Array, Array, Mask]:
    """Frozen and frozen with liquid film [mm] of the unheated and the heated road, (steps, lanes, 2), and where the
    heated one is at its melting point, (steps, lanes).

    Ends when `danger_steps` are over and nothing is frozen on the unheated road.
    """
    pairs = roads.with_members(2 * roads.members)  # unheated and heated, side by side
    op, prepared = operator(pairs, dt_s), prepare(roads, forcing, state)
    frozen, film = np.zeros((2, forcing.steps, roads.lanes, 2))
    melts = np.zeros((forcing.steps, roads.lanes), dtype=bool)
    heat = np.zeros(pairs.lanes)
    now = state.repeat(2)
    for t in range(forcing.steps):
        if t >= danger_steps and not (now.frozen_mm[::2] >= WORTH_MM).any():
            return frozen[:t], film[:t], melts[:t]
        heat[1::2] = np.clip(HOLD_C - now.surface_c[1::2], 0.0, 1.0) * heat_w_m2
        now, _ = advance_state(pairs, op, now, np.repeat(prepared[t], 2, axis=-1), heat)
        frozen[t] = now.frozen_mm.reshape(-1, 2)
        film[t] = frozen[t] + now.water_mm.reshape(-1, 2)
        melts[t] = now.surface_c[1::2] >= MELTS_C
    return frozen, film, melts


def _per_slot(icy: Mask, saved: Mask, needed: Mask, melts: Mask, use: Array | None = None) -> Array:
    """Slots of ice saved per slot that needs heat, the same through an episode of icy slots; 1 where nothing is needed,
    0 where no heat saves or melts anything. All (Z, K, N); `use` (Z, N) multiplies by when the ice would have lain.
    """
    n = icy.shape[-1]
    begins = icy.copy()
    begins[..., 1:] &= ~icy[..., :-1]
    lane = np.arange(icy.size // n).reshape(*icy.shape[:-1], 1)
    episode = np.cumsum(begins, axis=-1) + lane * (n + 1)
    episodes = int(episode.max()) + 1

    def count(what: Mask | Array) -> Array:
        return np.asarray(np.bincount(episode.ravel(), (what * icy).ravel(), episodes))

    ice, heat = count(saved), count(needed)
    least = np.where(count(melts) > 0.0, LEAST_WORTH, 0.0)
    factor = np.clip(ice / np.maximum(heat, 1.0), least, MOST_WORTH)
    if use is not None:
        times = count((saved | (icy & (ice[episode] == 0.0))) * use[:, None])
        factor = factor * times / np.maximum(np.where(ice > 0.0, ice, count(icy)), 1.0)
    return np.asarray(np.where(needed, factor[episode], 1.0))
