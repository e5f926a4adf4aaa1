"""Loops that are kept: what ends a run starts the next one, and only their cancellation ends them."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from supervisor.control.alarms import Alarm, Alarms
from supervisor.control.metrics import Metrics
from supervisor.domain.errors import StoreError
from supervisor.runtime.background import RESTART_MAX_S, WELL_S, Background
from supervisor.runtime.listeners import tell
from supervisor.runtime.pace import HANGS_LEAST_S, each
from supervisor.runtime.supervision import Parts
from tools import skipping

T0_UTC_S = 1_700_000_000.0


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


KINDS: tuple[BaseException, ...] = (
    ValueError("x"), KeyError("zone"), ZeroDivisionError(), RecursionError(), MemoryError(), OverflowError("big"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), OSError(28, "No space left on device"), TimeoutError(),
    StoreError("disk full"), StopAsyncIteration(), AssertionError(), ExceptionGroup("g", [ValueError()]),
    asyncio.CancelledError(), asyncio.InvalidStateError(), Unspeakable(),
)  # fmt: skip


class Bench:
    """Kept loops on virtual time, and what they report."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.alarms = Alarms(skipping.LoopClock(T0_UTC_S), self.metrics)
        self.background = Background(self.alarms, self.metrics.loop_restarts)
        self.changes: list[tuple[str, str, bool]] = []
        self.alarms.changed.append(self._changed)

    def _changed(self, alarm: Alarm) -> None:
        self.changes.append((alarm.code, alarm.subject, alarm.cleared_utc_s is None))

    def restarts(self, loop: str) -> float:
        return self.metrics.registry.get_sample_value("roadheat_loop_restarts_total", {"loop": loop}) or 0.0


def on_virtual_time(check: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        bench = Bench()
        async with bench.background:
            await check(bench)

    skipping.run(main())


@pytest.mark.parametrize("error", KINDS, ids=lambda error: type(error).__name__)
def test_a_loop_restarts_whatever_it_raises_with_an_alarm_that_clears(error: BaseException) -> None:
    async def check(bench: Bench) -> None:
        runs, others = 0, 0

        async def failing() -> None:
            nonlocal runs
            runs += 1
            if runs <= 3:
                raise error
            await asyncio.Event().wait()

        async def other() -> None:
            nonlocal others
            while True:
                await asyncio.sleep(1)
                others += 1

        kept = bench.background.keep("failing", failing)
        bench.background.keep("other", other)
        await asyncio.sleep(8)  # 1 + 2 + 4 s of pauses
        assert (runs, bench.restarts("failing")) == (4, 3)
        assert bench.changes == [("loop-failed", "failing", True)]
        await asyncio.sleep(2 * WELL_S + 1)
        assert bench.changes[1:] == [("loop-failed", "failing", False)]
        assert others >= 120
        assert bench.restarts("other") == 0
        assert not kept.done()

    on_virtual_time(check)


def test_a_loop_that_returns_or_fails_for_ever_is_tried_every_minute_in_the_end() -> None:
    async def check(bench: Bench) -> None:
        began: list[float] = []

        async def returns() -> None:
            began.append(asyncio.get_running_loop().time())

        bench.background.keep("short", returns)
        await asyncio.sleep(600)
        pauses = [b - a for a, b in itertools.pairwise(began)]
        assert [round(pause) for pause in pauses[:8]] == [1, 2, 4, 8, 16, 32, 60, 60]
        assert max(pauses) <= RESTART_MAX_S + 1
        assert bench.changes == [("loop-failed", "short", True)]

    on_virtual_time(check)


def test_a_failure_after_a_long_good_run_pauses_a_second_again() -> None:
    async def check(bench: Bench) -> None:
        began: list[float] = []

        async def hourly() -> None:
            began.append(asyncio.get_running_loop().time())
            await asyncio.sleep(3600)
            raise ValueError

        bench.background.keep("hourly", hourly)
        await asyncio.sleep(4 * 3600)
        assert [round(b - a) for a, b in itertools.pairwise(began)] == [3601, 3601, 3601]
        assert [stands for *_, stands in bench.changes] == [True, False] * 3

    on_virtual_time(check)


def test_a_loop_whose_rounds_are_long_counts_as_failing_until_a_round_is_over() -> None:
    async def check(bench: Bench) -> None:
        async def fails_in_each_round() -> None:
            await asyncio.sleep(900)
            raise ValueError

        bench.background.keep("plans", fails_in_each_round, 900.0)
        await asyncio.sleep(7200)
        assert bench.changes == [("loop-failed", "plans", True)]

    on_virtual_time(check)


def test_cancellation_ends_a_loop_also_one_that_swallows_it() -> None:
    async def check(bench: Bench) -> None:
        async def deaf() -> None:
            try:
                await asyncio.sleep(1e6)
            except asyncio.CancelledError:
                return

        kept = [bench.background.keep("deaf", deaf), bench.background.keep("polite", asyncio.Event().wait)]
        await asyncio.sleep(1)
        for task in kept:
            task.cancel()
        await asyncio.wait(kept)
        assert all(task.cancelled() for task in kept)
        assert bench.changes == []

    on_virtual_time(check)


def test_the_traceback_of_each_kind_of_failure_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def check(bench: Bench) -> None:
        count = 0

        async def failing() -> None:
            nonlocal count
            count += 1
            if count % 2:
                raise ValueError(f"number {count}")
            raise KeyError(count)

        bench.background.keep("failing", failing)
        await asyncio.sleep(500)
        assert count > 10

    with caplog.at_level(logging.ERROR):
        on_virtual_time(check)
    records = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(records) > 10
    assert sum(record.exc_info is not None for record in records) == 2


def test_parts_of_a_round_fail_alone_and_their_alarm_ends_with_the_next_good_one() -> None:
    async def check(bench: Bench) -> None:
        parts = Parts("watch", bench.alarms)
        done: list[str] = []

        async def full() -> None:
            raise StoreError("disk full")

        async def kept() -> None:
            done.append("kept")

        await parts.do("store", full)
        await parts.do("sync", lambda: done.append("sync"))
        await parts.do("kept", kept)
        assert done == ["sync", "kept"]
        assert bench.changes == [("loop-failed", "watch: store", True)]
        await parts.do("store", kept)
        assert bench.changes[1:] == [("loop-failed", "watch: store", False)]

    on_virtual_time(check)


def test_a_failing_listener_stops_no_other() -> None:
    heard: list[int] = []

    def broken(number: int) -> None:
        raise ZeroDivisionError

    tell([heard.append, broken, heard.append], "test", 7)
    assert heard == [7, 7]


def test_a_loop_that_hangs_in_its_round_is_alarmed_until_it_goes_on() -> None:
    async def check(bench: Bench) -> None:
        clock = skipping.LoopClock(T0_UTC_S)
        stuck = asyncio.Event()

        async def hanging() -> None:
            async for _ in each(clock, 60.0):
                await stuck.wait()

        async def well() -> None:
            async for _ in each(clock, 60.0):
                pass

        bench.background.keep("hanging", hanging)
        bench.background.keep("well", well)
        await asyncio.sleep(HANGS_LEAST_S)
        bench.background.look_for_hanging(clock.monotonic_s())
        assert bench.changes == []
        await asyncio.sleep(120)
        bench.background.look_for_hanging(clock.monotonic_s())
        assert bench.changes == [("loop-failed", "hanging (hangs)", True)]
        stuck.set()
        await asyncio.sleep(60)
        bench.background.look_for_hanging(clock.monotonic_s())
        assert bench.changes[-1] == ("loop-failed", "hanging (hangs)", False)

    on_virtual_time(check)
