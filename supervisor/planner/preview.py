"""What a command would do, before it is sent: the plan with it against the plan without it, feeder by feeder.

Both plans start from the same state, forecast and prices, so that their difference is the command's. The time that
snow and ice lie follows from the road model under either plan, as the mean of the forecast's members.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from msgspec import structs

from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder, Zone
from supervisor.planner.foresee.outlook import Array, stack
from supervisor.planner.foresee.physics import for_lanes
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.pipeline import plan_fleet
from supervisor.planner.pose import foresee_inputs
from supervisor.road import ICE_MM, Forcing, ice_minutes, simulate
from supervisor.tariff.configured import peak_counts
from supervisor.weather.resample import forecast_at_steps

_HOURS = SLOT_S / 3600
_AFTER_SLOTS = 24  # six hours: what a command leaves lying shows by then, and the next storm is another matter
_SHED_SHARE = 0.1  # less is the plan's freedom, not a road that is shed
_SHED_KWH = 0.5


@dataclass(frozen=True)
class ZonePreview:
    """A zone under the plan without the command and with it."""

    zone: str
    kwh: tuple[float, float]
    icy_min: tuple[float, float]  # minutes with snow, ice or frost on the road, until six hours after the command
    lying_max_mm: tuple[float, float]  # water equivalent of the most that lies
    surface_min_c: tuple[float, float]
    shed_min: float  # minutes of full power that it loses to the command; 0 for the commanded ones
    hazard: bool  # something lies, falls or freezes there before the command ends


@dataclass(frozen=True)
class FeederPreview:
    """A feeder under the plan without the command and with it. Money in the tariff's."""

    feeder: str
    kwh: tuple[float, float]
    energy_cost: tuple[float, float]
    peak_kw: tuple[float, float]  # of the horizon, where peaks are billed
    billed_kw: float  # of this month by now: up to it nothing is added
    base_cost: tuple[float, float]  # what the month's base charge rises by
    snows_until_utc_s: float | None  # end of the fall that is under way or begins before the command ends
    zones: tuple[ZonePreview, ...]  # the commanded ones, then those that are shed


def preview(inputs: PlanInputs, wanted: Sequence[Override]) -> list[FeederPreview]:
    """Preview overrides that are not made yet. `inputs`: of the feeders concerned.

    Raises RoadheatError where no plan can be made, as without a forecast.
    """
    start = inputs.now_utc_s - inputs.now_utc_s % SLOT_S
    physics, price = foresee_inputs(inputs, start)
    zones = {override.zone for override in wanted}
    kept = tuple(override for override in inputs.overrides if override.zone not in zones)
    before = _with_room(replace(inputs, physics=physics))
    after = _with_room(replace(inputs, physics=physics, overrides=(*kept, *wanted)))
    plans = plan_fleet(before), plan_fleet(after)
    for plan in plans:
        if plan.errors:
            raise plan.errors[0]
    weather = forecast_at_steps(inputs.forecast, start, SLOT_S, price.size, inputs.site)
    duties = [np.array([plan.traces[zone.id].duty for zone in inputs.zones]) for plan in plans]
    share = np.ones(price.size)
    share[0] = 1.0 - (inputs.now_utc_s - start) / SLOT_S  # what is left of the running slot
    ends = max(override.expires_utc_s for override in wanted)
    until = min(price.size, max(1, int(-(-(ends - start) // SLOT_S))))
    seen = min(price.size, until + _AFTER_SLOTS)
    roads = [_simulated(inputs, weather[:seen], duty[:, :seen]) for duty in duties]
    outlook = stack(list(physics.outlooks))
    billed = peak_counts(inputs.tariff, start, price.size)
    scene = _Scene(inputs, zones, duties, roads, price * share, share, until, billed)
    found = []
    for feeder in inputs.feeders:
        lanes = [i for i, zone in enumerate(inputs.zones) if zone.feeder == feeder.id]
        danger = np.asarray((outlook.probability[lanes, :until] > 0).any(axis=1))
        falls = np.flatnonzero((weather.snow_mm_h + weather.rain_mm_h > 0).mean(axis=1) >= 0.5)
        found.append(_feeder(scene, feeder, lanes, danger, _fall_ends(falls, until, start)))
    return found


def _with_room(inputs: PlanInputs) -> PlanInputs:
    """Feeders as people load them: what they command may pass contract and breaker, which is then said."""
    on = [override for override in inputs.overrides if override.mode is not OverrideMode.OFF]
    feeders = []
    for feeder in inputs.feeders:
        zones = [zone for zone in inputs.zones if zone.feeder == feeder.id]
        largest_kw = max((zone.power_w / 1000.0 for zone in zones), default=0.0)
        kw = {zone.id: zone.power_w / 1000.0 for zone in zones if zone.id not in inputs.out_of_service}
        commanded_kw = _most_at_once(kw, [override for override in on if override.zone in kw])
        feeders.append(
            structs.replace(
                feeder,
                contract_kw=max(feeder.contract_kw, commanded_kw),
                # Plans stay below the breaker by the largest zone: `pose.feeder_problem`.
                breaker_kw=max(feeder.breaker_kw, commanded_kw + largest_kw),
            )
        )
    return replace(inputs, feeders=tuple(feeders))


def _most_at_once(kw: Mapping[str, float], on: Sequence[Override]) -> float:
    """Power that people command together at most [kW]; roads that take turns do so one after the other."""
    begins = {override.created_utc_s for override in on}
    together = ({o.zone for o in on if o.created_utc_s <= at < o.expires_utc_s} for at in begins)
    return max((sum(kw[zone] for zone in zones) for zones in together), default=0.0)


@dataclass(frozen=True)
class _Road:
    """Mean over members, by zone (Z,)."""

    icy_min: Array
    lying_max_mm: Array
    surface_min_c: Array


@dataclass(frozen=True)
class _Scene:
    inputs: PlanInputs
    wanted: set[str]
    duties: list[Array]  # without and with: (Z, N)
    roads: list[_Road]
    price: Array  # (N,), of what is left of each slot
    share: Array  # (N,)
    until: int  # slots before the command ends
    billed: npt.NDArray[np.bool_]  # (N,), whether a peak there sets base charge


def _simulated(inputs: PlanInputs, weather: Forcing, duty: Array) -> _Road:
    members = weather.air_c.shape[1]
    heat_w_m2 = np.array([zone.heat_w_m2 for zone in inputs.zones])
    heat = np.repeat((duty * heat_w_m2[:, None]).T, members, axis=1)  # lane = road · K + member
    many, state = inputs.roads.with_members(members), inputs.state.repeat(members)
    path, _ = simulate(many, state, for_lanes(weather, inputs.roads.roads), heat, SLOT_S)
    shape = (len(inputs.zones), members)
    return _Road(
        ice_minutes(path.frozen_mm, SLOT_S).reshape(shape).mean(axis=1),
        path.frozen_mm.max(axis=0).reshape(shape).mean(axis=1),
        path.surface_c.min(axis=0).reshape(shape).mean(axis=1),
    )


def _fall_ends(falls: npt.NDArray[np.intp], until: int, start: float) -> float | None:
    """End of the first fall that begins before slot `until`; short pauses are part of it."""
    if not falls.size or falls[0] >= until:
        return None
    last = falls[0]
    for slot in falls[1:]:
        if slot - last > 4:  # an hour without anything: it is over
            break
        last = slot
    return float(start + SLOT_S * (last + 1))


def _feeder(
    scene: _Scene, feeder: Feeder, lanes: list[int], danger: npt.NDArray[np.bool_], snows_until_utc_s: float | None
) -> FeederPreview:
    inputs = scene.inputs
    power = np.array([inputs.zones[lane].power_w / 1000.0 for lane in lanes])
    loads = [power @ duty[lanes] for duty in scene.duties]
    billed_kw = inputs.peak_so_far_kw.get(feeder.id, 0.0)
    price_per_kw = inputs.settings.demand_price_per_kw.get(feeder.id, feeder.demand_price_per_kw)
    peaks = [float(np.max(load, where=scene.billed, initial=0.0)) for load in loads]
    rows = []
    for n, lane in enumerate(lanes):
        row = _zone(scene, inputs.zones[lane], lane, bool(danger[n]))
        if row.zone in scene.wanted or row.shed_min > 0:
            rows.append(row)
    return FeederPreview(
        feeder=feeder.id,
        kwh=_pair(float(load @ scene.share) * _HOURS for load in loads),
        energy_cost=_pair(float(load @ scene.price) * _HOURS for load in loads),
        peak_kw=_pair(peaks),
        billed_kw=billed_kw,
        base_cost=_pair(max(0.0, peak - billed_kw) * price_per_kw for peak in peaks),
        snows_until_utc_s=snows_until_utc_s,
        zones=tuple(sorted(rows, key=lambda row: row.zone not in scene.wanted)),
    )


def _zone(scene: _Scene, zone: Zone, lane: int, danger: bool) -> ZonePreview:
    kw, until = zone.power_w / 1000.0, scene.until
    kwh = _pair(float(duty[lane] @ scene.share) * kw * _HOURS for duty in scene.duties)
    soon = [float(duty[lane, :until] @ scene.share[:until]) * kw * _HOURS for duty in scene.duties]
    lost = soon[0] - soon[1]
    sheds = zone.id not in scene.wanted and lost >= max(_SHED_KWH, _SHED_SHARE * soon[0])
    return ZonePreview(
        zone=zone.id,
        kwh=kwh,
        icy_min=_pair(float(road.icy_min[lane]) for road in scene.roads),
        lying_max_mm=_pair(float(road.lying_max_mm[lane]) for road in scene.roads),
        surface_min_c=_pair(float(road.surface_min_c[lane]) for road in scene.roads),
        shed_min=lost / kw * 60.0 if sheds else 0.0,
        hazard=danger or scene.roads[0].lying_max_mm[lane] >= ICE_MM,
    )


def _pair(values: Iterable[float]) -> tuple[float, float]:
    """Without the command, with it."""
    without, with_it = values
    return without, with_it
