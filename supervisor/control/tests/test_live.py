from __future__ import annotations

import asyncio

import pytest

from supervisor.control import live as live_module
from supervisor.control.live import LiveState
from supervisor.control.tests.conftest import ZONES
from supervisor.gateway.tests.board_client import sample
from supervisor.runtime.clock import ManualClock
from supervisor.wire.messages import NO_MOISTURE, NO_READING_MC, Flag


@pytest.fixture
def live(clock: ManualClock) -> LiveState:
    return LiveState(ZONES, clock)


async def test_subscriber_gets_each_changed_zone_once_and_as_it_is_now(live: LiveState) -> None:
    subscription = live.subscribe()
    assert subscription is not None
    for power_w in (100, 200, 300):
        live.zones["z01"].sample = sample(power_w=power_w)
        live.touch("z01")
    live.touch("z03")
    assert [(view.id, view.power_w) for view in await anext(subscription)] == [("z01", 300), ("z03", None)]


async def test_subscriber_that_does_not_read_is_closed_and_the_others_go_on(live: LiveState) -> None:
    dead, reading = live.subscribe(), live.subscribe()
    assert dead is not None
    assert reading is not None
    for _ in range(live_module.MISSED_MAX + 1):
        live.touch("z01")
        await anext(reading)
    assert dead.closed
    assert [zones async for zones in dead] == []
    assert live.subscriptions == {reading}


async def test_waiting_subscriber_ends_when_it_is_closed(live: LiveState) -> None:
    subscription = live.subscribe()
    assert subscription is not None
    waiting = asyncio.ensure_future(anext(subscription, None))
    await asyncio.sleep(0)
    subscription.close()
    assert await waiting is None


async def test_there_is_an_end_to_subscribers(live: LiveState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "SUBSCRIBERS_MAX", 2)
    assert live.subscribe() is not None
    assert live.subscribe() is not None
    assert live.subscribe() is None


@pytest.mark.parametrize(
    ("changes", "surface", "moisture"),
    [
        ({}, 1.5, 300),
        ({"surface_mc": NO_READING_MC, "moisture_permille": NO_MOISTURE}, None, None),
        ({"flags": int(Flag.SENSOR_IMPLAUSIBLE | Flag.MOISTURE_IMPLAUSIBLE)}, None, None),
    ],
)
def test_reading_that_is_not_believed_is_unknown(
    live: LiveState, changes: dict[str, int], surface: float | None, moisture: int | None
) -> None:
    live.zones["z01"].sample = sample(**changes)
    view = live.view("z01")
    assert (view.surface_c, view.moisture_permille) == (surface, moisture)


def test_zones_vote_on_whether_it_is_wet(live: LiveState) -> None:
    assert live.wet_share() is None
    for zone, wet in zip(live.zones.values(), (900, 250, 100), strict=False):
        zone.sample, zone.online = sample(moisture_permille=wet), True
    assert live.wet_share() == pytest.approx(2 / 3)
    first = next(iter(live.zones.values()))
    first.sample = sample(moisture_permille=900, flags=Flag.MOISTURE_IMPLAUSIBLE)
    assert live.wet_share() is None  # two voters are too few
