"""What cameras and other programs see on the roads: checked, kept, and an alarm where they contradict the estimate.

An observation commands nothing: snow and ice are one class, a lens may be covered, a program may err. Three that agree
within ten minutes, where the estimate knows of no snow or ice, raise `ice-seen` for people; and three that agree move
the estimate as far as the observer's own record goes (`weighing`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from supervisor.city.readings import Readings
from supervisor.city.weighing import Weighing
from supervisor.control.alarms import Alarms
from supervisor.control.condition import Look
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import CommandError
from supervisor.domain.observed import SEEN_MAX_S, Stale, stale
from supervisor.runtime.clock import Clock

SUM_OFF_MAX: Final = 0.02  # of the classes: rounding, not a fourth class
SEES: Final = 0.8  # probability of snow or ice that counts as seen
AGREE: Final = 3  # so many in a row …
WITHIN_S: Final = 600.0  # … within this time …
APART_S: Final = 20.0  # … and not of one moment
STANDS_S: Final = 3600.0  # after the last that sees it
KEEP_EACH_S: Final = 3600.0  # one that says the same is kept once an hour
OBSERVERS_MAX: Final = 1_000  # pairs of road and observer that are remembered
PROGRAM: Final = "token:"  # begins the name of a program; people share one record, and no event names them
PEOPLE: Final = "people"
CLASSES: Final = ("snow_or_ice", "wet", "dry")


class Observation(Struct, frozen=True, kw_only=True):
    """What one program sees of a road. The three probabilities sum up to 1."""

    zone: str
    snow_or_ice: float
    wet: float
    dry: float
    obstructed: bool  # the lens is covered, blinded, or something stands before it: then nothing is concluded
    observed_utc_s: int

    @property
    def word(self) -> str:
        """The most probable class, or "obstructed"."""
        return "obstructed" if self.obstructed else max(CLASSES, key=lambda name: float(getattr(self, name)))


class Outcome(Struct, frozen=True):
    """What became of it."""

    recorded: bool  # it says something new, and stands in the record and the audit log
    ice_seen: bool  # the alarm stands
    weight: float  # 0–1: how far this observer is believed, by its record
    moved_mm: float  # what it has changed in the estimate: ice or snow more, or less


class Observations:
    """The use case. Give `look` to the watch. `record` keeps one: observer, zone, text; it raises StoreError."""

    def __init__(
        self,
        readings: Readings,
        alarms: Alarms,
        record: Callable[[str, str, str], Awaitable[None]],
        count: Callable[[str], object],
        clock: Clock,
        weighing: Weighing,
    ) -> None:
        """`count` counts an outcome: taken, invalid, stale."""
        self._weighing = weighing
        self._bare: dict[tuple[str, str], deque[float]] = {}  # likewise: none was seen
        self._count = count
        self._readings = readings
        self._alarms = alarms
        self._record = record
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[str, float]] = {}  # by road and observer: last word kept, and when
        self._seen: dict[tuple[str, str], deque[float]] = {}  # the same: when snow or ice was seen, without a break
        self._newest: dict[tuple[str, str], int] = {}
        self._last_s: dict[str, float] = {}  # by road with an alarm

    async def take(self, one: Observation, observer: str) -> Outcome:
        """Take one in for a known road. Raises CommandError for what cannot be, StoreError where it is not kept."""
        who = observer if observer.startswith(PROGRAM) else PEOPLE
        key = (one.zone, who)
        try:
            self._check(one, key)
        except CommandError as error:
            self._count(error.code)
            raise
        now_s = self._clock.monotonic_s()
        word, kept_s = self._kept.get(key, ("", float("-inf")))
        recorded = one.word != word or now_s - kept_s >= KEEP_EACH_S
        if recorded:
            await self._record(observer, one.zone, f"{one.word} {getattr(one, one.word, 1.0):.0%}")
            self._kept[key] = one.word, now_s
        self._newest[key] = one.observed_utc_s
        self._count("taken")
        agree = self._conclude(one, key, now_s)
        moved_mm = 0.0
        if not one.obstructed and max(one.snow_or_ice, 1.0 - one.snow_or_ice) >= SEES:
            sees_ice = one.snow_or_ice >= SEES
            await self._weighing.judge(one.zone, who, sees_ice)
            if agree:
                moved_mm = await self._weighing.move(one.zone, who, sees_ice)
        self._forget()
        weight = round(self._weighing.weight(who), 2)
        return Outcome(recorded, self._alarms.stands(AlarmCode.ICE_SEEN, one.zone), weight, moved_mm)

    def look(self) -> None:
        """Clear what nobody has seen for an hour."""
        now_s = self._clock.monotonic_s()
        for zone, last_s in list(self._last_s.items()):
            if now_s - last_s > STANDS_S:
                self._clear(zone)

    def _check(self, one: Observation, key: tuple[str, str]) -> None:
        chances = [float(getattr(one, name)) for name in CLASSES]
        if not all(0.0 <= chance <= 1.0 for chance in chances) or abs(sum(chances) - 1.0) > SUM_OFF_MAX:
            raise CommandError(
                f"the classes sum up to {sum(chances):.3g}", where="snow_or_ice, wet, dry", code="invalid",
                remedy="Give three probabilities from 0 to 1 whose sum is 1",
            )  # fmt: skip
        now = self._clock.utc_s()
        wrong = stale(one.observed_utc_s, now, SEEN_MAX_S, self._newest.get(key, -1))
        if wrong is not None:
            text, remedy = {
                Stale.OLD: (f"{(now - one.observed_utc_s) / 60:.0f} min old", "Send it within 15 min"),
                Stale.AHEAD: ("in the future", "Set the clock of the observer"),
                Stale.REPEATED: ("not newer than the last of this observer", "Send each once, in order"),
            }[wrong]
            raise CommandError(text, where="observed_utc_s", remedy=remedy, code="stale")

    def _conclude(self, one: Observation, key: tuple[str, str], now_s: float) -> bool:
        """Whether several agree; the alarm follows what they see."""
        if one.obstructed:
            return False
        if one.snow_or_ice < SEES:
            self._seen.pop(key, None)
            if one.zone in self._last_s and not any(zone == one.zone for zone, _ in self._seen):
                self._clear(one.zone)
            return one.snow_or_ice <= 1.0 - SEES and _agree(self._bare.setdefault(key, deque(maxlen=AGREE)), now_s)
        self._bare.pop(key, None)
        agree = _agree(self._seen.setdefault(key, deque(maxlen=AGREE)), now_s)
        look = self._readings.of([one.zone])[0].view.look
        if agree and look not in (Look.ICY, Look.SNOW):
            self._last_s[one.zone] = now_s
            text = f"{key[1]} sees snow or ice ({one.snow_or_ice:.0%}), the estimate says {look}. Look at the road"
            self._alarms.set(AlarmCode.ICE_SEEN, one.zone, True, text)
        return agree

    def _clear(self, zone: str) -> None:
        self._last_s.pop(zone, None)
        self._alarms.set(AlarmCode.ICE_SEEN, zone, False)

    def _forget(self) -> None:
        """The oldest pairs, so that no program can fill the memory."""
        for table in (self._kept, self._newest, self._seen, self._bare):
            while len(table) > OBSERVERS_MAX:
                del table[next(iter(table))]


def _agree(seen: deque[float], now_s: float) -> bool:
    """Note one more, where it is not of the same moment; whether they are enough within the time."""
    if not seen or now_s - seen[-1] >= APART_S:
        seen.append(now_s)
    return len(seen) == AGREE and now_s - seen[0] <= WITHIN_S
