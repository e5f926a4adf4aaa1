"""A person's command for a zone: checked, committed, then answered; its way to the board is `dispatch`'s.

An override always ends: by its expiry, by a cancel, or because a newer one for the same zone takes its place (the
newest wins). The board holds the same expiry on its own clock, so it ends there with the supervisor dead as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec

from supervisor.control.listeners import tell
from supervisor.control.live import LiveState
from supervisor.domain.clock import Clock
from supervisor.domain.errors import CommandError, NotFoundError
from supervisor.domain.override import LIVE_STATES, Override, OverrideMode, OverrideState

_STEPS = (OverrideState.REQUESTED, OverrideState.SENT, OverrideState.ACCEPTED, OverrideState.MEASURED)
LOOK_BACK_S = 86_400  # longer than any override lasts
MIN_MINUTES = 1
REASON_MIN = 3  # "ice" is a reason
REASON_MAX = 200


class OverrideRecord(Protocol):
    """What overrides need of the store; each call has committed when it returns."""

    async def add_override(
        self, *, zone: str, mode: OverrideMode, reason: str, user: str, created_utc_s: int, expires_utc_s: int
    ) -> Override: ...

    async def update_override_state(self, override_id: int, state: OverrideState) -> None: ...

    async def live_overrides(self, now_utc_s: float) -> list[Override]: ...

    async def overrides(self, zone: str | None, from_utc_s: float, to_utc_s: float) -> list[Override]: ...

    async def append_audit(self, user: str, action: str, detail: str) -> None: ...


class Overrides:
    """The use cases. `changed` is called after each commit, with the override as it is now."""

    def __init__(self, store: OverrideRecord, live: LiveState, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock
        self._by_id: dict[int, Override] = {}
        self._ends_s: dict[int, float] = {}  # monotonic: setting the machine's clock prolongs no override
        self._one_at_a_time = asyncio.Lock()  # so that of two requests at once exactly one is the newest
        self._committing = asyncio.Lock()  # so that states are committed in the order in which they are shown
        self.changed: list[Callable[[Override], None]] = []

    async def load(self) -> None:
        """Take up what was live when the service last ran; what expired meanwhile ends now."""
        now = self._clock.utc_s()
        for override in await self._store.overrides(None, now - LOOK_BACK_S, now + 1):
            self._hold(override)
        for override in await self._store.live_overrides(0):
            self._hold(override)
        await self.expire()

    def live_for(self, zone_id: str) -> Override | None:
        """The override that commands the zone now."""
        held = self._live.zones[zone_id].override
        return held if held is not None and held.state in LIVE_STATES and self.left_s(held) > 0 else None

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

    async def request(self, zone: str, mode: str, minutes: int, reason: str, user: str) -> Override:
        """Command a zone for a time.

        Returns the committed override. Raises NotFoundError for an unknown zone, CommandError for a mode, duration
        or reason that is not allowed, StoreError where it could not be recorded (then nothing is commanded).
        """
        if zone not in self._live.zones:
            raise NotFoundError("unknown zone", where=zone, remedy="Choose a zone from the list")
        longest_min = self._live.zones[zone].zone.override_max_min
        if mode not in tuple(OverrideMode):
            raise CommandError("unknown mode", where="mode", remedy="Use on, off or boost")
        if not MIN_MINUTES <= minutes <= longest_min:
            raise CommandError(
                f"{minutes} minutes is outside {MIN_MINUTES}…{longest_min}",
                where="minutes",
                remedy=f"This zone takes at most {longest_min} minutes; ask again when they are over",
            )
        reason = " ".join(reason.split())
        if not REASON_MIN <= len(reason) <= REASON_MAX or not reason.isprintable():
            raise CommandError(
                "an override needs a reason", where="reason", remedy=f"Say why in {REASON_MIN} to {REASON_MAX} letters"
            )
        async with self._one_at_a_time:
            now = int(self._clock.utc_s())
            older = self.live_for(zone)
            override = await self._store.add_override(
                zone=zone,
                mode=OverrideMode(mode),
                reason=reason,
                user=user,
                created_utc_s=now,
                expires_utc_s=now + minutes * 60,
            )
            await self._store.append_audit(user, "override", f"{override.id} {zone} {mode} {minutes} min: {reason}")
            self._hold(override)
            if older is not None:
                await self.advance(older.id, OverrideState.CANCELLED)
        self._tell(override)
        return override

    async def cancel(self, override_id: int, user: str) -> Override:
        """End an override now; ending one that has ended already changes nothing. Raises NotFoundError."""
        override = self.get(override_id)
        if override.state not in LIVE_STATES:
            return override
        await self._store.append_audit(user, "cancel", f"{override.id} {override.zone}")
        return await self.advance(override_id, OverrideState.CANCELLED)

    async def advance(self, override_id: int, state: OverrideState) -> Override:
        """Commit a new state, then show it. What has ended stays ended; what was measured is not merely sent."""
        async with self._committing:
            override = self.get(override_id)
            if override.state not in LIVE_STATES:
                return override
            if state in _STEPS and _STEPS.index(state) <= _STEPS.index(override.state):
                return override
            await self._store.update_override_state(override_id, state)
            override = msgspec.structs.replace(override, state=state)
            self._hold(override)
        self._tell(override)
        return override

    async def expire(self) -> None:
        """End what is past its expiry, and forget what ended long ago.

        One that cannot be recorded keeps no other from ending; then raises the first such error.
        """
        first: Exception | None = None
        for override in list(self._by_id.values()):
            left_s = self.left_s(override)
            if override.state in LIVE_STATES and left_s <= 0:
                try:
                    await self.advance(override.id, OverrideState.EXPIRED)
                except Exception as error:
                    first = first or error
            elif left_s < -LOOK_BACK_S:
                self._by_id.pop(override.id, None)
                self._ends_s.pop(override.id, None)
        if first is not None:
            raise first

    def _hold(self, override: Override) -> None:
        self._by_id[override.id] = override
        left_s = override.expires_utc_s - self._clock.utc_s()
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
