"""How far an observer is believed, by its own record, and what its observations do to the estimate.

An observation moves the estimate only where something else speaks for it: ice where the road is at 0 °C or colder and
wet, or something falls; a bare road where its surface is measured at 1 °C or warmer. It moves it by a thin layer, times
the observer's weight, and rarely. One observer alone leaves it below what counts as ice: by itself that heats nothing,
so that a program that lies all night costs nearly nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol

from supervisor.control.estimation import Lying
from supervisor.control.live import LiveState
from supervisor.control.zone_live import surface_c
from supervisor.domain.errors import StoreError
from supervisor.road import ICE_MM, State
from supervisor.road.seen import LAYER_MM, see_bare, see_frozen
from supervisor.runtime.clock import Clock

logger = logging.getLogger(__name__)

CERTAIN_MM: Final = 0.4  # more than observations can have put there: then ice is known to lie
BARE_MM: Final = 0.01
WARM_C: Final = 2.0  # measured, with nothing lying: then none lies
COLD_C: Final = 0.0  # of the surface: ice may lie, or form
MELTS_C: Final = 1.0  # measured: nothing lies there for long
ALONE_MM: Final = 0.08  # the most that one observer puts there: less than counts as ice
TOGETHER_S: Final = 900.0  # within which two observers see the same
FILM_MM: Final = 0.05  # of water by the estimate, that counts as wet
FIRST: Final = (1.0, 4.0)  # agreed and judged of an observer that nobody knows: a weight of a quarter
JUDGED_MAX: Final = 200.0  # older judgements fade
TRUSTED: Final = 0.2  # of weight; below it nothing is moved
JUDGE_EACH_S: Final = 600.0  # of a road and observer: many pictures of one moment are one judgement
FROZEN_EACH_S: Final = 6 * 3600.0  # of a road, whoever sees it
BARE_EACH_S: Final = 3600.0
OBSERVERS_MAX: Final = 200
KEY: Final = "observers"


class Estimated(Protocol):
    """The estimate, as far as it is needed here (`control.estimation.Estimation`)."""

    def lying(self, zone: str) -> Lying:
        """What lies on a road."""
        ...

    async def worked(self, zones: list[str], change: Callable[[State, list[int]], State]) -> None:
        """Put it into the state."""
        ...


class Weighing:
    """Records of observers, kept over restarts, and their effect."""

    def __init__(
        self, live: LiveState, estimate: Estimated, keep: Callable[[str, str], Awaitable[None]], clock: Clock
    ) -> None:
        """`keep` stores a text under a key; it raises StoreError."""
        self._live = live
        self._estimate = estimate
        self._keep = keep
        self._clock = clock
        self._records: dict[str, tuple[float, float]] = {}
        self._judged_s: dict[tuple[str, str], float] = {}
        self._moved_s: dict[tuple[str, str], float] = {}
        self._seen: dict[str, tuple[str, float]] = {}  # by road: who saw ice last, and when

    def take_up(self, kept: str | None) -> None:
        """Go on with the records of before a restart; what is damaged is left out."""
        try:
            found = json.loads(kept or "{}")
            self._records = {
                str(name): (min(max(float(agreed), 0.0), float(judged)), min(float(judged), JUDGED_MAX))
                for name, (agreed, judged) in found.items() if float(judged) > 0
            }  # fmt: skip
        except (ValueError, TypeError, AttributeError) as error:
            logger.error("records of observers are not readable: %s", error)
            self._records = {}

    def weight(self, observer: str) -> float:
        """0 to 1: how much better than guessing it was; a quarter of one that nobody knows."""
        agreed, judged = self._records.get(observer, FIRST)
        return max(0.0, 2.0 * (agreed + 1.0) / (judged + 2.0) - 1.0) if observer in self._records else agreed / judged

    async def judge(self, zone: str, observer: str, sees_ice: bool) -> None:
        """Add to its record where the road is known for certain."""
        facts, now_s = self._estimate.lying(zone), self._clock.monotonic_s()
        sample = self._live.zones[zone].sample
        measured = surface_c(sample) if sample is not None else None
        icy = facts.frozen_mm >= CERTAIN_MM
        bare = facts.frozen_mm <= BARE_MM and measured is not None and measured >= WARM_C
        if not (icy or bare) or now_s - self._judged_s.get((zone, observer), float("-inf")) < JUDGE_EACH_S:
            return
        self._judged_s[zone, observer] = now_s
        agreed, judged = self._records.get(observer, (0.0, 0.0))
        fade = min(1.0, (JUDGED_MAX - 1.0) / max(judged, 1.0))
        self._records[observer] = fade * agreed + float(sees_ice == icy), fade * judged + 1.0
        while len(self._records) > OBSERVERS_MAX:
            del self._records[next(iter(self._records))]
        while len(self._judged_s) > 10 * OBSERVERS_MAX:
            del self._judged_s[next(iter(self._judged_s))]
        try:
            await self._keep(KEY, json.dumps(self._records))
        except StoreError as error:  # it is kept with the next
            logger.warning("record of an observer not kept: %s", error)

    async def move(self, zone: str, observer: str, sees_ice: bool) -> float:
        """Put into the estimate what several observations of it agree on. Returns by how much [mm], 0: not at all."""
        facts, weight, now_s = self._estimate.lying(zone), self.weight(observer), self._clock.monotonic_s()
        before, before_s = self._seen.get(zone, ("", float("-inf")))
        together = sees_ice and before not in ("", observer) and now_s - before_s <= TOGETHER_S
        if sees_ice and weight >= TRUSTED:
            self._seen[zone] = observer, now_s
        key = zone, "bare" if not sees_ice else "together" if together else "ice"
        pause_s = FROZEN_EACH_S if sees_ice else BARE_EACH_S
        if weight < TRUSTED or now_s - self._moved_s.get(key, float("-inf")) < pause_s:
            return 0.0
        if sees_ice and self._may_be_icy(zone, facts):
            mm = LAYER_MM * weight if together else min(LAYER_MM * weight, ALONE_MM)
            change = partial(_frozen, mm=mm)
        elif not sees_ice and self._must_be_bare(zone, facts):
            mm = -facts.frozen_mm * weight
            change = partial(_bare, part=weight)
        else:
            return 0.0
        self._moved_s[key] = now_s
        await self._estimate.worked([zone], change)
        return round(mm, 2)

    def _may_be_icy(self, zone: str, facts: Lying) -> bool:
        """Nothing is known to lie, and two other things speak for it: cold, and water on the road or from the sky."""
        wet = self._live.zones[zone].wet or self._live.sky.falling is not None or facts.water_mm >= FILM_MM
        return facts.frozen_mm < ICE_MM and facts.surface_c <= COLD_C and bool(wet)

    def _must_be_bare(self, zone: str, facts: Lying) -> bool:
        """Something is estimated to lie on a surface that is measured to be too warm for it."""
        sample = self._live.zones[zone].sample
        measured = surface_c(sample) if sample is not None else None
        return facts.frozen_mm >= ICE_MM and measured is not None and measured >= MELTS_C


def _frozen(state: State, lanes: list[int], mm: float) -> State:
    return see_frozen(state, lanes, mm)


def _bare(state: State, lanes: list[int], part: float) -> State:
    return see_bare(state, lanes, part)
