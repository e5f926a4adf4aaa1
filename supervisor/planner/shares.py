"""A city in shares of whole feeders: planned some hundred zones at a time, by as many processes as there are.

Feeders are independent of each other, so plans are the same however they are shared out (below `FLEET_ZONES`, to the
last digit); memory is that of one share. Pure but for `Planner`, which keeps what its next cycle starts from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from supervisor.domain.errors import RoadheatError
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


def part_of(inputs: PlanInputs, feeders: Collection[str]) -> PlanInputs:
    """What concerns some feeders: their zones, roads, states, overrides and last plans."""
    lanes = [i for i, zone in enumerate(inputs.zones) if zone.feeder in feeders]
    zones = tuple(inputs.zones[i] for i in lanes)
    ids = {zone.id for zone in zones}
    bare = replace(inputs.roads, _operators={})  # what is worked out from a road is worked out again where it is used
    return replace(
        inputs,
        zones=zones,
        feeders=tuple(feeder for feeder in inputs.feeders if feeder.id in feeders),
        roads=bare.take(lanes, inputs.roads.members),
        state=inputs.state.take(lanes),
        overrides=tuple(override for override in inputs.overrides if override.zone in ids),
        out_of_service=inputs.out_of_service & ids,
        peak_so_far_kw={feeder: kw for feeder, kw in inputs.peak_so_far_kw.items() if feeder in feeders},
        previous=tuple(plan for plan in inputs.previous if plan.zone in ids),
        warm={feeder: warm for feeder, warm in inputs.warm.items() if feeder in feeders},
        fleet=is_fleet(inputs),
    )


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
        outcomes = []
        for share in shares({feeder.id for feeder in inputs.feeders}, inputs.feeders, inputs.zones):
            part = part_of(inputs, share)
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
