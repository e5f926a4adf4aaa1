"""Closings, time on and power when full on, by local day, from live samples."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from supervisor.control.circuit_wear import CircuitWear
from supervisor.control.tests.conftest import Setup
from supervisor.domain.errors import StoreError
from supervisor.store import health
from supervisor.wire.messages import Flag, ZoneSample


def sample(on_s: int, power_w: int = 60_000, flags: int = 0) -> ZoneSample:
    return ZoneSample("z01", 1_000, 5_000, 300, on_s, power_w, 0, 1000, 4, flags)


async def rows(setup: Setup) -> list[health.WearDay]:
    found: list[health.WearDay] = await setup.store.read(lambda db: health.wear(db, "", "9999"))
    return found


async def test_closings_time_and_power_of_whole_intervals(setup: Setup) -> None:
    wear = CircuitWear(setup.store.health, setup.clock, ZoneInfo("Asia/Seoul"))
    wear.hear(sample(10), 10)  # what was before the service started is not known: no closing
    for on_s in (10, 4, 0, 0, 6, 10, 10):  # off within the third, on again within the sixth
        wear.hear(sample(on_s), 10)
    wear.hear(sample(10, flags=Flag.METER_SILENT), 10)  # its power is the rated one, not measured
    await wear.look()
    assert await rows(setup) == []
    setup.clock.advance(600)
    await wear.look()
    assert await rows(setup) == [health.WearDay("2023-12-29", "z01", 1, 60, 40, 40 * 60_000)]
    wear.hear(sample(0), 10)
    wear.hear(sample(10, 58_000), 10)
    setup.clock.advance(600)
    await wear.look()
    assert await rows(setup) == [health.WearDay("2023-12-29", "z01", 2, 70, 50, 40 * 60_000 + 10 * 58_000)]


async def test_a_record_that_fails_loses_none(setup: Setup) -> None:
    class Failing:
        async def add_wear(self, day: str, wear: Any) -> None:
            raise StoreError("disk full", where="x")

    failing: Any = Failing()
    wear = CircuitWear(failing, setup.clock, ZoneInfo("Asia/Seoul"))
    wear.hear(sample(10), 10)
    setup.clock.advance(600)
    with pytest.raises(StoreError):
        await wear.look()
    wear.hear(sample(10), 10)
    wear._repository = setup.store.health
    setup.clock.advance(600)
    await wear.look()
    assert (await rows(setup))[0].on_s == 20
