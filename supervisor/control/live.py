"""What is known of every zone right now, for the app, the planner and the metrics.

Written by control as telemetry, plans and overrides arrive; read as `ZoneView`s, whose fields are those of
`GET /api/v1/zones`. A subscriber gets the zones that changed since it last asked, merged: its memory is bounded by the
number of zones, and one that falls too far behind is closed, so that a dead phone delays nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from supervisor.domain.clock import Clock
from supervisor.domain.override import Override
from supervisor.domain.plan import Plan, PlanLabel, Reason
from supervisor.domain.zone import Zone
from supervisor.wire.messages import NO_READING_MC, Flag, ZoneSample, is_surface

OFFLINE_AFTER_S = 45.0  # four live telemetry intervals without one: the board is not there
MISSED_MAX = 4096  # merged changes a subscriber may leave unread: minutes of a city's telemetry
WET_PERMILLE = 200  # the board's own threshold
VOTERS_MIN = 3  # fewer sensors are an accident, not weather
SUBSCRIBERS_MAX = 2000  # FAULTS §6: with as many stalled phones the rest go on


class WhyView(Struct, frozen=True):
    """Why a stretch of the plan heats."""

    code: str
    start_s: int  # UTC
    end_s: int
    probability: float | None
    hazard_utc_s: int | None = None  # when the hazard that it answers begins


class PlanView(Struct, frozen=True):
    label: PlanLabel
    why: tuple[WhyView, ...]
    state: str  # requested, sent, accepted, measured or refused
    start_utc_s: int
    issued_utc_s: int


class OverrideView(Struct, frozen=True):
    id: int
    mode: str
    user: str
    reason: str
    created_utc_s: int
    expires_utc_s: int
    state: str


class ZoneView(Struct, frozen=True, kw_only=True):
    """One zone as the app shows it; unknown is null, never a guess."""

    id: str
    name: str
    name_ko: str
    feeder: str
    board: str
    priority: int
    rated_w: int
    override_max_min: int
    online: bool
    surface_c: float | None
    cable_c: float | None
    moisture_permille: int | None
    power_w: int | None
    duty_permille: int | None
    who: int | None  # wire.messages.Winner
    flags: int  # wire.messages.Flag
    state: str | None  # surface state by RWIS word, estimated
    snow_mm: float | None  # snow, ice and frost lying on the road, water equivalent, estimated
    plan: PlanView | None
    override: OverrideView | None
    updated_utc_s: int | None


def override_view(override: Override) -> OverrideView:
    """An override as the app shows it."""
    return OverrideView(
        id=override.id,
        mode=override.mode.value,
        user=override.user,
        reason=override.reason,
        created_utc_s=override.created_utc_s,
        expires_utc_s=override.expires_utc_s,
        state=override.state.value,
    )


@dataclass(slots=True)
class ZoneLive:
    """What is known of one zone; fields are written by control only, followed by `LiveState.touch`."""

    zone: Zone
    sample: ZoneSample | None = None  # newest live telemetry
    sample_utc_s: float = 0.0  # when its interval ended
    heard_monotonic_s: float = float("-inf")  # when it arrived
    online: bool = False
    surface_word: str | None = None
    lying_mm: float | None = None  # snow + ice + frost
    plan: Plan | None = None
    plan_state: str = "requested"
    override: Override | None = None


def surface_c(sample: ZoneSample) -> float | None:
    """Measured surface temperature, None where there is none to believe."""
    believed = is_surface(sample.surface_mc) and not sample.flags & Flag.SENSOR_IMPLAUSIBLE
    return sample.surface_mc / 1000 if believed else None


def moisture_permille(sample: ZoneSample) -> int | None:
    """Measured moisture, None where there is none to believe."""
    believed = 0 <= sample.moisture_permille <= 1000 and not sample.flags & Flag.MOISTURE_IMPLAUSIBLE
    return sample.moisture_permille if believed else None


def _why(reason: Reason, plan_start_utc_s: int) -> WhyView:
    return WhyView(
        code=reason.code,
        start_s=plan_start_utc_s + reason.start_s,
        end_s=plan_start_utc_s + reason.end_s,
        probability=reason.probability,
        hazard_utc_s=reason.hazard_utc_s,
    )


def zone_view(live: ZoneLive) -> ZoneView:
    """The zone as the app shows it. A sensor that the board calls implausible is shown as unknown."""
    zone, sample, plan = live.zone, live.sample, live.plan
    flags = sample.flags if sample else 0
    return ZoneView(
        id=zone.id,
        name=zone.name,
        name_ko=zone.name_ko,
        feeder=zone.feeder,
        board=zone.board,
        priority=zone.priority,
        rated_w=zone.power_w,
        override_max_min=zone.override_max_min,
        online=live.online,
        surface_c=surface_c(sample) if sample else None,
        cable_c=sample.cable_mc / 1000 if sample and sample.cable_mc != NO_READING_MC else None,
        moisture_permille=moisture_permille(sample) if sample else None,
        power_w=sample.power_w if sample else None,
        duty_permille=sample.duty_permille if sample else None,
        who=sample.who if sample else None,
        flags=flags,
        state=live.surface_word,
        snow_mm=live.lying_mm,
        plan=None
        if plan is None
        else PlanView(
            label=plan.label,
            why=tuple(_why(reason, plan.start_utc_s) for reason in plan.why),
            state=live.plan_state,
            start_utc_s=plan.start_utc_s,
            issued_utc_s=plan.issued_utc_s,
        ),
        override=override_view(live.override) if live.override else None,
        updated_utc_s=int(live.sample_utc_s) if sample else None,
    )


@dataclass(eq=False)
class Subscription:
    """Changed zones for one reader. `async for zones in subscription` ends when it is closed."""

    _state: LiveState
    _changed: dict[str, None] = field(default_factory=dict)
    _missed: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def offer(self, zone_id: str) -> None:
        """Note a change; closes the subscription when its reader no longer reads."""
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
        self.zones: dict[str, ZoneLive] = {zone.id: ZoneLive(zone) for zone in zones}
        self.subscriptions: set[Subscription] = set()

    def view(self, zone_id: str) -> ZoneView:
        """One zone as the app shows it; raises KeyError where it is unknown."""
        return zone_view(self.zones[zone_id])

    def snapshot(self) -> list[ZoneView]:
        """Every zone as the app shows it."""
        return [zone_view(live) for live in self.zones.values()]

    def wet_share(self) -> float | None:
        """Part of the zones whose moisture is believed that are wet [0–1]; None where too few are known to vote."""
        known = [
            moisture
            for live in self.zones.values()
            if live.online and live.sample and (moisture := moisture_permille(live.sample)) is not None
        ]
        if len(known) < VOTERS_MIN:
            return None
        return sum(moisture >= WET_PERMILLE for moisture in known) / len(known)

    def touch(self, zone_id: str) -> None:
        """Tell the subscribers that a zone changed."""
        for subscription in tuple(self.subscriptions):
            subscription.offer(zone_id)

    def subscribe(self) -> Subscription | None:
        """A new reader, or None when there are too many already. The reader closes it."""
        if len(self.subscriptions) >= SUBSCRIBERS_MAX:
            return None
        subscription = Subscription(self)
        self.subscriptions.add(subscription)
        return subscription
