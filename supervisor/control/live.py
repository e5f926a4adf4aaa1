"""What is known of every zone right now, for the app, the planner and the metrics.

Written by control as telemetry, plans and overrides arrive; read as `ZoneView`s, whose fields are those of
`GET /api/v1/zones`. A subscriber gets the zones that changed since it last asked, merged: its memory is bounded by the
number of zones, and one that falls too far behind is closed, so that a dead phone delays no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from supervisor.control.condition import condition
from supervisor.control.sky import Sky
from supervisor.control.view import ZoneView, facts, zone_view
from supervisor.control.zone_live import ZoneLive
from supervisor.domain.zone import Zone
from supervisor.runtime.clock import Clock

OFFLINE_AFTER_S = 45.0  # four telemetry intervals without a frame
MISSED_MAX = 4096  # merged changes a subscriber may leave unread: minutes of a city's telemetry
VOTERS_MIN = 3  # fewer sensors may err together
SUBSCRIBERS_MAX = 2000  # with as many stalled phones the others are still served


@dataclass(eq=False)
class Subscription:
    """Changed zones for one reader. `async for zones in subscription` ends when it is closed."""

    _state: LiveState
    _changed: dict[str, None] = field(default_factory=dict)
    _missed: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def offer(self, zone_id: str) -> None:
        """Note a change; closes the subscription when its reader is too far behind."""
        self._changed[zone_id] = None
        self._missed += 1
        if self._missed > MISSED_MAX:
            self.close()
        self._wake.set()

    def close(self) -> None:
        """End the reader's loop and forget it."""
        self.closed = True
        self._state.subscriptions.discard(self)
        self._wake.set()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> list[ZoneView]:
        """Wait for a change; returns each changed zone once, as it is now."""
        while not self._changed and not self.closed:
            self._wake.clear()
            await self._wake.wait()
        if self.closed:
            raise StopAsyncIteration
        changed, self._changed, self._missed = self._changed, {}, 0
        return [self._state.view(zone_id) for zone_id in changed]


class LiveState:
    """All zones, in the order of the configuration."""

    def __init__(self, zones: Iterable[Zone], clock: Clock) -> None:
        self.clock = clock
        self.sky = Sky()
        self.board_names: dict[str, str] = {}  # where boards hang, of those that have a name
        self.zones: dict[str, ZoneLive] = {zone.id: ZoneLive(zone) for zone in zones}
        self.subscriptions: set[Subscription] = set()

    def view(self, zone_id: str) -> ZoneView:
        """One zone as the app shows it; raises KeyError where it is unknown."""
        return zone_view(self.zones[zone_id], self.sky, self.clock.utc_s())

    def snapshot(self) -> list[ZoneView]:
        """Every zone as the app shows it."""
        now = self.clock.utc_s()
        return [zone_view(live, self.sky, now) for live in self.zones.values()]

    def see(self, sky: Sky) -> None:
        """Take over what falls and is forecast; every zone counts as changed where it differs."""
        if sky != self.sky:
            self.sky = sky
            for zone_id in self.zones:
                self.touch(zone_id)

    def wet_share(self) -> float | None:
        """Part of the zones with plausible moisture that are wet [0–1]; None where too few are known to vote."""
        known = [wet for live in self.zones.values() if live.online and (wet := live.wet) is not None]
        return sum(known) / len(known) if len(known) >= VOTERS_MIN else None

    def touch(self, zone_id: str) -> None:
        """Notify subscribers that a zone changed."""
        now = self.clock.utc_s()
        live = self.zones[zone_id]
        live.decided(condition(facts(live, self.sky, now)).not_heating, now)
        for subscription in tuple(self.subscriptions):
            subscription.offer(zone_id)

    def subscribe(self) -> Subscription | None:
        """A new reader, or None when there are too many already. The reader closes it."""
        if len(self.subscriptions) >= SUBSCRIBERS_MAX:
            return None
        subscription = Subscription(self)
        self.subscriptions.add(subscription)
        return subscription
