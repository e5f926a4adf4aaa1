"""A zone's day on one axis: what was measured, what is foreseen, and what people and faults did."""

from __future__ import annotations

import pytest

from supervisor.control.past import BarKind
from supervisor.control.tests.conftest import START_UTC_S, Setup
from supervisor.control.tests.test_road_work import Winter
from supervisor.control.zone_day import HALF, ZoneDays
from supervisor.domain.plan import Plan, Slot
from supervisor.domain.road_work import WorkKind
from supervisor.gateway.tests.board_client import sample, telemetry

DAY_S = 86_400


@pytest.fixture
async def winter(setup: Setup) -> Winter:
    made = Winter(setup)
    await made.forecasts.ask()
    return made


def days(winter: Winter) -> ZoneDays:
    setup = winter.setup
    return ZoneDays(setup.store, setup.live, winter.estimation, winter.forecasts, setup.clock)


async def heard(winter: Winter, hours_ago: float, surface_mc: int, quarters: int = 1) -> None:
    """A board's ten-second frames of some quarters of an hour at full power."""
    begin = START_UTC_S - hours_ago * 3600
    for n in range(90 * quarters):
        frame = telemetry(n + 1, sample(dev_wh=167 * (n + 1), surface_mc=surface_mc), up=10 * (n + 1))
        at = begin + 10 * n
        await winter.setup.store.telemetry.commit("b01", frame, at + 10, at)


async def test_the_past_is_measured_and_the_future_foreseen(winter: Winter) -> None:
    await heard(winter, 3.0, 1_250)
    setup = winter.setup
    winter.estimation.state.snow_mm[:] = 0.0
    setup.live.zones["z01"].plan = Plan(
        zone="z01", issued_utc_s=int(START_UTC_S), start_utc_s=int(START_UTC_S),
        slots=(Slot(0, 3_000, 1000), Slot(4 * 3600, 0, 0), Slot(30 * 3600, 0, 0)),
    )  # fmt: skip
    day = await days(winter).day("z01")
    assert (day.from_utc_s, day.step_s, day.rated_w) == (START_UTC_S - DAY_S, 900, 60_000)
    lists = (day.surface_c, day.planned_c, day.low_c, day.high_c, day.unheated_c, day.power_w, day.snow_mm_h)
    assert {len(values) for values in lists} == {2 * HALF}
    heard_at = HALF - 12
    assert [value for value in day.surface_c if value is not None] == [1.25]
    assert day.surface_c[heard_at] == 1.25
    assert day.power_w[heard_at] == pytest.approx(60_000, rel=0.02)
    assert day.power_w[heard_at - 1] is None  # nothing was heard: not "no power"
    ahead = slice(HALF, 2 * HALF)
    assert None not in day.planned_c[ahead]
    assert set(day.planned_c[:HALF]) == {None}
    assert day.planned_c[HALF + 12] > day.unheated_c[HALF + 12] + 2  # type: ignore[operator]
    assert day.power_w[HALF + 4] > 30_000  # type: ignore[operator]
    assert any(value for value in day.snow_mm_h[ahead] if value)  # the design storm
    assert all(low <= mean <= high for low, mean, high in zip(
        day.low_c[ahead], day.planned_c[ahead], day.high_c[ahead], strict=True))  # type: ignore[operator]  # fmt: skip


async def test_bars_begin_and_end_when_it_happened(winter: Winter) -> None:
    setup, now = winter.setup, int(START_UTC_S)
    first = await setup.overrides.request("z01", "on", 120, "snow", "Kim")
    setup.clock.advance(600)
    second = await setup.overrides.request("z01", "boost", 60, "ice", "Lee")
    setup.clock.advance(600)
    await setup.overrides.cancel(second.id, "Kim")
    await setup.store.alarms.raise_alarm("offline", "b01", "no word", now + 100)
    await setup.store.alarms.clear_alarm("offline", "b01", now + 700)
    await setup.store.alarms.raise_alarm("earth-fault", "z01", "pin 5", now + 200)
    await setup.store.alarms.raise_alarm("earth-fault", "z02", "another road", now + 200)
    await winter.works.report(["z01", "z02"], WorkKind.PLOUGHED, "Kim")
    found = [(bar.kind, bar.word, bar.from_utc_s - now, bar.until_utc_s and bar.until_utc_s - now, bar.user)
             for bar in (await days(winter).day("z01")).bars]  # fmt: skip
    assert first.id < second.id
    assert found == [
        (BarKind.COMMAND, "on", 0, 600, "Kim"),  # replaced
        (BarKind.ALARM, "offline", 100, 700, ""),  # of its board
        (BarKind.ALARM, "earth-fault", 200, None, ""),  # stands
        (BarKind.COMMAND, "boost", 600, 1200, "Lee"),  # ended by a person
        (BarKind.WORK, "ploughed", 1200, 1200, "Kim"),
    ]


async def test_a_person_and_a_fault_overrule_the_plan(winter: Winter) -> None:
    setup = winter.setup
    setup.live.zones["z01"].plan = Plan(
        zone="z01", issued_utc_s=int(START_UTC_S), start_utc_s=int(START_UTC_S), slots=(Slot(0, 0, 0),),
    )  # fmt: skip
    await setup.overrides.request("z01", "on", 60, "snow", "Kim")
    power = (await days(winter).day("z01")).power_w[HALF:]
    assert power[:4] == [60_000.0] * 4
    setup.live.zones["z01"].cable_broken = True
    power = (await days(winter).day("z01")).power_w[HALF:]
    assert set(power) == {0.0}


async def test_without_a_forecast_there_is_a_past_only(winter: Winter) -> None:
    await heard(winter, 1.0, 500)
    winter.forecasts.latest = None
    day = await days(winter).day("z01")
    assert day.surface_c[HALF - 4] == 0.5
    assert set(day.planned_c) == set(day.unheated_c) == {None}


async def test_a_course_is_worked_out_once_a_minute(winter: Winter) -> None:
    made, runs = days(winter), []
    real = made._run
    made._run = lambda task: (runs.append(task), real(task))[1]  # type: ignore[method-assign]
    for _ in range(3):
        await made.day("z01")
    assert len(runs) == 1
    winter.setup.clock.advance(61)
    await made.day("z01")
    assert len(runs) == 2
