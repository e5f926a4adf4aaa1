"""What a command would do: against the plan, in time that snow lies, energy, money, peak, and which road is shed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from supervisor.domain.errors import RoadheatError
from supervisor.domain.override import Override, OverrideMode
from supervisor.domain.weather import Forecast
from supervisor.domain.zone import Feeder
from supervisor.planner.preview import preview
from supervisor.planner.tests.test_pipeline import NOW, dry, inputs
from supervisor.weather.design_storm import design_storm

SNOWING = NOW + 10 * 3600  # it snows from hour 9 to hour 15


def wanted(zone: str, mode: OverrideMode, now: float, hours: float) -> Override:
    return Override(
        id=0, zone=zone, mode=mode, reason="preview", user="preview", created_utc_s=int(now),
        expires_utc_s=int(now + 3600 * hours),
    )  # fmt: skip


def test_off_in_the_snow_lets_it_lie_and_saves_what_the_plan_would_use() -> None:
    [found] = preview(inputs(now=SNOWING), [wanted("z00", OverrideMode.OFF, SNOWING, 3)])
    [zone] = found.zones
    assert zone.zone == "z00"
    assert zone.hazard
    assert zone.icy_min[1] > zone.icy_min[0] + 120
    assert zone.lying_max_mm[1] > zone.lying_max_mm[0]
    assert zone.surface_min_c[1] <= zone.surface_min_c[0] + 1e-9
    assert zone.kwh[1] < zone.kwh[0]
    assert found.kwh[1] - found.kwh[0] == pytest.approx(zone.kwh[1] - zone.kwh[0], abs=1e-6)
    assert found.energy_cost[0] == pytest.approx(120.0 * found.kwh[0])
    assert found.snows_until_utc_s == pytest.approx(NOW + 15 * 3600, abs=3600)


def test_on_where_the_plan_does_not_heat_costs_its_power_for_its_time() -> None:
    weather = dry(design_storm(NOW, hours=48.0))
    still = inputs(forecast=Forecast(NOW, (weather,), "dry"))
    [found] = preview(still, [wanted("z01", OverrideMode.ON, NOW, 2)])
    assert found.kwh == (0.0, pytest.approx(120.0))
    assert found.peak_kw == (0.0, 60.0)
    assert found.zones[0].icy_min == (0.0, 0.0)
    assert not found.zones[0].hazard
    assert found.snows_until_utc_s is None


def test_what_is_left_of_the_running_quarter_counts() -> None:
    weather = dry(design_storm(NOW, hours=48.0))
    late = NOW + 600
    [found] = preview(
        inputs(now=late, forecast=Forecast(NOW, (weather,), "dry")), [wanted("z00", OverrideMode.ON, late, 0.5)]
    )
    assert found.kwh[1] == pytest.approx(60.0 * (300 + 1800) / 3600)  # to the end of the quarter in which it ends


def test_the_base_charge_rises_above_what_is_billed_already() -> None:
    weather = dry(design_storm(NOW, hours=48.0))
    feeder = Feeder(id="f1", contract_kw=120.0, breaker_kw=120.0, demand_price_per_kw=8_000.0)
    still = inputs(forecast=Forecast(NOW, (weather,), "dry"), feeders=(feeder,), peak_so_far_kw={"f1": 50.0})
    both = [wanted(zone, OverrideMode.ON, NOW, 1) for zone in ("z00", "z01")]
    assert preview(still, both)[0].base_cost == (0.0, 70.0 * 8_000.0)
    assert preview(still, both[:1])[0].base_cost == (0.0, 10.0 * 8_000.0)
    billed = replace(still, peak_so_far_kw={"f1": 130.0})
    assert preview(billed, both)[0].base_cost == (0.0, 0.0)


def test_which_road_is_shed_under_a_tight_contract() -> None:
    tight = inputs(
        zones=3, now=SNOWING, feeders=(Feeder(id="f1", contract_kw=90.0, breaker_kw=180.0),)
    )  # fmt: skip
    [found] = preview(tight, [wanted("z00", OverrideMode.ON, SNOWING, 4)])
    shed = [zone for zone in found.zones if zone.zone != "z00"]
    assert shed
    assert all(zone.shed_min > 10 for zone in shed)
    assert found.zones[0].zone == "z00"
    assert found.zones[0].shed_min == 0.0


@pytest.mark.parametrize("commanded", [4, 5, 6])
def test_commands_beyond_contract_and_breaker_are_shown_and_so_is_what_ends_them(commanded: int) -> None:
    feeder = Feeder(id="f1", contract_kw=200.0, breaker_kw=270.0)
    given = inputs(zones=6, now=SNOWING, feeders=(feeder,))
    all_on = [wanted(f"z{n:02d}", OverrideMode.ON, SNOWING, 2) for n in range(commanded)]
    [found] = preview(given, all_on)
    assert found.peak_kw[0] <= 200.0 + 1e-6
    assert found.peak_kw[1] == pytest.approx(60.0 * commanded)
    [found] = preview(replace(given, overrides=tuple(all_on)), [wanted("z00", OverrideMode.OFF, SNOWING, 2)])
    assert found.peak_kw[0] == pytest.approx(60.0 * commanded)
    assert found.zones[0].kwh[1] < found.zones[0].kwh[0]


def test_a_command_takes_the_place_of_the_one_that_holds() -> None:
    held = wanted("z00", OverrideMode.ON, SNOWING, 3)
    [found] = preview(inputs(now=SNOWING, overrides=(held,)), [wanted("z00", OverrideMode.OFF, SNOWING, 3)])
    assert found.zones[0].kwh[1] < found.zones[0].kwh[0]


def test_without_a_forecast_there_is_none() -> None:
    with pytest.raises(RoadheatError, match="no member"):
        preview(inputs(forecast=Forecast(NOW, (), "none")), [wanted("z00", OverrideMode.ON, NOW, 1)])


def test_both_plans_are_those_of_the_planner() -> None:
    from supervisor.planner.pipeline import plan_fleet

    given = inputs(zones=4, now=SNOWING)
    override = wanted("z02", OverrideMode.OFF, SNOWING, 2)
    [found] = preview(given, [override])
    plans = plan_fleet(given), plan_fleet(replace(given, overrides=(override,)))
    for n, plan in enumerate(plans):
        duty = np.array([plan.traces[zone.id].duty for zone in given.zones])
        assert found.kwh[n] == pytest.approx(60.0 * float(duty.sum()) / 4)
