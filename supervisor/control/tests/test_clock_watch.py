"""A clock that jumps, differs or runs unattended is said, and prolongs nothing."""

from __future__ import annotations

import pytest

from supervisor.control.clock_watch import BOARDS_MIN, STANDS_S, UNSYNCED_S, ClockWatch
from supervisor.control.degraded import Degradations, DegradedCode
from supervisor.control.overrides import Overrides
from supervisor.control.tests.conftest import START_UTC_S, RecordingLink, Setup, greet
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.override import OverrideState
from supervisor.domain.plan import Plan, Slot

HOUR = 3600.0


def codes(setup: Setup) -> set[AlarmCode]:
    return {alarm.code for alarm in setup.alarms.standing()}


@pytest.fixture
def degraded(setup: Setup) -> Degradations:
    return Degradations(setup.clock)


def a_plan(setup: Setup, lease_s: int = 6 * 3600) -> Plan:
    now = int(setup.clock.utc_s())
    return Plan(zone="z01", issued_utc_s=now, start_utc_s=now, lease_s=lease_s, slots=(Slot(0, 3000, 500),))


def test_a_jump_is_alarmed_for_an_hour_with_its_size(setup: Setup, degraded: Degradations) -> None:
    watch = ClockWatch(setup.clock, setup.alarms, degraded, lambda: True)
    for _ in range(100):
        setup.clock.advance(5)
        watch.look()
    assert not codes(setup)
    setup.clock.set_utc(setup.clock.utc_s() - 5 * HOUR)
    setup.clock.advance(5)
    watch.look()
    assert codes(setup) == {AlarmCode.CLOCK}
    assert [(line.code, line.detail) for line in degraded.now()] == [(DegradedCode.CLOCK, {"off_s": -18_000})]
    setup.clock.advance(STANDS_S + 5)
    watch.look()
    assert not codes(setup)
    assert not degraded.now()


def test_boards_that_agree_on_another_time_are_believed_when_they_first_connect(
    setup: Setup, degraded: Degradations
) -> None:
    watch = ClockWatch(setup.clock, setup.alarms, degraded, lambda: None)
    now = int(setup.clock.utc_s())
    for n in range(BOARDS_MIN):
        watch.look()
        assert not codes(setup)
        watch.greeted(f"b{n}", now + 7200 + n)
    watch.greeted("new", 0)  # has no time yet
    watch.look()
    assert codes(setup) == {AlarmCode.CLOCK}
    assert degraded.now()[0].detail == {"off_s": 7201}


def test_a_clock_that_nobody_keeps_is_said_after_an_hour(setup: Setup, degraded: Degradations) -> None:
    kept = [False]
    watch = ClockWatch(setup.clock, setup.alarms, degraded, lambda: kept[0])
    setup.clock.advance(UNSYNCED_S - 60)
    watch.look()
    assert not codes(setup)
    setup.clock.advance(120)
    watch.look()
    assert codes(setup) == {AlarmCode.CLOCK_UNSYNCED}
    kept[0] = True
    watch.look()
    assert not codes(setup)


@pytest.mark.parametrize("back_s", [10 * 60.0, 5 * HOUR, 40 * 86_400.0])
async def test_a_clock_set_back_prolongs_no_override(setup: Setup, back_s: float) -> None:
    made = await setup.overrides.request("z01", "on", 60, "ice", "Kim")
    setup.clock.advance(50 * 60)
    setup.clock.set_utc(setup.clock.utc_s() - back_s)
    link = RecordingLink("b01")
    setup.dispatcher.attach(link, greet())
    assert 0 < link.overrides()[-1].dur <= 600
    setup.clock.advance(601)
    await setup.overrides.expire()
    assert setup.overrides.get(made.id).state is OverrideState.EXPIRED


async def test_a_clock_set_back_while_the_service_was_down_gives_an_override_no_more_than_it_was_made_for(
    setup: Setup,
) -> None:
    made = await setup.overrides.request("z01", "on", 60, "ice", "Kim")
    setup.clock.set_utc(START_UTC_S - 5 * HOUR)
    again = Overrides(setup.store.overrides, setup.live, setup.clock)
    await again.load()
    assert again.left_s(again.get(made.id)) <= HOUR


@pytest.mark.parametrize("back_s", [10 * 60.0, 3 * HOUR])
async def test_a_clock_set_back_prolongs_no_lease(setup: Setup, back_s: float) -> None:
    first = RecordingLink("b01")
    setup.dispatcher.attach(first, greet())
    setup.dispatcher.publish([a_plan(setup)])
    assert first.plans()[-1].lease == 6 * 3600
    setup.clock.advance(2 * HOUR)
    setup.clock.set_utc(setup.clock.utc_s() - back_s)
    again = RecordingLink("b01")
    setup.dispatcher.attach(again, greet())
    assert again.plans()[-1].lease == 4 * 3600
