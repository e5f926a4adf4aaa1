"""Other eyes than cameras: storm drains below heated slopes, and places upwind where snow is seen first.

Melt-water that finds its drain blocked stands at the foot of the slope and freezes there, on a road without heat: an
alarm, while the slope above has been heated and the air is cold. Snow upwind is on its way: an alarm with the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from supervisor.control.alarms import Alarms
from supervisor.control.live import LiveState
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import CommandError
from supervisor.domain.observed import SEEN_MAX_S, Stale, stale
from supervisor.runtime.clock import Clock

FULL_PERMILLE: Final = 800  # a drain so full does not drain
FREE_PERMILLE: Final = 600
STANDS_FOR_S: Final = 600.0  # full for so long: not the first gush of melt-water
SILENT_S: Final = 3 * 3600.0  # a sensor that says no more: nothing is known
HEATED_S: Final = 3 * 3600.0  # melt-water of so long ago has run off or stands
COLD_C: Final = 1.0
UPWIND_S: Final = 2 * 3600.0  # after the last sight of snow there, the alarm ends


def check_time(observed_utc_s: float, newest_utc_s: float, now_utc_s: float) -> None:
    """Raises CommandError for what is too old, in the future, or not newer than the last."""
    wrong = stale(observed_utc_s, now_utc_s, SEEN_MAX_S, newest_utc_s)
    if wrong is not None:
        text = {
            Stale.OLD: f"{(now_utc_s - observed_utc_s) / 60:.0f} min old",
            Stale.AHEAD: "in the future",
            Stale.REPEATED: "not newer than the last",
        }[wrong]
        raise CommandError(
            text, where="observed_utc_s", remedy="Send it within 15 min, each once, in order", code="stale"
        )  # fmt: skip


class DrainOutcome(Struct, frozen=True):
    """Whether the alarm stands."""

    refreezing: bool


class Drains:
    """Give `look` to the watch."""

    def __init__(self, live: LiveState, air_c: Callable[[], float | None], alarms: Alarms, clock: Clock) -> None:
        self._live = live
        self._air_c = air_c
        self._alarms = alarms
        self._clock = clock
        self._newest: dict[str, int] = {}
        self._heard_s: dict[str, float] = {}
        self._full_since_s: dict[str, float] = {}

    def take(self, zone: str, level_permille: int, observed_utc_s: int) -> DrainOutcome:
        """A reading of the drain below a road. Raises CommandError where it is stale."""
        check_time(observed_utc_s, self._newest.get(zone, -1), self._clock.utc_s())
        now_s = self._clock.monotonic_s()
        self._newest[zone], self._heard_s[zone] = observed_utc_s, now_s
        if level_permille >= FULL_PERMILLE:
            self._full_since_s.setdefault(zone, now_s)
        elif level_permille <= FREE_PERMILLE:
            self._full_since_s.pop(zone, None)
        self._judge(zone)
        return DrainOutcome(self._alarms.stands(AlarmCode.REFREEZING_AT_FOOT, zone))

    def look(self) -> None:
        """Judge again: it gets colder, or the sensor says no more."""
        for zone in list(self._heard_s):
            self._judge(zone)

    def _judge(self, zone: str) -> None:
        now_s, air_c = self._clock.monotonic_s(), self._air_c()
        if now_s - self._heard_s[zone] > SILENT_S:
            self._heard_s.pop(zone)
            self._full_since_s.pop(zone, None)
            self._alarms.set(AlarmCode.REFREEZING_AT_FOOT, zone, False)
            return
        full_s = now_s - self._full_since_s.get(zone, now_s)
        heated_s = self._live.zones[zone].heated_s
        melting = heated_s is not None and now_s - heated_s <= HEATED_S
        cold = air_c is not None and air_c <= COLD_C
        stands = full_s >= STANDS_FOR_S and cold and melting
        text = (
            f"The drain below has been full for {full_s / 60:.0f} min, the road above was heated, and the air is at "
            f"{air_c:.1f} °C: melt-water freezes at the foot. Clear the drain, spread salt at the foot"
        ) if stands else ""  # fmt: skip
        self._alarms.set(AlarmCode.REFREEZING_AT_FOOT, zone, stands, text)


class Upwind:
    """Places of city.toml where snow is seen before it is here. Give `look` to the watch."""

    def __init__(self, minutes: Mapping[str, int], timezone: ZoneInfo, alarms: Alarms, clock: Clock) -> None:
        """`minutes`: place → how long snow takes from there."""
        self._minutes = minutes
        self._timezone = timezone
        self._alarms = alarms
        self._clock = clock
        self._newest: dict[str, int] = {}
        self._seen_s: dict[str, float] = {}

    def take(self, place: str, snowing: bool, observed_utc_s: int) -> int | None:
        """What is seen there. Returns when snow may be here [UTC s], None where none is seen. Raises CommandError."""
        if place not in self._minutes:
            raise CommandError(
                "unknown place", where="place", remedy="Name one of [city.upwind] in city.toml", code="invalid"
            )  # fmt: skip
        check_time(observed_utc_s, self._newest.get(place, -1), self._clock.utc_s())
        self._newest[place] = observed_utc_s
        if not snowing:
            self._seen_s.pop(place, None)
            self._alarms.set(AlarmCode.SNOW_UPWIND, place, False)
            return None
        here = observed_utc_s + 60 * self._minutes[place]
        self._seen_s[place] = self._clock.monotonic_s()
        if not self._alarms.stands(AlarmCode.SNOW_UPWIND, place):
            at = f"{datetime.fromtimestamp(here, self._timezone):%H:%M}"
            text = f"Snow falls at {place}; it may be here at about {at}. Look at the plan of the steep roads"
            self._alarms.set(AlarmCode.SNOW_UPWIND, place, True, text)
        return here

    def look(self) -> None:
        """End what nobody has seen for two hours."""
        for place, seen_s in list(self._seen_s.items()):
            if self._clock.monotonic_s() - seen_s > UPWIND_S:
                del self._seen_s[place]
                self._alarms.set(AlarmCode.SNOW_UPWIND, place, False)
