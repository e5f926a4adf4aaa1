"""Sensors that live but lie, from telemetry to alarms, plans and the app's line."""

from __future__ import annotations

import pytest

from supervisor.control.degraded import Degradations, DegradedCode
from supervisor.control.feedback import for_sensor
from supervisor.control.live import LiveState
from supervisor.control.moisture import outvoted
from supervisor.control.restarts import RESTARTS_MAX, WITHIN_S, Restarts
from supervisor.control.sensors import SensorWatch
from supervisor.control.sky import Falling, Sky
from supervisor.control.tests.conftest import START_UTC_S, Setup, make_zone
from supervisor.control.tests.test_intake import Works
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.plan import STANDBY, Plan, Slot
from supervisor.gateway.tests.board_client import sample
from supervisor.runtime.clock import ManualClock

SNOW = Sky(Falling.SNOW, True)


def district(moisture: dict[str, int], heated: set[str]) -> LiveState:
    """Zones with these moistures [‰]; `heated` ones drew power half an hour ago."""
    live = LiveState([make_zone(zone, "b01", 0) for zone in moisture], ManualClock(START_UTC_S))
    for zone, permille in moisture.items():
        live.zones[zone].sample = sample(zone, moisture_permille=permille)
        live.zones[zone].online = True
        live.zones[zone].heated_s = -1800.0 if zone in heated else None
    return live


@pytest.mark.parametrize(
    ("moisture", "heated", "sky", "not_believed"),
    [
        ({"a": 0, "b": 700}, {"a"}, SNOW, {"a"}),  # its own hole in the snow
        ({"a": 0, "b": 700}, {"a"}, Sky(), set()),  # dried by its heat, as it should be
        ({"a": 0, "b": 0}, {"b"}, SNOW, {"b"}),  # one witness alone does not refute the forecast
        ({"a": 0, "b": 0, "c": 0, "d": 0}, {"a"}, SNOW, set()),  # three unheated ones do: no snow falls
        ({"a": 0, "b": 0, "c": 600, "d": 600}, {"a"}, SNOW, {"a"}),
        ({"a": 900}, {"a"}, SNOW, set()),
    ],
)
def test_a_dry_sensor_on_a_heated_road_is_outvoted_while_snow_falls(
    moisture: dict[str, int], heated: set[str], sky: Sky, not_believed: set[str]
) -> None:
    assert outvoted(district(moisture, heated).zones.values(), sky, 0.0) == not_believed


def a_plan() -> Plan:
    return Plan(
        zone="z01", issued_utc_s=int(START_UTC_S), start_utc_s=int(START_UTC_S),
        slots=(Slot(0, 1_500, 600), Slot(900, 2_000, STANDBY)),
    )  # fmt: skip


def test_a_plan_is_sent_in_terms_of_what_a_lying_sensor_shows() -> None:
    live = district({"z01": 500}, set()).zones["z01"]
    live.sample = sample("z01", surface_mc=1_200)
    live.estimated_c = -5.8
    assert for_sensor(a_plan(), live) == a_plan()
    live.surface_quality = 0.2
    sent = for_sensor(a_plan(), live)
    assert [slot.setpoint_mc for slot in sent.slots] == [8_500, 9_000]
    assert [slot.duty_permille for slot in sent.slots] == [600, STANDBY]
    # The local rule of standby slots heats although 1.2 °C is shown; never above the board's lock-out.
    assert 1_200 < sent.on_mc <= sent.off_mc == live.zone.limits.lockout_mc


async def test_a_sensor_that_is_not_believed_is_alarmed_and_shown_and_the_estimate_decides(setup: Setup) -> None:
    degraded = Degradations(setup.clock)
    watch = SensorWatch(setup.live, setup.alarms, degraded)
    zone = setup.live.zones["z01"]
    zone.sample, zone.online = sample("z01", surface_mc=1_200), True
    zone.estimated_c = -5.8
    await watch.look()
    assert not setup.alarms.standing()
    assert not degraded.now()
    assert zone.believed_c == 1.2
    zone.surface_quality = 0.4
    await watch.look()
    [alarm] = setup.alarms.standing()
    assert (alarm.code, alarm.subject) == (AlarmCode.SENSOR_DOUBTFUL, "z01")
    assert "(1.2 °C, by the model -5.8 °C)" in alarm.text
    [line] = degraded.now()
    assert (line.code, line.detail) == (DegradedCode.SENSORS, {"zones": 1})
    assert zone.believed_c == -5.8
    zone.surface_quality = 0.6  # stands until it is well believed again
    await watch.look()
    assert setup.alarms.standing()
    zone.surface_quality = 0.95
    await watch.look()
    assert not setup.alarms.standing()
    assert not degraded.now()


def test_a_board_that_keeps_restarting_is_alarmed_until_it_is_calm_for_an_hour(setup: Setup) -> None:
    restarts = Restarts(setup.alarms, setup.clock)
    restarts.greeted("b01", 7)
    for boot in range(8, 7 + RESTARTS_MAX):
        setup.clock.advance(240)
        restarts.greeted("b01", boot)
    assert not setup.alarms.standing()
    setup.clock.advance(240)
    restarts.greeted("b01", 7 + RESTARTS_MAX)
    assert [(a.code, a.subject) for a in setup.alarms.standing()] == [(AlarmCode.BOARD_RESTARTS, "b01")]
    setup.clock.advance(WITHIN_S - 600)
    restarts.look()
    assert setup.alarms.standing()
    setup.clock.advance(900)
    restarts.look()
    assert not setup.alarms.standing()


def test_restarts_between_two_sessions_count_by_the_number_of_the_boot(setup: Setup) -> None:
    restarts = Restarts(setup.alarms, setup.clock)
    for boot in (7, 7, 7, 7, 7):  # the same boot, new sessions
        restarts.greeted("b01", boot)
    assert not setup.alarms.standing()
    restarts.greeted("b01", 8_000)  # another board in its place
    assert not setup.alarms.standing()
    setup.clock.advance(120)
    restarts.greeted("b01", 8_005)
    assert setup.alarms.standing()


async def test_a_frozen_sensor_in_a_real_frost_ends_with_the_estimate_below_it(setup: Setup) -> None:
    """Hours of telemetry with one value: the estimate leaves it, and a restart of the service remembers."""
    works = Works(setup)
    await works.forecasts.ask()
    await works.estimation.start()
    for minute in range(1, 14 * 60 + 1):
        setup.clock.advance(60)
        if minute % 15 == 0:
            await works.forecasts.ask()
        works.estimation.observe(sample("z01", surface_mc=6_000, power_w=0), 60.0)
        works.estimation.update(START_UTC_S + 60.0 * minute)
    live = setup.live.zones["z01"]
    assert live.surface_quality < 0.5
    assert live.estimated_c == pytest.approx(0.0, abs=3.0)
    await works.estimation.keep(setup.clock.utc_s())
    again = Works(setup).estimation
    await again.start()
    assert again.estimator.trust.quality[0] == pytest.approx(works.estimation.estimator.trust.quality[0])
