"""Golden scenarios: each a night in JSON with what plan, explanation and cost must be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.plan import STANDBY
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Feeder, Layer, Zone
from supervisor.planner.inputs import PlanInputs, PlanSettings
from supervisor.planner.pipeline import PlanOutcome, plan_fleet
from supervisor.planner.plans import unpack
from supervisor.planner.pose import feeder_problems
from supervisor.road import build_pavements, initial_state
from supervisor.tariff.bands import Band, BandTariff
from supervisor.tariff.flat import FlatTariff
from supervisor.weather.design_storm import SEOUL
from supervisor.weather.longwave import longwave_down_w_m2, shortwave_of_cloud

SCENARIOS = sorted(Path(__file__).with_name("golden").glob("*.json"))
START = 1_703_840_400.0  # 18:00 in Seoul on 29 December 2023
STEP_S = 600.0


def weather(given: dict[str, list[float]]) -> WeatherSeries:
    """Columns by hour since the start, linear between."""
    time = START + STEP_S * np.arange(-6, 36 * 6 + 1)
    hours = (time - START) / 3600

    def column(name: str) -> np.ndarray:
        return np.interp(hours, given["hours"], given[name])

    def rate(name: str) -> np.ndarray:
        return np.interp(hours - STEP_S / 7200, given["hours"], given[name])  # mean of the interval that ends here

    air, cloud = column("air_c"), column("cloud")
    dew = np.minimum(column("dew_point_c"), air)
    snow, rain = rate("snow_mm_h"), rate("rain_mm_h")
    total = snow + rain
    return WeatherSeries(
        time_utc_s=time,
        air_c=air,
        dew_point_c=dew,
        wind_m_s=column("wind_m_s"),
        pressure_pa=np.full(time.size, 101_000.0),
        shortwave_w_m2=shortwave_of_cloud(time, STEP_S, cloud, SEOUL),
        longwave_w_m2=longwave_down_w_m2(air, dew, cloud),
        cloud_fraction=cloud,
        precipitation_mm_h=total,
        snow_fraction=np.where(total > 0, snow / np.maximum(total, 1e-9), 0.0),
    )


def inputs_of(given: dict[str, Any]) -> PlanInputs:
    zones = tuple(
        Zone(
            id=f"z{i}",
            name=f"street {i}",
            board="b1",
            relay=i,
            feeder="f",
            power_w=60_000,
            area_m2=200.0,
            layers=(Layer("asphalt", 0.10), Layer("base", 0.30)),
            priority=zone["priority"],
        )
        for i, zone in enumerate(given["zones"])
    )
    installed = 60.0 * len(zones)
    roads = build_pavements(zones)
    bands = [Band(b["name"], b["price_per_kwh"], tuple(b["hours"])) for b in given.get("tariff", {}).get("bands", [])]
    overrides = tuple(
        Override(
            id=i,
            zone=f"z{o['zone']}",
            mode=OverrideMode(o["mode"]),
            reason="golden",
            user="kim",
            created_utc_s=int(START),
            expires_utc_s=int(START + 3600 * o["hours"]),
        )
        for i, o in enumerate(given.get("overrides", []))
    )
    return PlanInputs(
        now_utc_s=START,
        zones=zones,
        feeders=(Feeder(id="f", contract_kw=given.get("contract_part", 1.0) * installed, breaker_kw=installed),),
        roads=roads,
        state=initial_state(roads, given["surface_c"], 5.0),
        forecast=Forecast(START, tuple(weather(member) for member in given["weather"]), "golden"),
        tariff=BandTariff(tuple(bands), "Asia/Seoul") if bands else FlatTariff(120.0),
        site=SEOUL,
        overrides=overrides,
        settings=PlanSettings(price_per_ice_free_hour=9_000.0),  # what the stories' costs are told in
    )


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    given = json.loads(path.read_text())
    inputs = inputs_of(given)
    outcome = plan_fleet(inputs)
    assert not outcome.errors
    assert outcome.feeders[0].gap < 0.01
    for rule, expected in given["expect"].items():
        CHECKS[rule](expected, inputs, outcome)


def kwh(outcome: PlanOutcome) -> float:
    return float(outcome.feeders[0].load_kw.sum()) / 4


def check_codes(expected: list[list[str]], inputs: PlanInputs, outcome: PlanOutcome) -> None:
    for plan, codes in zip(outcome.plans, expected, strict=True):
        said = [reason.code for reason in plan.why]
        if not codes:
            assert said == []
        places = [said.index(code) for code in codes]
        assert places == sorted(places), said


def check_none_of(expected: list[str], inputs: PlanInputs, outcome: PlanOutcome) -> None:
    assert not set(expected) & {reason.code for plan in outcome.plans for reason in plan.why}


def check_between(value: float, expected: list[float]) -> None:
    assert expected[0] <= value <= expected[1], value


def check_cheap(expected: float, inputs: PlanInputs, outcome: PlanOutcome) -> None:
    load = outcome.feeders[0].load_kw
    price = inputs.tariff.prices(outcome.start_utc_s, load.size)
    assert load[price == price.min()].sum() >= expected * load.sum()
    flat = plan_fleet(replace(inputs, tariff=FlatTariff(float(price.max()))))
    flat_load = flat.feeders[0].load_kw
    cheap = price == price.min()
    assert load[cheap].sum() / load.sum() > flat_load[cheap].sum() / flat_load.sum()  # it is the price that moved it


def check_preheat(expected: list[float], inputs: PlanInputs, outcome: PlanOutcome) -> None:
    first = outcome.plans[0].why[0]
    assert first.hazard_utc_s is not None
    check_between((first.hazard_utc_s - outcome.start_utc_s - first.start_s) / 3600, expected)


def check_shortfall(expected: float, inputs: PlanInputs, outcome: PlanOutcome) -> None:
    (problem,) = feeder_problems(inputs)
    duty = np.array([outcome.traces[zone.id].duty for zone in inputs.zones])
    for zone, lift in zip(problem.zones, problem.lift_k(duty), strict=True):
        short = np.maximum(zone.shortfall_k - lift, 0.0).mean(axis=0)
        assert short.sum() / 4 <= expected * 4


def check_full(expected: bool, inputs: PlanInputs, outcome: PlanOutcome) -> None:
    trace = next(iter(outcome.traces.values()))
    start = int(np.flatnonzero(trace.probability > 0)[0])
    assert trace.duty[start : start + 8].min() > 0.99


def check_load(expected: float, inputs: PlanInputs, outcome: PlanOutcome) -> None:
    assert outcome.feeders[0].load_kw.max() <= expected * 60.0 * len(inputs.zones) + 1e-6


def check_more(expected: list[int], inputs: PlanInputs, outcome: PlanOutcome) -> None:
    heat = [outcome.traces[zone.id].duty.sum() for zone in inputs.zones]
    assert heat[expected[0]] > 1.2 * heat[expected[1]]


def check_false_alarm(expected: float, inputs: PlanInputs, outcome: PlanOutcome) -> None:
    certain = replace(inputs, forecast=replace(inputs.forecast, members=inputs.forecast.members[:1]))
    assert kwh(outcome) <= expected * kwh(plan_fleet(certain))
    duty, _ = unpack(outcome.plans[0], 60, outcome.start_utc_s)
    assert (duty == STANDBY).mean() > 0.7


def check_first(expected: bool, inputs: PlanInputs, outcome: PlanOutcome) -> None:
    assert unpack(outcome.plans[0], 1, outcome.start_utc_s)[0][0] > 0.5


def check_fixed(expected: list[int], inputs: PlanInputs, outcome: PlanOutcome) -> None:
    zone, hours = expected
    assert (outcome.traces[inputs.zones[zone].id].duty[: 4 * hours] == 1.0).all()


def check_standby(expected: bool, inputs: PlanInputs, outcome: PlanOutcome) -> None:
    assert {slot.duty_permille for plan in outcome.plans for slot in plan.slots} == {STANDBY}


CHECKS = {
    "codes": check_codes,
    "codes_none_of": check_none_of,
    "kwh": lambda expected, inputs, outcome: check_between(kwh(outcome), expected),
    "cost": lambda expected, inputs, outcome: check_between(outcome.feeders[0].energy_cost, expected),
    "cheap_share_min": check_cheap,
    "heated_before_hazard_h": check_preheat,
    "shortfall_max_k": check_shortfall,
    "full_heat_in_hazard": check_full,
    "load_max_part": check_load,
    "more_heat": check_more,
    "heat_part_of_certain_max": check_false_alarm,
    "first_slot_heated": check_first,
    "fixed_first_hours": check_fixed,
    "standby_only": check_standby,
}
