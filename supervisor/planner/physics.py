"""From weather and road states to what the solver needs: hazards, free temperatures, kernels."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from supervisor.domain.plan import SLOT_S
from supervisor.planner.outlook import Array, Hazard, Mask, ZoneOutlook
from supervisor.road import ICE_MM, Forcing, Roads, State, free_response, simulate
from supervisor.road.conduction import operator
from supervisor.road.linear import kernel_from_slope

HAZARD_FILM_MM = 0.8 * ICE_MM  # a thinner film cannot make ice that counts
SENSOR_FILM_MM = 0.1  # a moisture sensor says wet from about here
WORTH_MM = 0.7 * ICE_MM  # ice on the unheated road that is worth heating against, short of what counts
HOPELESS_C = -12.0  # nearer to freezing, heat still dries a road that it cannot melt (Smith Creek, −15 to −20 °C)
_JOIN, _JOIN_MANY = 2, 4  # slots in a step of the full model; more where many lanes make the time count
_MANY_LANES = 200
_BATCH_LANES = 1500
_LEAD_SLOTS = 4  # a cable at 7 cm needs about an hour


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


def foresee(roads: Roads, state: State, weather: Forcing, heat_w_m2: Array, required_c: float) -> Physics:
    """Hazards and linear responses of all zones from now on.

    `roads` and `state` have one lane a zone; `weather` holds K members by slot, arrays (N, K);
    `heat_w_m2` (Z,) is the cable heat at full duty; `required_c` what a surface in danger must have. Zones are taken by
    batches that fit the processor's cache; the result is the same.
    """
    batch = max(1, _BATCH_LANES // weather.air_c.shape[1])
    operator(roads, SLOT_S)  # worked out once, for all batches and cycles
    n = weather.steps
    outlooks: list[ZoneOutlook] = []
    kernels = np.zeros((roads.roads, n, n))
    for first in range(0, roads.roads, batch):
        zones = list(range(first, min(first + batch, roads.roads)))
        one = roads if len(zones) == roads.roads else roads.take(zones)
        part, slope, melt_k = _foresee(one, state.take(zones), weather, required_c)
        kernel = kernels[first : first + batch]
        _fill_kernels(kernel, one, part, slope, heat_w_m2[zones])
        outlooks += [_winnable(*of_zone) for of_zone in zip(part, melt_k, kernel.sum(axis=2), strict=True)]
    return Physics(tuple(outlooks), kernels)


def _winnable(outlook: ZoneOutlook, melt_k: Array, full_lift_k: Array) -> ZoneOutlook:
    """The outlook without requirements that no heat can meet: where full heat from now on, with no snow to melt, still
    leaves the surface below −12 °C, heat does nothing. `melt_k` (K, N): what melt takes off the free temperature.
    """
    lost = outlook.free_c + melt_k + full_lift_k < HOPELESS_C
    if not lost.any():
        return outlook
    return replace(outlook, required_c=np.where(lost, -np.inf, outlook.required_c))


def _foresee(roads: Roads, state: State, weather: Forcing, required_c: float) -> tuple[list[ZoneOutlook], Array, Array]:
    """Outlooks of some zones, the mean over members of the surface's feedback (zones, N) [W/m²K], and what melt takes
    off the free temperature (zones, K, N) [K].
    """
    k = weather.air_c.shape[1]
    many, start = roads.with_members(k), state.repeat(k)
    forcing = for_lanes(weather, roads.roads)
    free = free_response(many, start, forcing, SLOT_S, SLOT_S)
    shape = (roads.roads, k, free.surface_c.shape[1])
    snowing = free.melt_w_m2.reshape(shape) > 0.0
    raining = _slots(np.broadcast_to(forcing.rain_mm_h, (forcing.steps, many.lanes)), shape) > 0.0
    film = free.film_mm.reshape(shape)
    wet = (film >= HAZARD_FILM_MM) | snowing | raining
    endangered = free.wet.reshape(shape)
    if endangered.any():
        endangered = endangered & _would_ice(many, start, forcing, endangered)
    frost = endangered & ~wet
    wet &= endangered
    surface = free.surface_c.reshape(shape)
    cold = surface < required_c
    hazard = np.select(
        [snowing & cold, raining & cold, wet & cold, frost & cold],
        [Hazard.SNOW, Hazard.FREEZING_RAIN, Hazard.WET, Hazard.FROST],
        Hazard.NONE,
    ).astype(np.int8)
    required = np.where(wet | frost, required_c, -np.inf)
    sensed = (film >= SENSOR_FILM_MM) | snowing | raining
    outlooks = [ZoneOutlook(surface[z], required[z], hazard[z], sensed[z]) for z in range(roads.roads)]
    melt_k = (free.melt_w_m2 / free.slope_w_m2k).reshape(shape)
    return outlooks, free.slope_w_m2k.reshape(shape).mean(axis=1), melt_k


def _fill_kernels(out: Array, roads: Roads, outlooks: list[ZoneOutlook], slope_w_m2k: Array, heat_w_m2: Array) -> None:
    """Kernels (zones, N, N) of the zones in danger, up to the last slot of danger: heat after it changes nothing."""
    dangers = np.array([(outlook.hazard > Hazard.NONE).any(axis=0) for outlook in outlooks])
    danger = np.flatnonzero(dangers.any(axis=1))
    if danger.size:
        last = 1 + int(np.flatnonzero(dangers.any(axis=0))[-1])
        some = roads if danger.size == roads.roads else roads.take(danger.tolist())
        slope = np.ascontiguousarray(slope_w_m2k[danger, :last].T)
        out[danger, :last, :last] = kernel_from_slope(some, slope, SLOT_S, 1, heat_w_m2[danger])


def _would_ice(roads: Roads, state: State, forcing: Forcing, endangered: Mask) -> Mask:
    """Slots in which an unheated road carries ice worth heating against, and the hour before each.

    Rain on a road that stays warm, a flurry that leaves a trace and a breath of hoar are no hazard. Runs the full model
    in steps of half an hour or an hour, which is enough to know whether, until the last slot that may be in danger.
    """
    zones, members, n = endangered.shape
    join = _JOIN if zones * members < _MANY_LANES else _JOIN_MANY
    last = 1 + int(np.flatnonzero(endangered.any(axis=(0, 1)))[-1])
    steps = min(-(-last // join), n // join)
    joined = {}
    for f in fields(Forcing):
        value = np.asarray(getattr(forcing, f.name))
        joined[f.name] = value[: steps * join].reshape(steps, join, -1).mean(axis=1) if value.ndim == 2 else value
    trajectory, _ = simulate(roads, state, Forcing(**joined), 0.0, join * SLOT_S)
    icy_steps = np.repeat(trajectory.frozen_mm >= WORTH_MM, join, axis=0)
    icy_steps = np.concatenate([icy_steps, np.repeat(icy_steps[-1:], n - len(icy_steps), axis=0)])
    icy = icy_steps.T.reshape(zones, members, n)
    for _ in range(_LEAD_SLOTS):
        icy[:, :, :-1] |= icy[:, :, 1:]
    return icy


def _slots(values: Array, shape: tuple[int, int, int]) -> Array:
    """Highest value in each slot: (steps, lanes) → (Z, K, N)."""
    zones, members, n = shape
    return np.asarray(values.reshape(n, -1, zones * members).max(axis=1).T.reshape(shape))
