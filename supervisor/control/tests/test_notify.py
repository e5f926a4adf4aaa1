"""Every channel of the registry gets every alarm that is raised or cleared."""

from __future__ import annotations

import asyncio

from supervisor.control import notify
from supervisor.control.alarms import Alarm, Alarms
from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import RoadheatError
from supervisor.gateway.tests.board_client import until
from supervisor.runtime.background import Background
from supervisor.runtime.clock import ManualClock


class Recorder:
    def __init__(self, fails: int = 0) -> None:
        self.told: list[Alarm] = []
        self._fails = fails

    async def notify(self, alarm: Alarm) -> None:
        if self._fails:
            self._fails -= 1
            raise RoadheatError("no answer")
        self.told.append(alarm)


class Hanging:
    async def notify(self, alarm: Alarm) -> None:
        await asyncio.Event().wait()


async def test_channels_that_are_set_up_are_told_and_none_holds_up_another(
    clock: ManualClock, background: Background
) -> None:
    alarms, good, failing = Alarms(clock, Metrics()), Recorder(), Recorder(fails=1)
    channels = {
        "hanging": lambda environment: Hanging(),
        "failing": lambda environment: failing,
        "good": lambda environment: good if environment.get("GOOD") else None,
        "not set up": lambda environment: None,
    }
    notify.start(alarms, background, {"GOOD": "1"}, channels)
    alarms.set(AlarmCode.EARTH_FAULT, "z01", True, "reset it on site")
    alarms.set(AlarmCode.EARTH_FAULT, "z01", False)
    await until(lambda: len(good.told) == 2 and len(failing.told) == 1)
    assert [alarm.cleared_utc_s is None for alarm in good.told] == [True, False]
    assert failing.told[0].cleared_utc_s is not None


async def test_a_channel_too_slow_loses_the_oldest_changes(clock: ManualClock, background: Background) -> None:
    alarms = Alarms(clock, Metrics())
    notify.start(alarms, background, {}, {"hanging": lambda environment: Hanging()})
    for n in range(2 * notify.WAITING_MAX):
        alarms.set(AlarmCode.EARTH_FAULT, f"z{n}", True)
    assert len(alarms.standing()) == 2 * notify.WAITING_MAX
