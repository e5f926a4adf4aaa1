"""The planner's processes: each plans its own feeders, for as long as it lives.

A group of feeders stays with its process, and with it what a cycle starts from (`planner.shares.Planner`). A process
that dies or stops answering is ended and replaced; its feeders continue their last plan, labelled, and the
others' plans do not wait for it longer than `PATIENCE_S`. Nothing here is awaited by an override or a board.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Sequence, Set
from concurrent.futures import BrokenExecutor, Executor

from supervisor.domain.errors import PlanError, RoadheatError
from supervisor.domain.override import Override
from supervisor.domain.zone import Feeder, Zone
from supervisor.planner.inputs import PlanInputs
from supervisor.planner.pipeline import PlanOutcome, keep_all
from supervisor.planner.preview import FeederPreview, preview
from supervisor.planner.shares import Group, Parts, group_feeders, merge, plan_as, shares
from supervisor.runtime.process import OwnProcess, cores
from supervisor.runtime.work import in_thread

logger = logging.getLogger(__name__)


TIMEOUT_S = 300.0  # a planner that stopped answering; its own limit per feeder is far below
PATIENCE_S = 20.0  # finished plans wait that long for the rest; longer than any stretch that lock-step grants

# A plan of thousands of roads keeps every core busy for a minute: with the service's own niceness a board's answer then
# waited for seconds. A planner alone on a core is as fast as before.
NICENESS = 10
PREVIEW_S = 10.0  # the app does not wait longer than two; a whole city takes some seconds

_pools = itertools.count()


def make_executor() -> Executor:
    """A planner's process. It yields to the service, which boards and people wait for."""
    return OwnProcess(NICENESS)


class PlanPool:
    """Plans each group of feeders in its own process and merges the answers."""

    def __init__(
        self,
        feeders: Sequence[Feeder],
        zones: Sequence[Zone],
        processes: int = 0,
        executor: Callable[[], Executor] = make_executor,
        timeout_s: float | None = None,
    ) -> None:
        """`processes` 0: as many as there are cores, at most one for each feeder."""
        self.groups = group_feeders(feeders, zones, processes or cores())
        # Asked share by share: while a message is packed or unpacked, some 50 µs a zone, the service does nothing else.
        self._shares = [tuple(shares(set(group), feeders, zones)) for group in self.groups]
        self._make = executor
        self._timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
        self._number = next(_pools)
        self._workers = [executor() for _ in self.groups]

    async def plan(self, inputs: PlanInputs, feeders: Set[str] | None = None) -> AsyncIterator[PlanOutcome]:
        """Outcomes that together hold a plan for every zone: one for all groups, unless some take over `PATIENCE_S`.

        `feeders`: only the shares that hold one of them. Never raises for what happens in a planner.
        """
        parts = Parts(inputs)
        wanted = [
            [share for share in group if feeders is None or not feeders.isdisjoint(share)] for group in self._shares
        ]
        asked = [
            asyncio.ensure_future(self._plan_shares(i, shares, inputs, parts))
            for i, shares in enumerate(wanted)
            if shares
        ]
        if not asked:
            return
        try:
            _, waiting = await asyncio.wait(asked, timeout=PATIENCE_S)
            if done := [task.result() for task in asked if task not in waiting]:
                yield merge(inputs, done)
            for late in (task for task in asked if task in waiting):
                yield merge(inputs, [await late])
        finally:
            for task in asked:
                task.cancel()

    async def preview(self, inputs: PlanInputs, wanted: Sequence[Override]) -> list[FeederPreview]:
        """What overrides that are not made yet would do, by feeder; see `planner.preview`.

        Raises PlanError where there is no answer within `PREVIEW_S`, as while the planner plans or without a forecast.
        """
        zones = {override.zone for override in wanted}
        feeders = {zone.feeder for zone in inputs.zones if zone.id in zones}
        asked, parts = [], Parts(inputs)
        for worker, group in zip(self._workers, self.groups, strict=True):
            if mine := feeders & set(group):
                part = parts.of(mine)
                here = [override for override in wanted if override.zone in {zone.id for zone in part.zones}]
                asked.append(in_thread(worker, preview, part, here))
        try:
            async with asyncio.timeout(PREVIEW_S):
                found = await asyncio.gather(*asked)
        except RoadheatError:
            raise
        except Exception as error:  # a planner that dies is replaced when it is next asked for a plan
            reason = str(error) or f"no answer in {PREVIEW_S:g} s"
            raise PlanError(reason, where="preview", remedy="The command can be sent without it") from error
        return [one for part in found for one in part]

    async def _plan_shares(self, group: int, wanted: Sequence[Group], inputs: PlanInputs, parts: Parts) -> PlanOutcome:
        """Shares of a group, one after the other."""
        outcomes = [await self._ask(group, share, parts.of(share)) for share in wanted]
        return outcomes[0] if len(outcomes) == 1 else merge(inputs, outcomes)

    async def _ask(self, group: int, share: Group, inputs: PlanInputs) -> PlanOutcome:
        worker = self._workers[group]
        try:
            async with asyncio.timeout(self._timeout_s):
                return await in_thread(worker, plan_as, (self._number, group), inputs)
        except (BrokenExecutor, TimeoutError) as error:
            problem = str(error) or f"no answer in {self._timeout_s:g} s"
            self._workers[group] = self._make()
            end(worker)
        except Exception as error:  # a defect in the planner must not stop the heating
            problem = str(error) or type(error).__name__
            logger.error("planner failed", exc_info=error)
        names = ", ".join(share)
        logger.error("planner of %s: %s", names, problem)
        return keep_all(inputs, PlanError(problem, where=f"planner of {names}", code="planner-lost"))

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            end(worker)


def end(worker: Executor) -> None:
    if isinstance(worker, OwnProcess):
        worker.end()
    else:
        worker.shutdown(wait=False, cancel_futures=True)
