"""A broken cable stays known until current is measured, or a person says that it is mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.control.alarm_recorder import keep_alarms
from supervisor.control.broken_cable import ALARM, BrokenCables
from supervisor.control.plan_snapshot import _OUT_OF_SERVICE
from supervisor.control.tests.conftest import Setup
from supervisor.control.tests.test_intake import Works
from supervisor.domain.errors import NotFoundError, StoreError
from supervisor.gateway.tests.board_client import sample, telemetry
from supervisor.runtime.background import Background
from supervisor.runtime.clock import ManualClock
from supervisor.store.store import Store
from supervisor.wire.messages import Flag, Winner, ZoneSample

FLAGGED = {"flags": int(Flag.CABLE_BROKEN), "power_w": 0, "on_s": 0, "duty_permille": 0, "who": int(Winner.INTERLOCK)}
TRYING = {"flags": 0, "power_w": 0, "on_s": 8, "duty_permille": 1000}
HEATS = {"flags": 0, "power_w": 60_000, "on_s": 10}


@pytest.fixture
async def works(setup: Setup) -> Works:
    return Works(setup)


async def hear(works: Works, seconds: int, **changes: int) -> None:
    """One sample after so many seconds."""
    works.setup.clock.advance(seconds)
    at = int(works.setup.clock.monotonic_s())
    await works.hear([telemetry(at, sample(**changes), up=100 + at)])


def known(works: Works) -> bool:
    view = works.setup.live.view("z01")
    stands = (ALARM, "z01") in works.alarm_codes()
    assert stands == (view.not_heating == "cable-broken") == bool(view.flags & Flag.CABLE_BROKEN)
    return stands


async def test_a_board_that_tries_again_every_half_hour_neither_clears_nor_raises_it(works: Works) -> None:
    changes: list[object] = []
    works.setup.alarms.changed.append(changes.append)
    for _ in range(6):
        await hear(works, 10, **FLAGGED)
        await hear(works, 1780, **FLAGGED)
        assert known(works)
        await hear(works, 10, **TRYING)
        assert known(works)
        assert works.setup.live.view("z01").offered == ("off",)
    assert len(changes) == 1
    await hear(works, 10, **HEATS)
    assert not known(works)
    assert len(changes) == 2


@pytest.mark.parametrize(
    ("changes", "mended"),
    [
        ({"power_w": 60_000, "on_s": 10}, True),
        ({"power_w": 12_000, "on_s": 2}, True),  # full power for two seconds of ten
        ({"power_w": 2_000, "on_s": 10}, False),  # too little current for a load
        ({"power_w": 60_000, "on_s": 0}, False),  # current without command is another fault
        ({"power_w": 0, "on_s": 0}, False),
        ({"power_w": 60_000, "on_s": 10, "flags": int(Flag.CABLE_BROKEN)}, False),
    ],
)
async def test_only_a_load_while_commanded_on_mends_it(works: Works, changes: dict[str, int], mended: bool) -> None:
    await hear(works, 10, **FLAGGED)
    await hear(works, 10, **{"flags": 0, **changes})
    assert known(works) != mended


async def test_a_person_clears_it_and_a_new_break_counts_anew(works: Works) -> None:
    cables, store = works.intake.cables, works.setup.store
    with pytest.raises(NotFoundError):
        await cables.clear("z01", "kim", store.audit)
    await hear(works, 10, **FLAGGED)
    await hear(works, 10, **TRYING)
    await cables.clear("z01", "kim", store.audit)
    assert not known(works)
    assert [(e.user, e.action, e.detail) for e in await store.audit.entries(0, 4e9)] == [("kim", "cable-mended", "z01")]
    await hear(works, 10, **TRYING)
    assert not known(works)
    await hear(works, 10, **FLAGGED)
    assert known(works)


async def test_what_cannot_be_recorded_stays(works: Works, tmp_path: Path) -> None:
    await hear(works, 10, **FLAGGED)
    closed = Store.open(tmp_path / "closed.db", works.setup.clock)
    await closed.close()
    with pytest.raises(StoreError):
        await works.intake.cables.clear("z01", "kim", closed.audit)
    assert known(works)


async def test_it_outlives_a_restart(store: Store, clock: ManualClock, background: Background) -> None:
    await store.alarms.raise_alarm(ALARM, "z01", "No current")
    await store.alarms.raise_alarm(ALARM, "z77", "of a zone that is no longer configured")
    setup = Setup(store, clock, background, 1)
    async with keep_alarms(store, clock, setup.metrics) as (alarms, _):
        setup.alarms = alarms
        works = Works(setup)
        await hear(works, 10, **TRYING)
        assert known(works)
        await hear(works, 10, **HEATS)
        assert not known(works)
    assert [alarm.subject for alarm in await store.alarms.open_alarms() if alarm.code == ALARM] == ["z77"]


def test_a_cable_that_only_we_remember_is_planned_for_so_that_the_board_tries_it_again(setup: Setup) -> None:
    zone = setup.live.zones["z01"]
    zone.sample, zone.online = ZoneSample("z01", 0, 0, 900, 0, 0, 0, 0, int(Winner.PLAN), 0), True
    BrokenCables(setup.live, setup.alarms)
    zone.cable_broken = True
    assert not zone.sample.flags & _OUT_OF_SERVICE
    assert zone.flags & Flag.CABLE_BROKEN


async def test_a_board_s_fault_that_ended_while_the_service_was_down_ends_its_alarm(
    store: Store, clock: ManualClock, background: Background
) -> None:
    for code in ("earth-fault", "latched"):
        await store.alarms.raise_alarm(code, "z01", "Heating is off")
        await store.alarms.raise_alarm(code, "z02", "Heating is off")
    setup = Setup(store, clock, background, 1)
    async with keep_alarms(store, clock, setup.metrics) as (alarms, _):
        setup.alarms = alarms
        works = Works(setup)
        await hear(works, 10, flags=0)
        assert works.alarm_codes() == [("earth-fault", "z02"), ("latched", "z02")]
