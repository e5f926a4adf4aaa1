"""*Electric danger: all off*, for a zone or a whole feeder, until two different people have cleared it.

Switching off waits neither for fresh data nor for the disk. `keep_off` sends it to the boards.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable

import msgspec

from supervisor.control.alarms import Alarms
from supervisor.control.dispatch import Dispatcher
from supervisor.control.keep_off import OFF_S, KeepOff
from supervisor.control.live import LiveState
from supervisor.control.overrides import Overrides
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.danger import Danger, DangerKind
from supervisor.domain.errors import NotFoundError, RoadheatError, StoreError
from supervisor.runtime.clock import Clock
from supervisor.runtime.pace import each
from supervisor.store import danger as kept
from supervisor.store import journal
from supervisor.store.danger import DangerRepository

logger = logging.getLogger(__name__)

ALARM = AlarmCode.ELECTRIC_DANGER
LOOK_EACH_S = 5.0


class Dangers:
    """The use cases. `changed` is called with a danger that was raised, cleared by one, or is over."""

    def __init__(
        self,
        store: DangerRepository,
        live: LiveState,
        overrides: Overrides,
        dispatcher: Dispatcher | None,
        alarms: Alarms | None,
        clock: Clock,
    ) -> None:
        """`dispatcher` and `alarms` are None where no board is served: dangers are stored and shown only."""
        self._store = store
        self._live = live
        self._overrides = overrides
        self._off = KeepOff(live, overrides, dispatcher, clock)
        self._alarms = alarms
        self._clock = clock
        self._standing: dict[tuple[str, str], Danger] = {}
        self._newest_id = -1
        self._clearing = asyncio.Lock()  # so that of two simultaneous clearances one is the second
        self.changed: list[Callable[[Danger], None]] = []

    async def load(self) -> None:
        """Load dangers that stand, and those cleared while a board was away."""
        now = self._clock.utc_s()
        self._newest_id = await self._store.newest_id()
        for danger in await self._store.since(now - OFF_S):
            if danger.stands:
                self._hold(danger)
            elif danger.confirmed_utc_s is not None:
                for zone_id in self.zones(danger.kind, danger.subject):
                    self._off.was_over(zone_id, now - danger.confirmed_utc_s)

        subjects = {danger.subject for danger in self._standing.values()}
        if self._alarms is not None:
            for alarm in self._alarms.standing():
                if alarm.code == ALARM and alarm.subject not in subjects:
                    self._alarms.set(ALARM, alarm.subject, False)

    def standing(self) -> list[Danger]:
        """Dangers not cleared by two people yet, oldest first."""
        return list(self._standing.values())

    def zones(self, kind: DangerKind, subject: str) -> list[str]:
        """Ids of the zones that a danger is about; none where the configuration no longer has them."""
        zones = self._live.zones.values()
        if kind is DangerKind.FEEDER:
            return [zone.zone.id for zone in zones if zone.zone.feeder == subject]
        return [zone.zone.id for zone in zones if zone.zone.id == subject]

    async def report(self, kind: DangerKind, subject: str, user: str) -> Danger:
        """Switch everything concerned off, now. A repeated report only withdraws a first clearance.

        Raises NotFoundError for an unknown zone or feeder.
        """
        self._require(kind, subject)
        now = int(self._clock.utc_s())
        danger = self._standing.get((kind.value, subject))
        if danger is None:
            number = await self._new_id()
            danger = self._standing.get((kind.value, subject))  # two at once are one
            if danger is None:
                danger = Danger(id=number, kind=kind, subject=subject, user=user, raised_utc_s=now)
                return await self._record_late(danger, now, user, "danger")
        if danger.cleared_by is not None:
            danger = msgspec.structs.replace(danger, cleared_by=None, cleared_utc_s=None)
            return await self._record_late(danger, now, user, "danger-again")
        await self._overrides.late.flush_soon()
        return self._standing.get((kind.value, subject), danger)

    async def clear(self, kind: DangerKind, subject: str, user: str) -> Danger:
        """One of two people reports that the danger is over. The same person twice counts once.

        Raises NotFoundError where none stands, StoreError where it could not be recorded: then it stands.
        """
        async with self._clearing:
            late = self._overrides.late
            if not await late.flush() and late.error is not None:
                raise late.error
            danger = self._standing.get((kind.value, subject))
            if danger is None:
                raise NotFoundError("no electric danger stands here", where=subject[:80], code="no-danger")
            if danger.cleared_by == user:
                return danger
            now = int(self._clock.utc_s())
            if danger.cleared_by is None:
                cleared = msgspec.structs.replace(danger, cleared_by=user, cleared_utc_s=now)
            else:
                cleared = msgspec.structs.replace(danger, confirmed_by=user, confirmed_utc_s=now)
            await self._store.write_safety(_record(cleared, now, user, "danger-cleared"))
            held = self._standing.get((kind.value, subject))
            if held != danger:  # reported again while this was being recorded
                return held or cleared
            self._hold(cleared)
        self._tell(cleared)
        return cleared

    async def run(self) -> None:
        """Renew and show what boards do, until cancelled."""
        async for _ in each(self._clock, LOOK_EACH_S):
            try:
                self._off.look()
            except RoadheatError as error:
                logger.error("electric danger: %s", error)

    def _require(self, kind: DangerKind, subject: str) -> None:
        if not self.zones(kind, subject):
            raise NotFoundError(
                f"unknown {kind.value}",
                where=subject[:80],
                remedy="GET /api/v1/zones lists zones with their feeders",
                code=f"unknown-{kind.value}",
            )

    async def _new_id(self) -> int:
        if self._newest_id < 0:
            try:
                newest = await self._store.newest_id()
            except StoreError:
                newest = max((danger.id for danger in self._standing.values()), default=0)
            self._newest_id = max(self._newest_id, newest)
        self._newest_id += 1
        return self._newest_id

    async def _record_late(self, danger: Danger, now: int, user: str, action: str) -> Danger:
        """Act first, record as soon as the disk takes it."""
        key = (danger.kind.value, danger.subject)
        danger = msgspec.structs.replace(danger, recorded=False)
        self._hold(danger)
        self._overrides.late.add(_record(danger, now, user, action), lambda: self._recorded(key, danger))
        self._tell(danger)
        await self._overrides.late.flush_soon()
        return self._standing.get(key, danger)

    def _recorded(self, key: tuple[str, str], danger: Danger) -> None:
        held = self._standing.get(key)
        if held is not None and held.id == danger.id and not held.recorded:
            self._hold(msgspec.structs.replace(held, recorded=True))

    def _hold(self, danger: Danger) -> None:
        """Show a danger as it is now, and update its zones."""
        key = (danger.kind.value, danger.subject)
        if danger.stands:
            self._standing[key] = danger
        else:
            self._standing.pop(key, None)
        if self._alarms is not None:
            text = f"Electric danger reported by {danger.user}: all off until two people clear it. Touch nothing"
            stands = any(one.subject == danger.subject for one in self._standing.values())
            self._alarms.set(ALARM, danger.subject, stands, text)
        for zone_id in self.zones(danger.kind, danger.subject):
            zone = self._live.zones[zone_id]
            was = bool(zone.dangers)
            zone.dangers = tuple(one for one in self._standing.values() if zone_id in self.zones(one.kind, one.subject))
            if zone.dangers and not was:
                self._off.begin(zone_id)
            elif was and not zone.dangers:
                self._off.end(zone_id)
            self._live.touch(zone_id)

    def _tell(self, danger: Danger) -> None:
        logger.warning("electric danger at %s %s: %s", danger.kind.value, danger.subject, _word(danger))
        for listener in self.changed:
            listener(danger)


def _word(danger: Danger) -> str:
    if not danger.stands:
        return f"over, cleared by {danger.cleared_by} and {danger.confirmed_by}"
    return f"cleared by {danger.cleared_by}" if danger.cleared_by else f"reported by {danger.user}, all off"


def _record(danger: Danger, utc_s: int, user: str, action: str) -> Callable[[sqlite3.Connection], None]:
    def record(db: sqlite3.Connection) -> None:
        kept.put(db, danger)
        journal.append_audit(db, utc_s, user, action, f"{danger.id} {danger.kind.value} {danger.subject}")

    return record
