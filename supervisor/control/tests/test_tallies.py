"""Counts by local day: kept every minute, over midnight, and not lost where the record fails for a while."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from supervisor.control.tallies import KINDS_MAX, Tallies
from supervisor.control.tests.conftest import Setup
from supervisor.domain.errors import StoreError


async def rows(setup: Setup) -> list[Any]:
    found: list[Any] = await setup.store.read(lambda db: db.execute("SELECT * FROM tally_day").fetchall())
    return found


async def test_they_add_up_by_local_day(setup: Setup) -> None:
    tallies = Tallies(setup.store.tally, setup.clock, ZoneInfo("Asia/Seoul"))
    await tallies.look()
    for _ in range(3):
        tallies.count("open_data get csv")
    await tallies.look()
    tallies.count("open_data get csv")
    await tallies.look()  # within the minute: not yet
    assert await rows(setup) == [("2023-12-29", "open_data get csv", 3)]
    setup.clock.advance(60)
    await tallies.look()
    assert await rows(setup) == [("2023-12-29", "open_data get csv", 4)]
    setup.clock.advance(15 * 3600)  # it was 9 o'clock in Seoul
    tallies.count("platform delivered")
    await tallies.look()
    assert (await rows(setup))[1:] == [("2023-12-30", "platform delivered", 1)]


async def test_a_record_that_fails_loses_none_and_memory_is_bounded(setup: Setup) -> None:
    class Failing:
        async def add(self, day: str, counts: Any) -> None:
            raise StoreError("disk full", where="x")

    failing: Any = Failing()
    tallies = Tallies(failing, setup.clock, ZoneInfo("Asia/Seoul"))
    tallies.count("a")
    with pytest.raises(StoreError):
        await tallies.look()
    tallies.count("a")
    tallies._repository = setup.store.tally
    setup.clock.advance(60)
    await tallies.look()
    assert await rows(setup) == [("2023-12-29", "a", 2)]
    for number in range(2 * KINDS_MAX):
        tallies.count(f"kind {number}")
    assert len(tallies._counts) == KINDS_MAX
