"""A city planned in shares gets the plans that it would get as a whole."""

from __future__ import annotations

import pickle
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from supervisor.domain.errors import PlanError
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import SLOT_S, PlanLabel
from supervisor.domain.weather import Forecast
from supervisor.domain.zone import Feeder, Layer, Zone
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.pipeline import PlanOutcome, keep_all, plan_fleet
from supervisor.planner.shares import Parts, Planner, group_feeders, merge
from supervisor.road import build_pavements, initial_state
from supervisor.tariff.flat import FlatTariff
from supervisor.weather.design_storm import SEOUL, design_storm

NOW = 1_703_829_600.0


def city(*zones_by_feeder: int) -> PlanInputs:
    """Feeders f0, f1, … with so many zones each; their zones lie mixed in the fleet's order."""
    zones = tuple(
        Zone(
            id=f"z{f}-{i}",
            name=f"street {i}",
            board="b1",
            relay=0,
            feeder=f"f{f}",
            power_w=50_000 + 1000 * i,
            area_m2=200.0,
            layers=(Layer("asphalt", 0.1), Layer("base", 0.3)),
        )
        for i in range(max(zones_by_feeder))
        for f, count in enumerate(zones_by_feeder)
        if i < count
    )
    feeders = tuple(
        Feeder(id=f"f{f}", contract_kw=40.0 * count, breaker_kw=70.0 * count) for f, count in enumerate(zones_by_feeder)
    )
    roads = build_pavements(zones)
    return PlanInputs(
        now_utc_s=NOW,
        zones=zones,
        feeders=feeders,
        roads=roads,
        state=initial_state(roads, np.linspace(-1.0, 4.0, len(zones)), 6.0),
        forecast=Forecast(NOW, (design_storm(NOW, hours=48.0),), "design"),
        tariff=FlatTariff(120.0),
        site=SEOUL,
        overrides=(
            Override(
                id=1,
                zone=zones[1].id,
                mode=OverrideMode.ON,
                reason="ice",
                user="kim",
                created_utc_s=int(NOW),
                expires_utc_s=int(NOW) + 7200,
            ),
        ),
    )


def same(a: PlanOutcome, b: PlanOutcome) -> bool:
    return [msgspec.json.encode(plan) for plan in a.plans] == [msgspec.json.encode(plan) for plan in b.plans]


def test_shares_of_whole_feeders_give_the_citys_plans() -> None:
    inputs = city(2, 3, 1)
    whole = plan_fleet(inputs)
    outcomes = [plan_fleet(Parts(inputs).of(group)) for group in (("f2", "f0"), ("f1",))]
    merged = merge(inputs, outcomes)
    assert same(merged, whole)
    assert [one.feeder for one in merged.feeders] == ["f0", "f1", "f2"]
    assert set(merged.traces) == {zone.id for zone in inputs.zones}
    assert not merged.errors


def test_an_error_of_all_shares_is_said_once() -> None:
    inputs = replace(city(1, 1), forecast=Forecast(NOW, (), "empty"))
    merged = merge(inputs, [plan_fleet(Parts(inputs).of({"f0"})), plan_fleet(Parts(inputs).of({"f1"}))])
    assert [error.code for error in merged.errors] == ["plan-members"]
    assert len(merged.plans) == 2


def test_groups_hold_about_equally_many_zones_and_never_move() -> None:
    inputs = city(5, 1, 2, 2, 1)
    groups = group_feeders(inputs.feeders, inputs.zones, 2)
    assert sorted(feeder for group in groups for feeder in group) == ["f0", "f1", "f2", "f3", "f4"]
    sizes = [sum(zone.feeder in group for zone in inputs.zones) for group in groups]
    assert sorted(sizes) == [5, 6]
    assert group_feeders(inputs.feeders, inputs.zones, 2) == groups
    assert len(group_feeders(inputs.feeders, inputs.zones, 9)) == 5


def test_a_planner_keeps_roads_and_multipliers_and_sees_a_new_calibration() -> None:
    inputs = replace(city(2, 2), fleet=True)
    planner = Planner()
    first = planner.plan(inputs)
    roads = dict(planner._roads)
    assert first.warm == {}
    assert set(planner._warm) == {"f0", "f1"}
    later = pickle.loads(pickle.dumps(replace(inputs, now_utc_s=NOW + SLOT_S, previous=first.plans)))
    second = planner.plan(later)
    assert all(planner._roads[key] is roads[key] for key in roads)
    assert {plan.label for plan in second.plans} == {PlanLabel.OPTIMAL}
    calibrated = build_pavements(inputs.zones, surfaces={"z0-0": {"albedo": 0.2}})
    planner.plan(replace(later, roads=calibrated))
    (share,) = planner._roads
    assert planner._roads[share].pavements[0].surface.albedo == 0.2


@pytest.mark.parametrize("has_plan", [True, False])
def test_without_an_answer_every_zone_keeps_its_last_plan(has_plan: bool) -> None:
    inputs = city(2, 1)
    previous = plan_fleet(inputs).plans if has_plan else ()
    kept = keep_all(replace(inputs, now_utc_s=NOW + SLOT_S, previous=previous), PlanError("gone", where="planner"))
    assert [plan.zone for plan in kept.plans] == [zone.id for zone in inputs.zones]
    labels = {plan.label for plan in kept.plans}
    assert PlanLabel.SHIFTED in labels if has_plan else labels == {PlanLabel.LOCAL}
    assert [str(error) for error in kept.errors] == [str(PlanError("gone", where="planner"))]
