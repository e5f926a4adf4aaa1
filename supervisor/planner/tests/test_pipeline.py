from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from supervisor.domain.errors import TariffError
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import SLOT_S, STANDBY, PlanLabel
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Feeder
from supervisor.planner import pipeline
from supervisor.planner.inputs import PlanInputs, PlanSettings
from supervisor.planner.pipeline import plan_fleet
from supervisor.planner.plans import unpack
from supervisor.road import build_pavements, initial_state
from supervisor.tariff.flat import FlatTariff
from supervisor.weather.design_storm import SEOUL, design_storm

NOW = 1_703_829_600.0  # 15:00 in Seoul; the design storm's snow falls from 00:00 to 06:00

_spec = importlib.util.spec_from_file_location("planner_conftest", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
_conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_conftest)
a_zone: Callable[..., object] = _conftest.a_zone


def inputs(zones: int = 2, now: float = NOW, **change: object) -> PlanInputs:
    fleet = tuple(a_zone(i) for i in range(zones))
    roads = build_pavements(fleet)  # type: ignore[arg-type]
    weather = design_storm(NOW, hours=48.0)
    base = PlanInputs(
        now_utc_s=now,
        zones=fleet,  # type: ignore[arg-type]
        feeders=(Feeder(id="f1", contract_kw=60.0 * zones, breaker_kw=60.0 * zones),),
        roads=roads,
        state=initial_state(roads, 3.0, 6.0),
        forecast=Forecast(now, (weather,), "design"),
        tariff=FlatTariff(120.0),
        site=SEOUL,
    )
    return replace(base, **change)  # type: ignore[arg-type]


def dry(weather: WeatherSeries) -> WeatherSeries:
    return replace(weather, precipitation_mm_h=np.zeros(len(weather)), dew_point_c=weather.air_c - 12.0)


def test_the_storm_is_preheated_melted_and_explained() -> None:
    outcome = plan_fleet(inputs())
    assert [plan.label for plan in outcome.plans] == [PlanLabel.OPTIMAL] * 2
    plan = outcome.plans[0]
    codes = [reason.code for reason in plan.why]
    assert codes[0] == "preheat-snow"
    assert "melt-snow" in codes
    first = plan.why[0]
    assert first.hazard_utc_s is not None
    assert abs(first.hazard_utc_s - (NOW + 9 * 3600)) <= SLOT_S
    assert first.end_s - first.start_s >= SLOT_S
    duty, _ = unpack(plan, 120, outcome.start_utc_s)
    assert (duty[:8] == STANDBY).all()  # seven hours ahead nothing is heated yet
    assert duty[32:40].mean() > 0.5  # the hour before and the first of the snow
    assert outcome.feeders[0].gap < 1e-6


def test_a_dry_cold_night_is_left_to_the_local_rule() -> None:
    weather = dry(design_storm(NOW, hours=48.0))
    outcome = plan_fleet(inputs(forecast=Forecast(NOW, (weather,), "dry")))
    for plan in outcome.plans:
        assert [slot.duty_permille for slot in plan.slots] == [STANDBY]
        assert plan.why == ()
    assert outcome.feeders[0].objective == 0.0


def test_no_heat_goes_where_full_heat_would_still_melt_nothing() -> None:
    storm = design_storm(NOW, hours=48.0)
    arctic = replace(storm, air_c=storm.air_c - 30.0, dew_point_c=storm.dew_point_c - 30.0,
                     longwave_w_m2=storm.longwave_w_m2 - 100.0)  # fmt: skip
    roads = inputs().roads
    outcome = plan_fleet(inputs(forecast=Forecast(NOW, (arctic,), "arctic"), state=initial_state(roads, -25.0, -5.0)))
    assert not outcome.errors
    assert outcome.feeders[0].load_kw.max() == 0.0
    assert all(trace.probability.max() == 1.0 for trace in outcome.traces.values())  # and nobody says that it is safe


def test_one_storm_decides_with_its_share_of_the_base_charge() -> None:
    feeder = Feeder(id="f1", contract_kw=120.0, breaker_kw=120.0, demand_price_per_kw=8000.0)
    free = plan_fleet(inputs()).feeders[0].load_kw.max()
    shared = plan_fleet(inputs(feeders=(feeder,))).feeders[0].load_kw.max()
    alone = plan_fleet(inputs(feeders=(feeder,), settings=PlanSettings(storms_per_billing_month=0.1))).feeders[0]
    assert alone.load_kw.max() < shared <= free


def test_members_that_disagree_are_weighed() -> None:
    storm = design_storm(NOW, hours=48.0)
    sure = plan_fleet(inputs(forecast=Forecast(NOW, (storm,) * 4, "all")))
    doubt = plan_fleet(inputs(forecast=Forecast(NOW, (storm, dry(storm), dry(storm), dry(storm)), "some")))
    assert 0 < doubt.feeders[0].energy_cost < sure.feeders[0].energy_cost
    assert max(reason.probability or 0 for reason in doubt.plans[0].why) == 0.25


def test_overrides_are_fixed_and_the_board_is_left_the_local_rule_after_them() -> None:
    on = Override(
        id=1, zone="z00", mode=OverrideMode.ON, reason="ice", user="kim",
        created_utc_s=int(NOW), expires_utc_s=int(NOW) + 7200,
    )  # fmt: skip
    outcome = plan_fleet(inputs(overrides=(on,)))
    assert outcome.feeders[0].load_kw[:8].tolist() == [60.0] * 8
    plan = outcome.plans[0]
    assert plan.why[0].code == "override"
    assert unpack(plan, 8, outcome.start_utc_s)[0].tolist() == [STANDBY] * 8


def test_a_zone_out_of_service_is_never_heated() -> None:
    outcome = plan_fleet(inputs(out_of_service=frozenset({"z01"})))
    assert {slot.duty_permille for slot in outcome.plans[1].slots[:-1]} == {0}
    assert outcome.plans[1].why[0].code == "out-of-service"
    assert outcome.plans[0].why[0].code == "preheat-snow"


def test_a_contract_for_one_of_two_streets_is_kept_and_said() -> None:
    feeder = Feeder(id="f1", contract_kw=60.0, breaker_kw=120.0)
    outcome = plan_fleet(inputs(feeders=(feeder,)))
    assert outcome.feeders[0].load_kw.max() <= 60.0 + 1e-6
    assert any(reason.code == "shed" for plan in outcome.plans for reason in plan.why)


def test_a_breaker_below_the_installed_power_keeps_headroom_for_a_zone() -> None:
    feeder = Feeder(id="f1", contract_kw=180.0, breaker_kw=150.0)
    outcome = plan_fleet(inputs(zones=3, feeders=(feeder,)))
    assert outcome.feeders[0].load_kw.max() <= 90.0 + 1e-6
    assert len({plan.phase_s for plan in outcome.plans}) > 1


class BrokenTariff:
    currency = "KRW"

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> np.ndarray:
        raise TariffError("no price for tomorrow", where="tariff.csv")


@pytest.mark.parametrize("fault", ["stale", "short", "unequal", "none", "tariff", "nan"])
def test_a_bad_input_is_named_and_leaves_the_last_plan(fault: str) -> None:
    good = plan_fleet(inputs())
    storm = design_storm(NOW, hours=48.0)
    later = NOW + 1800
    base = inputs(now=later, previous=good.plans, forecast=Forecast(later, (storm,), "file"))
    part = WeatherSeries(*(getattr(storm, name)[:30] for name in storm.__dataclass_fields__))
    poisoned = replace(storm, air_c=np.where(np.arange(len(storm)) == 60, np.nan, storm.air_c))
    bad = {
        "stale": replace(base, forecast=Forecast(later - 19 * 3600, (storm,), "file")),
        "short": replace(base, forecast=Forecast(later, (part,), "file")),
        "unequal": replace(base, forecast=Forecast(later, (storm, part), "file")),
        "none": replace(base, forecast=Forecast(later, (), "file")),
        "tariff": replace(base, tariff=BrokenTariff()),
        "nan": replace(base, forecast=Forecast(later, (poisoned,), "file")),
    }[fault]
    outcome = plan_fleet(bad)
    assert len(outcome.errors) == 1
    assert {plan.label for plan in outcome.plans} == {PlanLabel.SHIFTED}
    kept, _ = unpack(outcome.plans[0], 40, outcome.start_utc_s)
    before, _ = unpack(good.plans[0], 40, outcome.start_utc_s)
    assert kept.tolist() == before.tolist()
    assert outcome.feeders[0].error is outcome.errors[0]


@pytest.mark.parametrize("stage", ["feeder_problem", "solve_exact", "keep_if_as_good", "_publish"])
@pytest.mark.parametrize("error", [ZeroDivisionError("x"), KeyError("z"), np.linalg.LinAlgError(), RecursionError()])
def test_what_nobody_foresaw_on_one_feeder_costs_its_own_zones_the_new_plan_only(
    stage: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeders = tuple(Feeder(id=name, contract_kw=50.0, breaker_kw=120.0) for name in ("f1", "f2"))
    base = inputs(zones=4, feeders=feeders)
    zones = tuple(msgspec.structs.replace(zone, feeder="f1" if i < 2 else "f2") for i, zone in enumerate(base.zones))
    base = replace(base, zones=zones)
    good = plan_fleet(base)
    assert {plan.label for plan in good.plans} == {PlanLabel.OPTIMAL}
    real = getattr(pipeline, stage)

    def failing(*args: Any, **kwargs: Any) -> Any:
        named = [getattr(arg, "feeder", arg) for arg in args]
        if any(getattr(arg, "id", "") == "f1" for arg in named if isinstance(arg, Feeder)):
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr(pipeline, stage, failing)
    outcome = plan_fleet(replace(base, previous=good.plans))
    assert [plan.label for plan in outcome.plans] == [PlanLabel.SHIFTED] * 2 + [PlanLabel.OPTIMAL] * 2
    assert len(outcome.errors) == 1
    assert "f1" in str(outcome.errors[0])


def test_an_override_above_the_contract_is_named_and_takes_the_room_from_the_last_plan() -> None:
    good = plan_fleet(inputs())
    now = NOW + 8.5 * 3600
    on = Override(
        id=1, zone="z00", mode=OverrideMode.ON, reason="ice", user="kim",
        created_utc_s=int(now), expires_utc_s=int(now) + 7200,
    )  # fmt: skip
    last = tuple(replace_issue(plan, now) for plan in good.plans)
    feeder = Feeder(id="f1", contract_kw=50.0, breaker_kw=120.0)
    outcome = plan_fleet(inputs(now=now, overrides=(on,), feeders=(feeder,), previous=last))
    assert outcome.errors[0].code == "plan-cap-below-override"
    assert (unpack(outcome.plans[1], 8, now)[0] <= 0).all()


def replace_issue(plan, now: float):  # type: ignore[no-untyped-def]
    return msgspec.structs.replace(plan, issued_utc_s=int(now))


def test_inputs_and_outcome_travel_between_processes() -> None:
    given = inputs(settings=PlanSettings(horizon_h=12))
    again = plan_fleet(pickle.loads(pickle.dumps(given)))
    assert pickle.loads(pickle.dumps(again)).plans == plan_fleet(given).plans
