from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.control.tests.conftest import START_UTC_S, Setup
from supervisor.domain.errors import CommandError, NotFoundError, StoreError
from supervisor.domain.override import Override, OverrideMode, OverrideState
from supervisor.gateway.tests.board_client import until
from supervisor.runtime.background import Background
from supervisor.runtime.clock import ManualClock
from supervisor.runtime.pace import each
from supervisor.store.store import Store


async def test_it_is_on_disk_before_it_is_answered_or_sent(setup: Setup) -> None:
    seen: list[list[Override]] = []
    setup.overrides.changed.append(lambda override: seen.append([override]))
    made = await setup.overrides.request("z01", "on", 60, "  school  run ", "kim")
    assert seen == [[made]]
    assert await setup.store.overrides.live(setup.clock.utc_s()) == [made]
    assert (made.mode, made.reason, made.expires_utc_s - made.created_utc_s) == (OverrideMode.ON, "school run", 3600)
    assert [entry.user for entry in await setup.store.audit.entries(0, 4e9)] == ["kim"]
    view = setup.live.view("z01")
    assert view.override is not None
    assert view.override.user == "kim"


async def test_what_cannot_be_recorded_commands_nothing(
    tmp_path: Path, clock: ManualClock, background: Background
) -> None:
    seen: list[Override] = []
    store = Store.open(tmp_path / "closed.db", clock)
    setup = Setup(store, clock, background, 1)
    setup.overrides.changed.append(seen.append)
    await store.close()
    with pytest.raises(StoreError):
        await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    assert seen == []
    assert setup.live.view("z01").override is None


@pytest.mark.parametrize(
    ("zone", "mode", "minutes", "reason", "where"),
    [
        ("z99", "on", 60, "ice", "z99"),
        ("z01", "full", 60, "ice", "mode"),
        ("z01", "on", 0, "ice", "minutes"),
        ("z01", "on", 481, "ice", "minutes"),
        ("z02", "on", 121, "ice", "minutes"),  # the zone's own limit
        ("z01", "on", 60, "", "reason"),
        ("z01", "on", 60, "   \t ", "reason"),
        ("z01", "on", 60, "x" * 201, "reason"),
        ("z01", "on", 60, "bell \a bell", "reason"),
    ],
)
async def test_bad_requests_are_refused_by_name(
    setup: Setup, zone: str, mode: str, minutes: int, reason: str, where: str
) -> None:
    with pytest.raises(CommandError) as error:
        await setup.overrides.request(zone, mode, minutes, reason, "kim")
    assert error.value.where == where
    assert error.value.remedy
    assert await setup.store.overrides.live(0) == []


async def test_newest_wins_even_when_two_ask_at_once(setup: Setup) -> None:
    first, second = await asyncio.gather(
        setup.overrides.request("z01", "on", 60, "ice on the bend", "kim"),
        setup.overrides.request("z01", "off", 30, "cable works", "lee"),
    )
    await setup.overrides.late.flush()  # the older one's end is recorded later
    live = await setup.store.overrides.live(setup.clock.utc_s())
    assert [override.id for override in live] == [max(first.id, second.id)]
    assert setup.overrides.live_for("z01") == live[0]


async def test_it_expires_on_time_and_stays_expired(setup: Setup) -> None:
    made = await setup.overrides.request("z01", "on", 1, "ice on the bend", "kim")
    setup.clock.advance(59)
    await setup.overrides.expire()
    assert setup.overrides.live_for("z01") is not None
    setup.clock.advance(1)
    assert setup.overrides.live_for("z01") is None  # before anybody has looked
    await setup.overrides.expire()
    assert setup.overrides.get(made.id).state is OverrideState.EXPIRED
    await setup.overrides.advance(made.id, OverrideState.MEASURED)
    assert setup.overrides.get(made.id).state is OverrideState.EXPIRED


async def test_cancel_ends_it_once(setup: Setup) -> None:
    made = await setup.overrides.request("z01", "boost", 60, "ice on the bend", "kim")
    assert (await setup.overrides.cancel(made.id, "lee")).state is OverrideState.CANCELLED
    assert (await setup.overrides.cancel(made.id, "lee")).state is OverrideState.CANCELLED
    assert [entry.action for entry in await setup.store.audit.entries(0, 4e9)] == ["override", "cancel"]
    with pytest.raises(NotFoundError):
        await setup.overrides.cancel(made.id + 1, "lee")


async def test_states_only_go_forward(setup: Setup) -> None:
    made = await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    await asyncio.gather(
        setup.overrides.advance(made.id, OverrideState.MEASURED), setup.overrides.advance(made.id, OverrideState.SENT)
    )
    assert setup.overrides.get(made.id).state is OverrideState.MEASURED
    assert (await setup.store.overrides.live(0))[0].state is OverrideState.MEASURED


async def test_restart_takes_up_what_lives_and_ends_what_expired_meanwhile(
    store: Store, clock: ManualClock, background: Background
) -> None:
    before = Setup(store, clock, background, 1)
    short = await before.overrides.request("z01", "on", 10, "ice on the bend", "kim")
    long = await before.overrides.request("z02", "off", 60, "cable works", "lee")
    clock.advance(1800)
    after = Setup(store, clock, background, 2)
    await after.overrides.load()
    assert after.overrides.live_for("z01") is None
    assert after.overrides.get(short.id).state is OverrideState.EXPIRED
    held = after.overrides.live_for("z02")
    assert held is not None
    assert held.id == long.id
    assert [override.id for override in await store.overrides.live(0)] == [long.id]


class SetClock(ManualClock):
    """A machine's clock that somebody sets."""

    set_by_s = 0.0

    def utc_s(self) -> float:
        return super().utc_s() + self.set_by_s


@pytest.mark.parametrize("set_by_s", [-3600.0, -3.2e8, 3600.0, 3.2e8])
async def test_setting_the_machine_s_clock_prolongs_no_override(
    tmp_path: Path, background: Background, set_by_s: float
) -> None:
    clock = SetClock(START_UTC_S)
    store = Store.open(tmp_path / "set.db", clock)
    setup = Setup(store, clock, background, 1)
    made = await setup.overrides.request("z01", "on", 60, "ice on the bend", "kim")
    clock.set_by_s = set_by_s
    assert setup.overrides.left_s(made) <= 3600
    clock.advance(3600)
    assert setup.overrides.live_for("z01") is None
    await setup.overrides.expire()
    assert setup.overrides.get(made.id).state is OverrideState.EXPIRED
    await store.close()


@pytest.mark.parametrize("set_by_s", [-3600.0, 3600.0])
async def test_setting_the_machine_s_clock_stops_no_loop(set_by_s: float) -> None:
    clock = SetClock(START_UTC_S)
    seen: list[float] = []

    async def watch() -> None:
        async for due in each(clock, 60.0):
            seen.append(due)

    loop = asyncio.get_running_loop()
    with pytest.MonkeyPatch.context() as patch:

        async def sleep(seconds: float) -> None:
            clock.advance(seconds)
            if len(seen) == 2:
                clock.set_by_s = set_by_s
            ready = loop.create_future()
            loop.call_soon(ready.set_result, None)
            await ready

        patch.setattr("supervisor.runtime.pace.asyncio.sleep", sleep)
        task = asyncio.ensure_future(watch())
        await until(lambda: len(seen) == 5)
        task.cancel()
    assert seen[:2] == [START_UTC_S + 60, START_UTC_S + 120]
    assert clock.monotonic_s() <= 6 * 60  # five minutes' rounds took five minutes, whatever the clock said
