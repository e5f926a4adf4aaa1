"""Alarms seen, taken over and put off: recorded by name, kept over restarts, ended by their cause alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from supervisor.control.alarm_desk import AlarmDesk
from supervisor.control.alarm_recorder import keep_alarms
from supervisor.control.alarms import RECURS_S, Alarms
from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import CommandError, NotFoundError
from supervisor.runtime.clock import ManualClock
from supervisor.store.store import Store

NOW = 1_705_170_000.0
EARTH = AlarmCode.EARTH_FAULT


class Service:
    """One run of the service over a store that stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = ManualClock(NOW)
        self.stack = AsyncExitStack()
        self.store: Store
        self.alarms: Alarms
        self.desk: AlarmDesk

    async def start(self) -> None:
        self.store = Store.open(self.path / "roadheat.db", self.clock)
        self.alarms, _ = await self.stack.enter_async_context(keep_alarms(self.store, self.clock, Metrics()))
        self.desk = AlarmDesk(self.alarms, self.store.audit, self.clock)

    async def stop(self) -> None:
        await self.stack.aclose()
        await self.store.close()
        self.stack = AsyncExitStack()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    made = Service(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def test_an_acknowledgement_has_name_comment_and_time_and_survives_a_restart(service: Service) -> None:
    service.alarms.set(EARTH, "z11", True, "Earth fault")
    service.clock.advance(60)
    seen = await service.desk.acknowledge("earth-fault", "z11", "Kim", " electrician called ", "Lee")
    assert (seen.acknowledged_by, seen.assigned_to, seen.comment) == ("Kim", "Lee", "electrician called")
    assert seen.acknowledged_utc_s == NOW + 60
    service.clock.advance(60)
    again = await service.desk.acknowledge("earth-fault", "z11", "Park", "on the way")
    assert (again.acknowledged_by, again.acknowledged_utc_s) == ("Kim", NOW + 60)  # the first stays
    assert (again.assigned_to, again.comment) == ("Park", "on the way")
    entries = [(entry.user, entry.action) for entry in await service.store.audit.entries(0, NOW * 2)]
    assert entries == [("Kim", "alarm-acknowledge"), ("Park", "alarm-acknowledge")]
    await service.stop()
    await service.start()
    assert service.alarms.standing() == [again]


async def test_seen_is_not_ended_and_the_end_forgets_nobody(service: Service) -> None:
    service.alarms.set(EARTH, "z11", True, "Earth fault")
    await service.desk.acknowledge("earth-fault", "z11", "Kim")
    assert service.alarms.stands(EARTH, "z11")
    service.alarms.set(EARTH, "z11", False)
    with pytest.raises(NotFoundError, match="no such alarm stands"):
        await service.desk.acknowledge("earth-fault", "z11", "Kim")


async def test_one_that_comes_back_soon_keeps_its_acknowledgement_unless_it_is_worse(service: Service) -> None:
    def back(after_s: float, text: str) -> str | None:
        service.alarms.set(EARTH, "z11", False)
        service.clock.advance(after_s)
        service.alarms.set(EARTH, "z11", True, text)
        [alarm] = service.alarms.standing()
        return alarm.acknowledged_by

    service.alarms.set(EARTH, "z11", True, "Earth fault")
    await service.desk.acknowledge("earth-fault", "z11", "Kim", "called")
    assert back(RECURS_S - 1, "Earth fault") == "Kim"
    assert back(10, "Earth fault on two circuits") is None
    await service.desk.acknowledge("earth-fault", "z11", "Kim")
    assert back(RECURS_S + 1, "Earth fault on two circuits") is None


async def test_putting_off_has_an_end_and_a_reason(service: Service) -> None:
    service.alarms.set(AlarmCode.PRICES, "", True, "No prices")
    put_off = await service.desk.shelve("prices", "", "Kim", 30, "in working hours")
    assert (put_off.shelved_until_utc_s, put_off.comment, put_off.acknowledged_by) == (
        NOW + 1800,
        "in working hours",
        None,
    )
    for minutes in (0, 4, 24 * 60 + 1):
        with pytest.raises(CommandError):
            await service.desk.shelve("prices", "", "Kim", minutes, "later")
    seen = await service.desk.acknowledge("prices", "", "Kim")
    assert seen.shelved_until_utc_s is None


@pytest.mark.parametrize(
    ("code", "subject"), [("no-such-alarm", ""), ("earth-fault", "z99"), ("", ""), ("prices", "x" * 80)]
)
async def test_what_does_not_stand_cannot_be_seen(service: Service, code: str, subject: str) -> None:
    service.alarms.set(EARTH, "z11", True, "Earth fault")
    with pytest.raises(NotFoundError):
        await service.desk.acknowledge(code, subject, "Kim")
    assert await service.store.audit.entries(0, NOW * 2) == []
