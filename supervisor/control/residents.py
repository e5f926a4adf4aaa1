"""What residents are told about a road, and the ice that they report. Nothing about them is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from supervisor.control.alarms import Alarms
from supervisor.control.condition import Look
from supervisor.control.view import ZoneView
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.override import OverrideMode
from supervisor.runtime.clock import Clock

STANDS_S: Final = 3600.0  # after the last report: a crew has been there, or somebody reports again
ROAD_REPORTS: Final = 20  # an hour and road that are counted; more say nothing new
ALL_REPORTS: Final = 200  # an hour and district: beyond it somebody plays, and each road has its first one only
_HOUR_S: Final = 3600.0
_SLIPPERY = (Look.ICY, Look.SNOW)


class RoadState(StrEnum):
    """What a resident should know; the page has words for each, the worst first."""

    OUT_OF_SERVICE = "out-of-service"  # lies there and the heating cannot work
    SWITCHED_OFF = "switched-off"  # lies there and people have switched it off
    SLIPPERY = "slippery"  # lies there and is not heated
    UNKNOWN = "unknown"
    MELTING = "melting"
    STOPPED = "stopped"  # nothing lies there now, and the heating cannot work
    WET = "wet"
    CLEAR = "clear"


class RoadNews(Struct, frozen=True):
    """One road for residents. Times are UTC seconds."""

    zone: str
    name: str
    name_ko: str
    state: RoadState
    since_utc_s: int | None  # of the state, where it is known
    until_utc_s: int | None  # until when people have switched it off


def news(view: ZoneView) -> RoadNews:
    """What may be said of a road: never that it is clear where that is not known."""
    slippery = view.look in _SLIPPERY
    off = view.override is not None and view.override.mode is OverrideMode.OFF and not view.blocked
    if slippery and view.heated is True:
        state = RoadState.MELTING
    elif slippery:
        state = RoadState.OUT_OF_SERVICE if view.blocked else RoadState.SWITCHED_OFF if off else RoadState.SLIPPERY
    elif view.look is Look.UNKNOWN:
        state = RoadState.UNKNOWN
    elif view.blocked:
        state = RoadState.STOPPED
    else:
        state = RoadState.CLEAR if view.look is Look.DRY else RoadState.WET
    unheated = state in (RoadState.OUT_OF_SERVICE, RoadState.SWITCHED_OFF, RoadState.SLIPPERY, RoadState.STOPPED)
    until = view.override.expires_utc_s if state is RoadState.SWITCHED_OFF and view.override is not None else None
    return RoadNews(view.id, view.name, view.name_ko, state, view.since_utc_s if unheated else None, until)


class IceReports:
    """Reports of ice: an alarm for the crew and an event in the record, without who sent them."""

    def __init__(self, alarms: Alarms, record: Callable[[str, str], Awaitable[None]], clock: Clock) -> None:
        """`record` keeps an observation: zone and text. Raises StoreError; the alarm stands all the same."""
        self._alarms = alarms
        self._record = record
        self._clock = clock
        self._reports: dict[str, deque[float]] = {}
        self._all: deque[float] = deque()

    async def report(self, zone: str) -> bool:
        """Somebody says that it is icy there; False where so many have said so that it says nothing new."""
        now_s = self._clock.monotonic_s()
        mine = self._reports.setdefault(zone, deque())
        for times in (mine, self._all):
            while times and now_s - times[0] > _HOUR_S:
                times.popleft()
        if len(mine) >= ROAD_REPORTS or (mine and len(self._all) >= ALL_REPORTS):
            return False
        mine.append(now_s)
        self._all.append(now_s)
        often = "once" if len(mine) == 1 else f"{len(mine)} times"
        self._alarms.set(AlarmCode.ICE_REPORTED, zone, True, f"Residents report ice, {often} within the hour")
        await self._record(zone, f"residents report ice, {often} within the hour")
        return True

    def look(self) -> None:
        """Clear what nobody has reported for an hour."""
        now_s = self._clock.monotonic_s()
        for zone, times in list(self._reports.items()):
            if not times or now_s - times[-1] > STANDS_S:
                del self._reports[zone]
                self._alarms.set(AlarmCode.ICE_REPORTED, zone, False)
