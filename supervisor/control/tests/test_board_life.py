"""What boards say of their age reaches metrics and the record, each board of its own zones only."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo

import msgspec
import pytest

from supervisor.control.board_life import DAY_S, BoardLife
from supervisor.control.tests.conftest import START_UTC_S, Setup, greet
from supervisor.store.health import lives
from supervisor.wire.messages import Life, Telemetry, ZoneSample


def frame(*zones: str, lk: tuple[int, ...] = (), wr: tuple[Life, ...] = ()) -> Telemetry:
    samples = tuple(ZoneSample(zone, 1_500, 2_000, 300, 0, 0, 0, 0, 0, 0) for zone in zones)
    return Telemetry(3, 1, int(START_UTC_S), 100, 10, 0, samples, lk, wr)


@pytest.fixture
def wear(setup: Setup) -> BoardLife:
    seoul = ZoneInfo("Asia/Seoul")
    return BoardLife(setup.live.zones, setup.metrics, setup.store, setup.clock, seoul, setup.background)


async def told(setup: Setup, kind: str) -> list[str]:
    """Details of the events of that kind, once all are kept."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "event"))
    return [event.detail for event in await setup.store.events.happened(0, 2**40, kind)]


def value(setup: Setup, name: str, zone: str) -> float | None:
    return setup.metrics.registry.get_sample_value(name, {"zone": zone})


async def test_metrics_and_one_event_a_day(setup: Setup, wear: BoardLife) -> None:
    for minute in range(3):
        wear.shown("b01", frame("z01", lk=(4 + minute,)))
        wear.shown("b01", frame("z01", lk=(2,), wr=(Life(1_000 + minute, 70),)))
    assert value(setup, "roadheat_leakage_milliamperes", "z01") == 2
    assert value(setup, "roadheat_contactor_switchings", "z01") == 1_002
    assert value(setup, "roadheat_contactor_on_hours", "z01") == 70
    assert await told(setup, "contactor-life") == ["1000 switchings, 70 h on, leakage up to 4 mA"]
    setup.clock.advance(DAY_S)
    wear.shown("b01", frame("z01", wr=(Life(1_090, 80),)))
    assert "1090 switchings, 80 h on, leakage up to 6 mA" in await told(setup, "contactor-life")
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "life of a contactor"))
    kept = await setup.store.read(lives)
    assert [(one.zone, one.switchings, one.on_h) for one in kept] == [("z01", 1_000, 70), ("z01", 1_090, 80)]
    assert kept[0].day < kept[1].day


async def test_another_boards_zone_or_none_changes_nothing(setup: Setup, wear: BoardLife) -> None:
    wear.shown("b99", frame("z01", lk=(9,), wr=(Life(9, 9),)))
    wear.shown("b01", frame("nowhere", lk=(9,), wr=(Life(9, 9),)))
    wear.shown("b01", frame("z01", lk=(-1,)))
    wear.shown("b01", frame("z01", lk=(-1, 5, 6, 7)))
    assert value(setup, "roadheat_leakage_milliamperes", "z01") is None
    assert value(setup, "roadheat_contactor_switchings", "z01") is None


async def test_a_crash_is_told_once(setup: Setup, wear: BoardLife) -> None:
    for error in ("", "OSError: 28", "OSError: 28", "MemoryError:"):
        wear.greeted(msgspec.structs.replace(greet("b01"), cr=error))
    assert sorted(await told(setup, "board-crash")) == ["MemoryError:", "OSError: 28"]
    wear.greeted(msgspec.structs.replace(greet("b02"), cr="OSError: 5"))
    assert len(await told(setup, "board-crash")) == 2, "of before our start, perhaps"
