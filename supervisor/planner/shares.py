"""A city in shares of whole feeders: planned some hundred zones at a time, by as many processes as there are.

Feeders are independent of each other, so plans are the same however they are shared out (below `FLEET_ZONES`, to the
last digit); memory is that of one share. Pure but for `Planner`, which keeps what its next cycle starts from.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from supervisor.domain.errors import RoadheatError
from supervisor.domain.override import Override
from supervisor.domain.plan import Plan
from supervisor.domain.zone import Feeder, Zone
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.pipeline import FLEET_ZONES, FeederOutcome, PlanOutcome, ZoneTrace, plan_fleet
from supervisor.planner.solve.fleet import Warm
from supervisor.road import Roads

SHARE_ZONES = 200  # at K = 20 some 100 MB while they are planned; larger shares are no quicker

Group = tuple[str, ...]  # ids of feeders


def group_feeders(feeders: Sequence[Feeder], zones: Sequence[Zone], groups: int) -> tuple[Group, ...]:
    """At most `groups` groups of feeders with about equally many zones, each in the feeders' order; none is empty."""
    count = Counter(zone.feeder for zone in zones)
    held: list[list[str]] = [[] for _ in range(max(groups, 1))]
    load = [0] * len(held)
    for feeder in sorted((f.id for f in feeders if count[f.id]), key=lambda f: -count[f]):
        least = load.index(min(load))
        held[least].append(feeder)
        load[least] += count[feeder]
    order = {feeder.id: i for i, feeder in enumerate(feeders)}
    return tuple(tuple(sorted(group, key=order.__getitem__)) for group in held if group)


def shares(among: Collection[str], feeders: Sequence[Feeder], zones: Sequence[Zone]) -> Iterator[Group]:
    """Feeders of `among` that have zones, in the feeders' order, together at most 200 zones or one feeder."""
    count = Counter(zone.feeder for zone in zones)
    held: list[str] = []
    held_zones = 0
    for feeder in (feeder.id for feeder in feeders if count[feeder.id] and feeder.id in among):
        if held and held_zones + count[feeder] > SHARE_ZONES:
            yield tuple(held)
            held, held_zones = [], 0
        held.append(feeder)
        held_zones += count[feeder]
    if held:
        yield tuple(held)


class Parts:
    """Cuts inputs into shares of whole feeders. What lies on each feeder is looked up once, not once a share: a large
    city has fifty of them, and the service does nothing else while they are cut."""

    def __init__(self, inputs: PlanInputs) -> None:
        self._inputs = inputs
        self._bare = replace(inputs.roads, _operators={})  # worked out again where the road is used
        self._fleet = is_fleet(inputs)
        self._feeders = {feeder.id: feeder for feeder in inputs.feeders}
        self._place = {feeder.id: i for i, feeder in enumerate(inputs.feeders)}
        self._lanes: defaultdict[str, list[int]] = defaultdict(list)
        for lane, zone in enumerate(inputs.zones):
            self._lanes[zone.feeder].append(lane)
        feeder_of = {zone.id: zone.feeder for zone in inputs.zones}
        self._overrides = _by_feeder(inputs.overrides, feeder_of)
        self._previous = _by_feeder(inputs.previous, feeder_of)

    def of(self, feeders: Collection[str]) -> PlanInputs:
        """What concerns some feeders: their zones, roads, states, overrides and last plans, in the whole's order."""
        whole = self._inputs
        names = sorted((name for name in set(feeders) if name in self._feeders), key=self._place.__getitem__)
        lanes = sorted(lane for name in names for lane in self._lanes[name])
        zones = tuple(whole.zones[lane] for lane in lanes)
        return replace(
            whole,
            zones=zones,
            feeders=tuple(self._feeders[name] for name in names),
            roads=self._bare.take(lanes, whole.roads.members),
            state=whole.state.take(lanes),
            overrides=tuple(override for name in names for override in self._overrides[name]),
            out_of_service=whole.out_of_service.intersection(zone.id for zone in zones),
            peak_so_far_kw={name: whole.peak_so_far_kw[name] for name in names if name in whole.peak_so_far_kw},
            previous=tuple(plan for name in names for plan in self._previous[name]),
            warm={name: whole.warm[name] for name in names if name in whole.warm},
            fleet=self._fleet,
        )


OfZone = TypeVar("OfZone", Override, Plan)


def _by_feeder(items: Iterable[OfZone], feeder_of: Mapping[str, str]) -> defaultdict[str, list[OfZone]]:
    """Those of known zones."""
    found: defaultdict[str, list[OfZone]] = defaultdict(list)
    for item in items:
        if (feeder := feeder_of.get(item.zone)) is not None:
            found[feeder].append(item)
    return found


def is_fleet(inputs: PlanInputs) -> bool:
    """Whether the fleet solver plans these inputs; asked of the whole city, not of a share."""
    return len(inputs.zones) >= FLEET_ZONES if inputs.fleet is None else inputs.fleet


def merge(inputs: PlanInputs, outcomes: Sequence[PlanOutcome]) -> PlanOutcome:
    """Outcomes of shares as one, in the order of the whole city's zones and feeders."""
    plans = {plan.zone: plan for outcome in outcomes for plan in outcome.plans}
    feeders: dict[str, FeederOutcome] = {one.feeder: one for outcome in outcomes for one in outcome.feeders}
    errors: dict[str, RoadheatError] = {str(error): error for outcome in outcomes for error in outcome.errors}
    traces: dict[str, ZoneTrace] = {}
    cpu_s: dict[str, float] = {}
    warm: dict[str, Warm] = {}
    for outcome in outcomes:
        traces |= outcome.traces
        warm |= outcome.warm
        for stage, seconds in outcome.cpu_s.items():
            cpu_s[stage] = cpu_s.get(stage, 0.0) + seconds
    return PlanOutcome(
        outcomes[0].start_utc_s,
        tuple(plans[zone.id] for zone in inputs.zones if zone.id in plans),
        tuple(feeders[feeder.id] for feeder in inputs.feeders if feeder.id in feeders),
        traces,
        tuple(errors.values()),
        cpu_s,
        warm,
    )


class Planner:
    """Plans the same feeders cycle by cycle, a share at a time; keeps road operators and multipliers between cycles."""

    def __init__(self) -> None:
        self._roads: dict[Group, Roads] = {}  # by the feeders of a share
        self._warm: dict[str, Warm] = {}

    def plan(self, inputs: PlanInputs) -> PlanOutcome:
        """`plan_fleet` of all feeders; `warm` stays here and is not in the outcome."""
        self._warm.update(inputs.warm)
        outcomes, parts = [], Parts(inputs)
        for share in shares({feeder.id for feeder in inputs.feeders}, inputs.feeders, inputs.zones):
            part = parts.of(share)
            known = self._roads.get(share)
            if known is None or known.pavements != part.roads.pavements:  # new, or calibrated meanwhile
                known = self._roads[share] = part.roads
            warm = {feeder: self._warm[feeder] for feeder in share if feeder in self._warm}
            outcome = plan_fleet(replace(part, roads=known, warm=warm))
            self._warm.update(outcome.warm)
            outcomes.append(replace(outcome, warm={}))
        return merge(inputs, outcomes) if outcomes else plan_fleet(inputs)


_planners: dict[tuple[int, int], Planner] = {}


def plan_as(key: tuple[int, int], inputs: PlanInputs) -> PlanOutcome:
    """Plan by this process's planner of that name, which is made with its first cycle. What a process pool calls."""
    return _planners.setdefault(key, Planner()).plan(inputs)
