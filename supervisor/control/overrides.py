"""A person's command for a zone: checked, committed, then answered; its way to the board is `dispatch`'s.

An override always ends: by its expiry, by a cancel, or because a newer one for the same zone takes its place (the
newest wins). The board holds the same expiry on its own clock, so it ends there without the supervisor too.

ON and BOOST are committed before they are sent. OFF, and the end of ON and BOOST, are safety commands: they go to the
board first and are recorded as soon as the disk takes them (`late`). Under electric danger a zone takes neither ON nor
a cancel.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable

import msgspec

from supervisor.control.late import LateRecord
from supervisor.control.live import LiveState
from supervisor.control.override_rules import checked, goes_on
from supervisor.domain.errors import CommandError, NotFoundError, StoreError
from supervisor.domain.override import LIVE_STATES, Override, OverrideMode, OverrideState
from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell
from supervisor.store import journal
from supervisor.store.commands import OverrideRepository

LOOK_BACK_S = 86_400  # longer than any override lasts
DANGER = "electric-danger"  # code of the refusal
DANGER_LASTS_S = 2 * 86_400  # longer than a plan's horizon


class Overrides:
    """The use cases. `changed` is called after each commit, with the override as it is now."""

    def __init__(self, store: OverrideRepository, live: LiveState, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock
        self._by_id: dict[int, Override] = {}
        self._ends_s: dict[int, float] = {}  # monotonic: setting the machine's clock prolongs no override
        self._newest_id = -1
        self._late_of: Counter[int] = Counter()  # override → its records that wait
        self._committing = asyncio.Lock()  # so that states are committed in the order in which they are shown
        self.late = LateRecord(store)
        self.changed: list[Callable[[Override], None]] = []
        # Called with an override that another person has ended, that person, and what came in its place (None: nothing)
        self.displaced: list[Callable[[Override, str, Override | None], object]] = []

    async def load(self) -> None:
        """Take up what was live when the service last ran; what expired meanwhile ends now."""
        now = self._clock.utc_s()
        self._newest_id = await self._store.newest_id()
        for override in await self._store.made(None, now - LOOK_BACK_S, now + 1):
            self._hold(override)
        for override in await self._store.live(0):
            self._hold(override)
        await self.expire()

    def live_for(self, zone_id: str) -> Override | None:
        """The override that commands the zone now."""
        held = self._live.zones[zone_id].override
        return held if held is not None and held.state in LIVE_STATES and self.left_s(held) > 0 else None

    def dictated(self, zone_id: str) -> Override | None:
        """What people dictate there now: nothing but OFF under electric danger, else the live override."""
        dangers = self._live.zones[zone_id].dangers
        if not dangers:
            return self.live_for(zone_id)
        return Override(
            id=0,
            zone=zone_id,
            mode=OverrideMode.OFF,
            reason=DANGER,
            user=dangers[0].user,
            created_utc_s=dangers[0].raised_utc_s,
            expires_utc_s=int(self._clock.utc_s()) + DANGER_LASTS_S,
        )

    def left_s(self, override: Override) -> float:
        """Seconds until its expiry, by whichever clock comes first."""
        by_utc = override.expires_utc_s - self._clock.utc_s()
        return min(by_utc, self._ends_s.get(override.id, float("inf")) - self._clock.monotonic_s())

    def ended_early(self, zone_id: str) -> Override | None:
        """The newest override that a person ended before its expiry: a board that was away may still follow it."""
        ended = (o for o in self._by_id.values() if o.zone == zone_id and o.state is OverrideState.CANCELLED)
        return max((o for o in ended if self.left_s(o) > 0), key=lambda o: o.id, default=None)

    def get(self, override_id: int) -> Override:
        """An override that is live or ended since the service started; raises NotFoundError."""
        try:
            return self._by_id[override_id]
        except KeyError:
            raise NotFoundError("unknown override", where=str(override_id), remedy="It may have ended") from None

    async def request(
        self, zone: str, mode: str, minutes: int, reason: str, user: str, audit: str | None = None
    ) -> Override:
        """Command a zone for a time. `audit`: what the audit log says instead of this zone's own line; "": nothing.

        Returns the override, committed; an OFF that could not be committed yet has `recorded` false. Raises
        NotFoundError for an unknown zone, CommandError for a mode, duration or reason that is not allowed and for ON
        under electric danger, StoreError where an ON or BOOST could not be recorded (then nothing is commanded).
        """
        if zone not in self._live.zones:
            raise NotFoundError("unknown zone", where=zone, remedy="Choose a zone from the list")
        reason = checked(mode, minutes, reason, self._live.zones[zone].zone.longest_override_min)
        if mode != OverrideMode.OFF:
            self._require_no_danger(zone)
        now = int(self._clock.utc_s())
        override = Override(
            id=await self._new_id(),
            zone=zone,
            mode=OverrideMode(mode),
            reason=reason,
            user=user,
            created_utc_s=now,
            expires_utc_s=now + minutes * 60,
        )

        def record(db: sqlite3.Connection) -> None:
            self._store.add(db, override)
            if audit != "":
                own = f"{override.id} {zone} {mode} {minutes} min: {reason}"
                journal.append_audit(db, now, user, "override", audit or own)

        if override.mode is OverrideMode.OFF:
            self._begin(self._late(override, record))
            await self.late.flush_soon()
            return self.get(override.id)
        await self._record_now(record)
        newest = self._live.zones[zone].override
        if (newest is not None and newest.id > override.id) or self._live.zones[zone].dangers:
            return self._end(override, OverrideState.CANCELLED)  # overtaken while it was being recorded
        self._begin(override)
        return override

    async def cancel(self, override_id: int, user: str) -> Override:
        """End an override now; ending one that has ended already changes nothing.

        Raises NotFoundError, CommandError under electric danger, and StoreError where the end of an OFF could not be
        recorded (then it stays off).
        """
        override = self.get(override_id)
        if override.state not in LIVE_STATES:
            return override
        self._require_no_danger(override.zone)
        now = int(self._clock.utc_s())

        def record(db: sqlite3.Connection) -> None:
            journal.append_audit(db, now, user, "cancel", f"{override.id} {override.zone}")
            self._store.update(db, override.id, OverrideState.CANCELLED, now)

        ended = msgspec.structs.replace(override, state=OverrideState.CANCELLED)
        if override.mode is OverrideMode.OFF:  # back to heat: recorded first, if need be in the space set aside
            await self._record_now(record, safety=True)
        else:
            ended = self._late(ended, record)
        self._hold(ended)
        self._tell(ended)
        if override.user != user:
            tell(self.displaced, "override ended", override, user, None)
        await self.late.flush_soon()
        return self.get(override_id)

    async def advance(self, override_id: int, state: OverrideState) -> Override:
        """Show a new state and commit it: an end and the steps of an OFF in that order, the others once committed.

        What has ended stays ended; what was measured is not merely sent. Raises StoreError.
        """
        override = self.get(override_id)
        if state not in LIVE_STATES or override.mode is OverrideMode.OFF:
            if not goes_on(override, state):
                return override
            self._end(override, state)
            await self.late.flush_soon()
            return self._by_id.get(override_id, override)
        async with self._committing:
            if not goes_on(self.get(override_id), state):
                return self.get(override_id)
            await self._store.set_state(override_id, state)
            override = self.get(override_id)
            if not goes_on(override, state):  # it ended while this was being committed
                return override
            override = msgspec.structs.replace(override, state=state)
            self._hold(override)
        self._tell(override)
        return override

    def end_heating(self, zone_id: str) -> None:
        """End what commands heat there: electric danger. Recorded later, like every end."""
        held = self.live_for(zone_id)
        if held is not None and held.mode is not OverrideMode.OFF:
            self._end(held, OverrideState.CANCELLED)

    async def expire(self) -> None:
        """End what is past its expiry, forget what ended long ago, and record what waits to be."""
        for override in list(self._by_id.values()):
            left_s = self.left_s(override)
            if override.state in LIVE_STATES and left_s <= 0:
                self._end(override, OverrideState.EXPIRED)
            elif left_s < -LOOK_BACK_S:
                del self._by_id[override.id], self._ends_s[override.id]
        await self.late.flush_soon()

    def _require_no_danger(self, zone_id: str) -> None:
        zone = self._live.zones.get(zone_id)
        if zone is not None and zone.dangers:
            raise CommandError(
                "electric danger: everything stays off here",
                where=zone_id,
                remedy="Two people must clear the electric danger first",
                code=DANGER,
            )

    async def _new_id(self) -> int:
        """One more than any before; without a readable record one more than any known."""
        if self._newest_id < 0:
            try:
                newest = await self._store.newest_id()
            except StoreError:
                newest = max(self._by_id, default=0)
            self._newest_id = max(self._newest_id, newest)
        self._newest_id += 1
        return self._newest_id

    async def _record_now(self, record: Callable[[sqlite3.Connection], None], *, safety: bool = False) -> None:
        """Commit after everything that waits; raises StoreError."""
        if not await self.late.flush() and self.late.error is not None:
            raise self.late.error
        await self._store.write(record, safety=safety)

    def _late(self, override: Override, record: Callable[[sqlite3.Connection], None]) -> Override:
        """Queue a record; returns the override as not recorded yet. Its `recorded` comes with the commit."""
        self._late_of[override.id] += 1
        self.late.add(record, lambda: self._recorded(override.id))
        return msgspec.structs.replace(override, recorded=False)

    def _recorded(self, override_id: int) -> None:
        self._late_of[override_id] -= 1
        held = self._by_id.get(override_id)
        if self._late_of[override_id] <= 0:
            del self._late_of[override_id]
            if held is not None:
                self._hold(msgspec.structs.replace(held, recorded=True))

    def _begin(self, override: Override) -> None:
        """Let it command its zone, in the place of an older one."""
        older = self.live_for(override.zone)
        self._hold(override)
        if older is not None:
            self._end(older, OverrideState.CANCELLED)
            if older.user != override.user:
                tell(self.displaced, "override replaced", older, override.user, override)
        self._tell(override)

    def _end(self, override: Override, state: OverrideState) -> Override:
        """Show a state now and record it later."""

        now = int(self._clock.utc_s())

        def record(db: sqlite3.Connection) -> None:
            self._store.update(db, override.id, state, now)

        override = self._late(msgspec.structs.replace(override, state=state), record)
        self._hold(override)
        self._tell(override)
        return override

    def _hold(self, override: Override) -> None:
        self._by_id[override.id] = override
        # A clock that was set back while the service was down gives none more than it was made for.
        left_s = override.expires_utc_s - max(self._clock.utc_s(), override.created_utc_s)
        self._ends_s.setdefault(override.id, self._clock.monotonic_s() + left_s)
        zone = self._live.zones.get(override.zone)
        if zone is None:  # its zone has left the configuration
            return
        if override.state in LIVE_STATES:
            zone.override = override
        elif zone.override is not None and zone.override.id == override.id:
            zone.override = None
        self._live.touch(override.zone)

    def _tell(self, override: Override) -> None:
        tell(self.changed, "override", override)
