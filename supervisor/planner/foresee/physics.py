"""From weather and road states to what the solver needs: hazards, free temperatures, kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from supervisor.domain.plan import SLOT_S
from supervisor.planner.foresee.outlook import Array, Hazard, ZoneOutlook
from supervisor.planner.foresee.worth import what_heat_saves
from supervisor.road import Forcing, Roads, State, free_response
from supervisor.road.conduction import operator
from supervisor.road.linear import kernel_from_slope

SENSOR_FILM_MM = 0.1  # a moisture sensor says wet from about here
_BATCH_LANES = 1500


@dataclass(frozen=True)
class Physics:
    """Outlook and kernel of each zone; `kernels` (Z, N, N), zero for zones that no member endangers."""

    outlooks: tuple[ZoneOutlook, ...]
    kernels: Array


def for_lanes(forcing: Forcing, roads: int) -> Forcing:
    """Weather of K members, arrays (steps, K), for all lanes of `roads` roads: lane = road · K + member.

    What is the same for all members, (steps, 1), stays so.
    """
    members = forcing.air_c.shape[1]
    values = {f.name: np.asarray(getattr(forcing, f.name), dtype=np.float64) for f in fields(Forcing)}
    return Forcing(**{name: np.tile(v, (1, roads)) if v.shape[1:] == (members,) else v for name, v in values.items()})


def foresee(
    roads: Roads, state: State, weather: Forcing, heat_w_m2: Array, required_c: float, use: Array | None = None
) -> Physics:
    """Hazards and linear responses of all zones from now on.

    `roads` and `state` have one lane a zone; `weather` holds K members by slot, arrays (N, K);
    `heat_w_m2` (Z,) is the cable heat at full duty; `required_c` what a surface in danger must have; `use` (Z, N)
    how many times an ice-free slot counts, else once. Zones are taken by batches that fit the processor's cache; the
    result is the same.
    """
    batch = max(1, _BATCH_LANES // weather.air_c.shape[1])
    operator(roads, SLOT_S)  # worked out once, for all batches and cycles
    n = weather.steps
    outlooks: list[ZoneOutlook] = []
    kernels = np.zeros((roads.roads, n, n))
    for first in range(0, roads.roads, batch):
        zones = list(range(first, min(first + batch, roads.roads)))
        one = roads if len(zones) == roads.roads else roads.take(zones)
        forcing = for_lanes(weather, len(zones))
        some = None if use is None else use[zones]
        part, slope = _foresee(one, state.take(zones), forcing, heat_w_m2[zones], required_c, use=some)
        _fill_kernels(kernels[first : first + batch], one, part, slope, heat_w_m2[zones])
        outlooks += part
    return Physics(tuple(outlooks), kernels)


def foresee_apart(
    roads: Roads, state: State, weathers: Sequence[Forcing], heat_w_m2: Array, required_c: float
) -> Physics:
    """As `foresee`, with weather of its own, (N, K) each, for as many groups of equally many zones, in one batch."""
    each = roads.roads // len(weathers)
    parts = [for_lanes(weather, each) for weather in weathers]
    joined = {f.name: [np.asarray(getattr(part, f.name)) for part in parts] for f in fields(Forcing)}
    lanes = parts[0].air_c.shape[1]
    forcing = Forcing(
        **{
            name: np.concatenate(values, axis=1) if values[0].shape[1:] == (lanes,) else values[0]
            for name, values in joined.items()
        }
    )
    outlooks, slope = _foresee(roads, state, forcing, heat_w_m2, required_c, each)
    kernels = np.zeros((roads.roads, forcing.steps, forcing.steps))
    _fill_kernels(kernels, roads, outlooks, slope, heat_w_m2)
    return Physics(tuple(outlooks), kernels)


def _foresee(
    roads: Roads,
    state: State,
    forcing: Forcing,
    heat_w_m2: Array,
    required_c: float,
    together: int | None = None,
    use: Array | None = None,
) -> tuple[list[ZoneOutlook], Array]:
    """Outlooks of some zones, and the mean over members of the surface's feedback (zones, N) [W/m²K].

    `forcing` has a lane for each zone and member; `together`: as fine as so many zones would be done, else all of them.
    """
    k = forcing.air_c.shape[1] // roads.roads
    many, start = roads.with_members(k), state.repeat(k)
    free = free_response(many, start, forcing, SLOT_S, SLOT_S)
    shape = (roads.roads, k, free.surface_c.shape[1])
    snowing = free.melt_w_m2.reshape(shape) > 0.0
    raining = _slots(np.broadcast_to(forcing.rain_mm_h, (forcing.steps, many.lanes)), shape) > 0.0
    film = free.film_mm.reshape(shape)
    endangered, worth = free.wet.reshape(shape), np.ones(shape)
    wet = frost = np.zeros(shape, dtype=bool)
    if endangered.any():
        saved = what_heat_saves(many, start, forcing, heat_w_m2, endangered, snowing | raining, use, together)
        wet, worth = saved.icy & saved.wet, saved.factor
        frost = saved.icy & endangered & ~wet
    surface = free.surface_c.reshape(shape)
    cold = surface < required_c
    hazard = np.select(
        [snowing & cold, raining & cold, wet & cold, frost & cold],
        [Hazard.SNOW, Hazard.FREEZING_RAIN, Hazard.WET, Hazard.FROST],
        Hazard.NONE,
    ).astype(np.int8)
    required = np.where((wet | frost) & (worth > 0.0), required_c, -np.inf)
    sensed = (film >= SENSOR_FILM_MM) | snowing | raining
    outlooks = [ZoneOutlook(surface[z], required[z], hazard[z], sensed[z], worth[z]) for z in range(roads.roads)]
    return outlooks, free.slope_w_m2k.reshape(shape).mean(axis=1)


def _fill_kernels(out: Array, roads: Roads, outlooks: list[ZoneOutlook], slope_w_m2k: Array, heat_w_m2: Array) -> None:
    """Kernels (zones, N, N) of the zones in danger, up to the last slot of danger: heat after it changes nothing."""
    dangers = np.array([(outlook.hazard > Hazard.NONE).any(axis=0) for outlook in outlooks])
    danger = np.flatnonzero(dangers.any(axis=1))
    if danger.size:
        last = 1 + int(np.flatnonzero(dangers.any(axis=0))[-1])
        some = roads if danger.size == roads.roads else roads.take(danger.tolist())
        slope = np.ascontiguousarray(slope_w_m2k[danger, :last].T)
        out[danger, :last, :last] = kernel_from_slope(some, slope, SLOT_S, 1, heat_w_m2[danger])


def _slots(values: Array, shape: tuple[int, int, int]) -> Array:
    """Highest value in each slot: (steps, lanes) → (Z, K, N)."""
    zones, members, n = shape
    return np.asarray(values.reshape(n, -1, zones * members).max(axis=1).T.reshape(shape))
