"""Roads that take turns: on a person's word each is on for a quarter of an hour after another, within the contract.

A turn is an ordinary override of its road, so boards, safety and record know nothing new. Between its turns a road
follows the plan. Roads of one supply are shared out over the fewest turns of which each fits; who commands such a road
otherwise, or ends its turn, takes it out. What has been told is kept over a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from supervisor.control.groups import GroupResult, request_all
from supervisor.control.live import LiveState
from supervisor.control.override_rules import checked
from supervisor.control.overrides import Overrides
from supervisor.domain.errors import CommandError, NotFoundError, RoadheatError
from supervisor.domain.override import Override, OverrideMode, OverrideState
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder, Zone
from supervisor.runtime.clock import Clock
from supervisor.store.journal import ValueRepository

logger = logging.getLogger(__name__)

KEY: Final = "turns"
TURNS_MAX: Final = 4  # an hour between two quarters of heat: longer, and a road freezes again meanwhile
SHORTEST_S: Final = 300  # what is left of a quarter, for a turn of its own; less is added to the next one


class Turns(Struct, frozen=True):
    """Roads that take turns until a time. Those of `groups[k]` are on together."""

    number: int
    groups: tuple[tuple[str, ...], ...]
    user: str
    reason: str
    created_utc_s: int
    until_utc_s: int

    def turn_at(self, utc_s: float) -> tuple[int, int]:
        """Whose turn it is, and when that turn ends [UTC s]. Turns change with the quarters of the hour."""
        first = self.created_utc_s // SLOT_S
        if (first + 1) * SLOT_S - self.created_utc_s < SHORTEST_S:
            first += 1
        slot = max(int(utc_s // SLOT_S), first)
        return (slot - first) % len(self.groups), min((slot + 1) * SLOT_S, self.until_utc_s)

    def without(self, zone: str) -> Turns:
        """The same for the other roads; their turns stay as they are."""
        return msgspec.structs.replace(self, groups=tuple(tuple(z for z in g if z != zone) for g in self.groups))


def schedule(turns: Turns) -> list[Override]:
    """Every turn as an override that is not made: what a preview is worked out from."""
    made, at = [], turns.created_utc_s
    while at < turns.until_utc_s:
        turn, ends = turns.turn_at(at)
        for zone in turns.groups[turn]:
            made.append(
                Override(
                    id=0, zone=zone, mode=OverrideMode.ON, reason=turns.reason, user=turns.user,
                    created_utc_s=at, expires_utc_s=ends,
                )
            )  # fmt: skip
        at = ends
    return made


def share_out(zones: Sequence[Zone], room_w: Mapping[str, float]) -> tuple[tuple[str, ...], ...]:
    """The roads in the fewest turns, two at least, of which each fits into `room_w` of its supply [W].

    Raises CommandError where `TURNS_MAX` turns are not enough.
    """
    for count in range(2, TURNS_MAX + 1):
        groups: list[list[str]] = [[] for _ in range(count)]
        loads: list[dict[str, float]] = [{} for _ in range(count)]
        for zone in sorted(zones, key=lambda zone: -zone.power_w):
            least = min(range(count), key=lambda turn: (loads[turn].get(zone.feeder, 0.0), len(groups[turn])))
            groups[least].append(zone.id)
            loads[least][zone.feeder] = loads[least].get(zone.feeder, 0.0) + zone.power_w
        if all(load <= room_w.get(feeder, 0.0) for turn in loads for feeder, load in turn.items()):
            return tuple(tuple(group) for group in groups if group)
    raise CommandError(
        f"{len(zones)} roads do not fit into {TURNS_MAX} turns of the supply",
        where="zones", remedy="Choose fewer roads, or end other commands on the supply first",
    )  # fmt: skip


class TurnTaking:
    """Give `look` to the watch, and call `load` once before."""

    def __init__(
        self, overrides: Overrides, live: LiveState, feeders: Iterable[Feeder], values: ValueRepository, clock: Clock
    ) -> None:
        self._overrides = overrides
        self._live = live
        self._feeders = {feeder.id: feeder for feeder in feeders}
        self._values = values
        self._clock = clock
        self._standing: list[Turns] = []
        self._begun: dict[str, int] = {}  # zone → the last turn's end, so that none begins twice
        self._own: dict[str, int] = {}  # zone → id of the override of its last turn

    def standing(self) -> list[Turns]:
        """What has been told and is not over, oldest first."""
        return list(self._standing)

    async def load(self) -> None:
        """Go on after a restart; a text that cannot be read is left out and logged."""
        text = await self._values.get(KEY)
        try:
            found = msgspec.json.decode(text, type=list[Turns]) if text else []
        except msgspec.DecodeError as error:
            logger.warning("turns of before the restart are not readable and end: %s", error)
            found = []
        self._standing = [one for one in found if all(z in self._live.zones for g in one.groups for z in g)]

    def wanted(self, zones: Sequence[str], minutes: int, reason: str, user: str) -> Turns:
        """Shared out only. Raises CommandError for a duration that is not allowed or roads that do not fit."""
        known = [self._live.zones[zone].zone for zone in zones]
        for zone in known:
            checked(OverrideMode.ON, minutes, reason, zone.longest_override_min)
        now = int(self._clock.utc_s())
        number = max((one.number for one in self._standing), default=now) + 1
        return Turns(number, share_out(known, self._room_w(set(zones))), user, reason, now, now + 60 * minutes)

    def _room_w(self, zones: set[str]) -> dict[str, float]:
        """What other people's commands leave of contract and breaker, by supply [W]."""
        room = {}
        for feeder in self._feeders.values():
            own = [known.zone for known in self._live.zones.values() if known.zone.feeder == feeder.id]
            largest_w = max((zone.power_w for zone in own), default=0)
            held = [(zone, self._overrides.live_for(zone.id)) for zone in own if zone.id not in zones]
            taken_w = sum(zone.power_w for zone, one in held if one is not None and one.mode is not OverrideMode.OFF)
            # Instants pass the mean by up to the largest zone: `planner.pose.feeder_problem`.
            room[feeder.id] = min(1000 * feeder.contract_kw, 1000 * feeder.breaker_kw - largest_w) - taken_w
        return room

    async def begin(self, zones: Sequence[str], minutes: int, reason: str, user: str) -> list[GroupResult]:
        """Begin with the first turn; its roads have an override in the answer, the others none and no error.

        Raises CommandError as `wanted`, and StoreError where it cannot be recorded: then nothing is commanded.
        """
        turns = self.wanted(zones, minutes, reason, user)
        for one in self._standing:
            for zone in zones:
                one = one.without(zone)
            self._replace(one)
        await self._keep([*self._standing, turns])
        turn, ends = turns.turn_at(turns.created_utc_s)
        length = max(1, (ends - turns.created_utc_s) // 60)
        listed = f"{len(zones)} roads take turns {minutes} min: {' '.join(reason.split())}: {' '.join(zones)}"
        asked = await request_all(
            self._overrides, turns.groups[turn], OverrideMode.ON, length, reason, user, audit=listed
        )
        results = {result.zone: result for result in asked}
        for result in asked:
            self._note(result.zone, ends, result.override)
        if not any(result.override for result in asked):  # nothing of it is in the audit log either
            await self._keep([one for one in self._standing if one.number != turns.number])
        return [results.get(zone) or GroupResult(zone, None) for zone in zones]

    async def end(self, number: int, user: str) -> None:
        """End turns and the overrides that run for them. Raises NotFoundError, StoreError."""
        turns = next((one for one in self._standing if one.number == number), None)
        if turns is None:
            raise NotFoundError("no such turns", where=str(number), remedy="They may be over", code="no-turns")
        await self._keep([one for one in self._standing if one.number != number])
        for zone in (zone for group in turns.groups for zone in group):
            held = self._overrides.live_for(zone)
            if held is not None and self._is_own(turns, held):
                await self._overrides.cancel(held.id, user)

    async def look(self) -> None:
        """Begin the turns that are due. A road that refuses misses its turn; the others have theirs."""
        now = self._clock.utc_s()
        before = list(self._standing)
        for turns in before:
            if now >= turns.until_utc_s:
                self._standing.remove(turns)
                continue
            turn, ends = turns.turn_at(now)
            for zone in (zone for group in turns.groups for zone in group):
                if self._left(turns, zone):
                    self._replace(next(one for one in self._standing if one.number == turns.number).without(zone))
                elif zone in turns.groups[turn] and self._begun.get(zone) != ends:
                    await self._turn(turns, zone, ends, now)
        self._standing = [one for one in self._standing if any(one.groups)]
        if self._standing != before:
            await self._keep(self._standing)

    async def _turn(self, turns: Turns, zone: str, ends: int, now: float) -> None:
        if self._overrides.live_for(zone) is not None:
            return  # the turn before ends within this minute, or this one was begun before a restart
        length = int(ends - now) // 60
        self._begun[zone] = ends
        if length < 1:
            return
        try:
            made = await self._overrides.request(zone, OverrideMode.ON, length, turns.reason, turns.user, "")
            self._note(zone, ends, made)
        except RoadheatError as error:
            logger.warning("road %s misses its turn: %s", zone, error)

    def _note(self, zone: str, ends: int, made: Override | None) -> None:
        self._begun[zone] = ends
        if made is not None:
            self._own[zone] = made.id

    def _is_own(self, turns: Turns, held: Override) -> bool:
        """Whether it is a turn's; after a restart by what it says."""
        mine = (held.user, held.reason, held.mode) == (turns.user, turns.reason, OverrideMode.ON)
        return self._own.get(held.zone) == held.id or (mine and held.created_utc_s >= turns.created_utc_s)

    def _left(self, turns: Turns, zone: str) -> bool:
        """Whether somebody commands the road otherwise, or has ended its turn."""
        held = self._overrides.live_for(zone)
        if held is not None:
            return not self._is_own(turns, held)
        number = self._own.get(zone)
        if number is None:
            return False
        try:
            return self._overrides.get(number).state is OverrideState.CANCELLED
        except NotFoundError:
            return False  # of long ago

    def _replace(self, turns: Turns) -> None:
        self._standing = [turns if one.number == turns.number else one for one in self._standing]

    async def _keep(self, standing: list[Turns]) -> None:
        await self._values.set(KEY, msgspec.json.encode(standing).decode())
        self._standing = standing
