"""Ploughed and salted: what a crew has done on roads is recorded, and the estimate, and with it the plan, follows."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from supervisor.control.live import LiveState
from supervisor.domain.errors import CommandError, NotFoundError
from supervisor.domain.road_work import Agent, RoadWork, WorkKind
from supervisor.road import State, plough, spread_salt
from supervisor.road.work import AMOUNT_G_M2, add_snow, as_nacl_g_m2
from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell
from supervisor.store.road_work import RoadWorkRepository

logger = logging.getLogger(__name__)

SHOWN_S = 12 * 3600.0  # a shift; what was done before is in the history
TAKE_BACK_S = 3600.0  # a slip of the finger is seen within the hour; later the snow that fell is not known apart
Change = Callable[[State, list[int]], State]


class Estimate(Protocol):
    """The part of the estimate that is used."""

    def effect(self, zone: str, change: Change) -> tuple[float, float]: ...

    async def worked(self, zones: Iterable[str], change: Change) -> None: ...


class RoadWorks:
    """The use cases. `changed` is called with a work that was reported or taken back."""

    def __init__(self, store: RoadWorkRepository, live: LiveState, estimate: Estimate | None, clock: Clock) -> None:
        """Without an estimate works are stored and shown only."""
        self._store = store
        self._live = live
        self._estimate = estimate
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()  # so that each sees what the one before has left
        self.changed: list[Callable[[RoadWork], object]] = []

    async def load(self) -> None:
        """Show what was done in the last hours; the stored estimate knows of it already."""
        now = self._clock.utc_s()
        for work in reversed(await self._store.between(None, now - SHOWN_S, now + 1)):
            if work.zone in self._live.zones:
                self._show(work)

    async def report(
        self, zones: Sequence[str], kind: WorkKind, user: str, agent: Agent | None = None, amount: float | None = None
    ) -> list[RoadWork]:
        """A person has ploughed or salted these zones; `amount` [g/m²] of `agent`, None where not known.

        Recorded for all of them, or for none. Raises NotFoundError for an unknown zone, CommandError for an amount that
        makes no sense, StoreError where it could not be recorded (then nothing has changed).
        """
        zones = list(dict.fromkeys(zones))
        self._check(zones, kind, agent, amount)
        if kind is WorkKind.SALTED and agent is None:
            agent = Agent.CALCIUM_CHLORIDE  # what most of Seoul's roads get, and the weaker of the two
        change = _change(kind, agent, amount)
        async with self._one_at_a_time:
            now, works = int(self._clock.utc_s()), []
            for zone in zones:
                removed, salt = self._estimate.effect(zone, change) if self._estimate is not None else (0.0, 0.0)
                works.append(
                    RoadWork(id=0, zone=zone, kind=kind, user=user, utc_s=now, agent=agent, amount_g_m2=amount,
                             removed_mm=round(removed, 3), salt_g_m2=round(salt, 3))
                )  # fmt: skip
            works = await self._store.add(works)
            await self._follow(works, change)
        return works

    async def take_back(self, number: int, user: str) -> RoadWork:
        """It was not so, or another road: snow and salt are as if it had not been reported.

        Raises NotFoundError, CommandError an hour later, StoreError.
        """
        async with self._one_at_a_time:
            work = next((work for zone in self._live.zones.values() for work in zone.works if work.id == number), None)
            if work is None:
                raise NotFoundError("no such work", where=str(number), remedy="It may be too old", code="no-work")
            if work.taken_back_utc_s is not None:
                return work
            if self._clock.utc_s() - work.utc_s > TAKE_BACK_S:
                raise CommandError("too late", where="work", remedy="It can be taken back for an hour")
            work = await self._store.take_back(work, user)
            await self._follow([work], _undo(work))
        return work

    def _check(self, zones: list[str], kind: WorkKind, agent: Agent | None, amount: float | None) -> None:
        for zone in zones:
            if zone not in self._live.zones:
                raise NotFoundError(
                    "unknown zone", where=zone[:80], remedy="Choose zones from the list", code="unknown-zone"
                )
        if not zones:
            raise CommandError("no zone", where="zones", remedy="Choose at least one")
        if kind is WorkKind.PLOUGHED and (agent is not None or amount is not None):
            raise CommandError(
                "ploughing spreads nothing", where="amount_g_m2", remedy="Leave out agent and amount"
            )  # fmt: skip
        least, most = AMOUNT_G_M2
        if amount is not None and not (math.isfinite(amount) and least <= amount <= most):
            raise CommandError(
                f"{amount:g} g/m²", where="amount_g_m2", remedy=f"Give {least:g} to {most:g} g/m², or nothing"
            )

    async def _follow(self, works: Sequence[RoadWork], change: Change) -> None:
        """What is on record counts in the estimate, and is shown."""
        for work in works:
            self._show(work)
        if self._estimate is not None:
            await self._estimate.worked([work.zone for work in works], change)
        for work in works:
            logger.info("%s: %s by %s", work.zone, work.kind, work.user)
            tell(self.changed, "road work", work)

    def _show(self, work: RoadWork) -> None:
        live, since = self._live.zones[work.zone], self._clock.utc_s() - SHOWN_S
        others = (one for one in live.works if one.id != work.id and one.utc_s >= since)
        live.works = tuple(sorted((work, *others), key=lambda one: one.id, reverse=True))
        self._live.touch(work.zone)


def _change(kind: WorkKind, agent: Agent | None, amount: float | None) -> Change:
    if kind is WorkKind.PLOUGHED or agent is None:
        return plough
    salt = as_nacl_g_m2(agent, amount)
    return lambda state, lanes: spread_salt(state, lanes, salt)


def _undo(work: RoadWork) -> Change:
    if work.kind is WorkKind.PLOUGHED:
        return lambda state, lanes: add_snow(state, lanes, work.removed_mm)
    return lambda state, lanes: spread_salt(state, lanes, -work.salt_g_m2)
