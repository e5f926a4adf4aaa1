"""Real processes: what they plan, and what happens to those that are killed or stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module

import msgspec
import pytest

from supervisor.control import plan_pool
from supervisor.control.plan_pool import NICENESS, PlanPool
from supervisor.domain.plan import SLOT_S, PlanLabel
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.pipeline import PlanOutcome, plan_fleet
from supervisor.planner.tests.test_shares import city
from supervisor.runtime import work
from supervisor.runtime.process import OwnProcess

OTHERS = PlanLabel.OPTIMAL


@pytest.fixture
def inputs() -> PlanInputs:
    return city(2, 2)


@pytest.fixture
def pool(inputs: PlanInputs, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlanPool]:
    """Two processes that have imported what they need; nobody's patience ends because the machine is busy."""
    monkeypatch.setattr(plan_pool, "PATIENCE_S", 120.0)
    made = PlanPool(inputs.feeders, inputs.zones, processes=2)
    for group in range(2):
        process(made, group).submit(import_module, "supervisor.planner.shares").exception()
    yield made
    made.close()


def test_planners_yield_to_the_service(pool: PlanPool) -> None:
    assert os.getpriority(os.PRIO_PROCESS, pid(pool, 0)) == min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19)


async def outcomes(pool: PlanPool, inputs: PlanInputs) -> list[PlanOutcome]:
    return [outcome async for outcome in pool.plan(inputs)]


async def labels(pool: PlanPool, inputs: PlanInputs) -> dict[str, PlanLabel]:
    (outcome,) = await outcomes(pool, inputs)
    return {one.feeder: one.label for one in outcome.feeders}


def process(pool: PlanPool, group: int) -> OwnProcess:
    worker = pool._workers[group]
    assert isinstance(worker, OwnProcess)
    return worker


def pid(pool: PlanPool, group: int) -> int:
    return process(pool, group).process.pid or 0


def later(inputs: PlanInputs, last: PlanOutcome, slots: int = 1) -> PlanInputs:
    return replace(inputs, now_utc_s=inputs.now_utc_s + slots * SLOT_S, previous=last.plans)


async def test_each_group_has_its_own_process_and_plans_do_not_depend_on_it(pool: PlanPool, inputs: PlanInputs) -> None:
    (first,) = await outcomes(pool, inputs)
    assert msgspec.json.encode(first.plans) == msgspec.json.encode(plan_fleet(inputs).plans)
    pids = {pid(pool, 0), pid(pool, 1)}
    assert len(pids | {os.getpid()}) == 3
    (second,) = await outcomes(pool, later(inputs, first))
    alone = plan_fleet(later(inputs, first))
    assert msgspec.json.encode(second.plans) == msgspec.json.encode(alone.plans)
    assert {pid(pool, 0), pid(pool, 1)} == pids


async def test_killed_process_is_replaced_and_its_feeders_keep_their_last_plan(
    pool: PlanPool, inputs: PlanInputs
) -> None:
    (first,) = await outcomes(pool, inputs)
    now = later(inputs, first)
    process(pool, 0).submit(signal.pause)  # busy when it dies, so that what is asked next dies with it
    asked = asyncio.ensure_future(outcomes(pool, now))
    await asyncio.sleep(0)
    os.kill(pid(pool, 0), signal.SIGKILL)
    (outcome,) = await asked
    mine, other = pool.groups[0][0], pool.groups[1][0]
    found = {one.feeder: one.label for one in outcome.feeders}
    assert found == {mine: PlanLabel.SHIFTED, other: OTHERS}
    assert [error.code for error in outcome.errors] == ["planner-lost"]
    assert mine in str(outcome.errors[0])
    assert {plan.zone for plan in outcome.plans} == {zone.id for zone in inputs.zones}
    assert await labels(pool, later(inputs, outcome, 2)) == {mine: OTHERS, other: OTHERS}
    assert work.pending == 0


async def test_stopped_process_delays_nobody_and_is_ended(
    pool: PlanPool, inputs: PlanInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = await outcomes(pool, inputs)
    monkeypatch.setattr(plan_pool, "PATIENCE_S", 0.5)
    pool._timeout_s = 6.0
    stopped = process(pool, 1)
    was = pid(pool, 1)
    os.kill(was, signal.SIGSTOP)
    early, late = await outcomes(pool, later(inputs, first))
    assert [one.label for one in early.feeders] == [OTHERS]
    assert [one.label for one in late.feeders] == [PlanLabel.SHIFTED]
    assert "no answer" in str(late.errors[0])
    async with asyncio.timeout(30):
        while stopped.process.exitcode is None:  # noqa: ASYNC110 (the executor's thread may hear of it first)
            await asyncio.sleep(0.05)
    assert stopped.process.exitcode == -signal.SIGKILL
    assert pid(pool, 1) != was
    assert work.pending == 0


async def test_processes_keep_to_one_thread_and_the_service_keeps_its_environment(pool: PlanPool) -> None:
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    told = await asyncio.wrap_future(process(pool, 0).submit(os.getenv, "OPENBLAS_NUM_THREADS"))
    assert told == "1"
    assert os.environ.get("OPENBLAS_NUM_THREADS") == before


def test_there_are_never_more_processes_than_feeders(inputs: PlanInputs) -> None:
    made: list[int] = []

    def none() -> OwnProcess:
        made.append(1)
        return None  # type: ignore[return-value]

    PlanPool(inputs.feeders, inputs.zones, 8, none)
    assert len(made) == 2
    PlanPool(inputs.feeders, inputs.zones, 1, none)
    assert len(made) == 3
