"""Whatever the contract, prices, forecasts and people ask: a plan for every zone, within every hard limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import SLOT_S, PlanLabel
from supervisor.domain.weather import Forecast
from supervisor.planner.inputs import PlanInputs, PlanSettings
from supervisor.planner.phases import load_at_instants_kw
from supervisor.planner.pipeline import plan_fleet
from supervisor.planner.tests.test_shares import NOW, city
from supervisor.weather.design_storm import design_storm
from supervisor.weather.longwave import shortwave_of_cloud


class Prices:
    """Drawn by hour, negative ones too, as day-ahead markets have them."""

    currency = "EUR"

    def __init__(self, by_hour: list[float]) -> None:
        self.by_hour = by_hour

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> np.ndarray:
        hour = ((start_utc_s + slot_s * np.arange(n_slots)) // 3600).astype(int)
        return np.array(self.by_hour)[hour % len(self.by_hour)]


@st.composite
def cities(draw: st.DrawFn) -> PlanInputs:
    inputs = city(3, 1)
    members = tuple(
        replace(storm, air_c=storm.air_c + shift, dew_point_c=storm.dew_point_c + shift)
        for storm, shift in (
            (
                design_storm(
                    NOW, 48.0, seed=k, snow_start_h=draw(st.floats(2, 30)), peak_mm_h=draw(st.floats(0.0, 8.0))
                ),
                draw(st.floats(-12, 8)),
            )
            for k in range(draw(st.integers(1, 4)))
        )
    )
    feeders = []
    for feeder in inputs.feeders:
        installed = sum(zone.power_w for zone in inputs.zones if zone.feeder == feeder.id) / 1000
        contract = installed * draw(st.floats(0.4, 1.3))
        breaker = max(contract, installed * draw(st.floats(0.6, 1.4)))
        feeders.append(replace_feeder(feeder, contract, breaker, draw(st.floats(0, 5000))))
    mode = draw(st.sampled_from(list(OverrideMode)))
    override = Override(
        id=1, zone="z0-0", mode=mode, reason="ice", user="kim",
        created_utc_s=int(NOW), expires_utc_s=int(NOW) + draw(st.integers(600, 28_800)),
    )  # fmt: skip
    return replace(
        inputs,
        feeders=tuple(feeders),
        forecast=Forecast(NOW, members, "drawn"),
        tariff=Prices(draw(st.lists(st.floats(-50, 500), min_size=1, max_size=24))),
        overrides=(override,) if draw(st.booleans()) else (),
        out_of_service=frozenset(["z0-1"] if draw(st.booleans()) else []),
        peak_so_far_kw={"f0": draw(st.floats(0, 300))},
        settings=PlanSettings(horizon_h=draw(st.sampled_from([6.0, 12.0, 30.0]))),
        fleet=draw(st.booleans()),
    )


def replace_feeder(feeder, contract_kw: float, breaker_kw: float, demand_price: float):  # type: ignore[no-untyped-def]
    return msgspec.structs.replace(
        feeder, contract_kw=contract_kw, breaker_kw=breaker_kw, demand_price_per_kw=demand_price
    )


@settings(max_examples=20, deadline=None)
@given(inputs=cities())
def test_there_is_a_plan_for_every_zone_within_contract_and_breaker(inputs: PlanInputs) -> None:
    outcome = plan_fleet(inputs)
    assert {error.code for error in outcome.errors} <= {"plan-cap-below-override"}
    assert [plan.zone for plan in outcome.plans] == [zone.id for zone in inputs.zones]
    phase = {plan.zone: plan.phase_s for plan in outcome.plans}
    for feeder, one in zip(inputs.feeders, outcome.feeders, strict=True):
        if one.error is not None:  # an override above the contract: its zones keep their last plan, here none
            assert one.label is PlanLabel.LOCAL
            continue
        assert one.label is PlanLabel.OPTIMAL
        assert one.load_kw.max() <= feeder.contract_kw + 1e-6
        assert one.gap * abs(one.objective) <= 0.011 * abs(one.objective) + 50.0
        zones = [zone for zone in inputs.zones if zone.feeder == feeder.id]
        duty = np.array([outcome.traces[zone.id].duty for zone in zones])
        power = np.array([zone.power_w / 1000 for zone in zones])
        instant = load_at_instants_kw(duty, power, [phase[zone.id] for zone in zones])
        assert instant.max() <= feeder.breaker_kw + 1e-6


def test_a_negative_price_of_cold_is_named_and_leaves_the_last_plan() -> None:
    inputs = city(2)
    good = plan_fleet(inputs)
    later = replace(
        inputs,
        now_utc_s=NOW + SLOT_S,
        previous=good.plans,
        settings=PlanSettings(price_per_ice_free_hour=-1.0),
    )
    outcome = plan_fleet(later)
    assert [error.code for error in outcome.errors] == ["plan-weight"]
    assert PlanLabel.SHIFTED in {plan.label for plan in outcome.plans}


def test_a_solver_out_of_time_hands_over_its_best_and_says_so() -> None:
    inputs = city(4)
    outcome = plan_fleet(replace(inputs, settings=PlanSettings(time_limit_s=1e-9)))
    assert not outcome.errors
    assert {plan.label for plan in outcome.plans} == {PlanLabel.INCUMBENT}
    assert outcome.feeders[0].load_kw.max() <= inputs.feeders[0].contract_kw + 1e-6
    best = plan_fleet(inputs).feeders[0].objective
    assert best <= outcome.feeders[0].objective
    assert outcome.feeders[0].gap > 0


@pytest.mark.parametrize("latitude", [69.65, 78.2, -77.8])
@pytest.mark.parametrize("day", ["2023-12-21T12:00Z", "2024-06-21T00:00Z", "2024-03-20T06:00Z"])
def test_there_is_a_plan_where_the_sun_never_rises_or_never_sets(latitude: float, day: str) -> None:
    """Tromsø, Longyearbyen, McMurdo."""
    now = datetime.fromisoformat(day).timestamp()
    inputs = city(2, 1)
    site = msgspec.structs.replace(inputs.site, latitude=latitude, longitude=18.9, timezone="UTC")
    storm = design_storm(now, 48.0, snow_start_h=6.0)
    sun = shortwave_of_cloud(storm.time_utc_s, 3600.0, storm.cloud_fraction, site)
    outcome = plan_fleet(
        replace(inputs, now_utc_s=now, site=site, forecast=Forecast(now, (replace(storm, shortwave_w_m2=sun),), "x"))
    )
    assert not outcome.errors
    assert {plan.label for plan in outcome.plans} <= {PlanLabel.OPTIMAL, PlanLabel.INCUMBENT}
    assert all(any(slot.duty_permille > 0 for slot in plan.slots) for plan in outcome.plans)
