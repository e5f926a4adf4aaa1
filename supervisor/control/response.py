"""The city's response stage now: that of the district's outlook; until there is one, by the snow that is forecast."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from msgspec import Struct

from supervisor.control.forecasts import Forecasts
from supervisor.domain.outlook import RoadOutlook
from supervisor.domain.stage import SEOUL_CM, STAGE_EVENT, Stage, Steps, stage_of
from supervisor.domain.weather import Array, Forecast, WeatherSeries
from supervisor.runtime.clock import Clock
from supervisor.store.events import EventRepository

logger = logging.getLogger(__name__)

AHEAD_S = 24 * 3600.0
FRESH_CM_PER_MM = 1.0  # fresh snow of 100 kg/m³; what city and weather service mean by depth
HOLD_S = 3600.0  # a lower stage counts once it has been so for an hour: stages call and dismiss people
LOOK_EACH_S = 60.0
FALLS_CM_H = 0.05  # less is no snowfall to a crew
LOOK_BACK_S = 7 * 86_400


class StageNow(Struct, frozen=True):
    """The stage, since when, and the depth that it was decided by."""

    stage: str  # none, reinforced, one, two, three
    depth_cm: float | None  # fresh snow within 24 h, mean of the forecast's members; null: no forecast
    since_utc_s: int | None  # null: since before the record
    probability: float | None = None  # of ice on a road without heat within 24 h; null: not known
    snow_cm_h: float | None = None  # fresh snow that falls now, as foreseen; null: none falls, or not known
    snow_until_utc_s: int | None = None  # when that ends; null: not within 24 h, or none falls


def snow_now(forecast: Forecast | None, now_utc_s: float) -> tuple[float, int | None] | None:
    """Rate of the snow that falls now [cm/h] and when it ends [UTC s], by the mean of the members; None: none falls."""
    if forecast is None or not forecast.members:
        return None
    ends = forecast.members[0].time_utc_s
    rates = np.mean([_snow_cm_h(member, ends) for member in forecast.members], axis=0)
    ahead = np.flatnonzero(ends > now_utc_s)
    if not ahead.size or rates[ahead[0]] < FALLS_CM_H:
        return None
    over = ahead[rates[ahead] < FALLS_CM_H]
    until = float(ends[over[0] - 1]) if over.size else np.inf
    return float(rates[ahead[0]]), int(until) if until <= now_utc_s + AHEAD_S else None


def _snow_cm_h(member: WeatherSeries, ends: Array) -> Array:
    """Fresh snow of the intervals that end at `ends` [cm/h]."""
    rate = member.precipitation_mm_h * member.snow_fraction * FRESH_CM_PER_MM
    return rate if np.array_equal(member.time_utc_s, ends) else np.interp(ends, member.time_utc_s, rate)


def snow_ahead_cm(forecast: Forecast | None, now_utc_s: float) -> float | None:
    """Fresh snow of the next 24 h [cm], mean of the members; None without a forecast."""
    if forecast is None or not forecast.members:
        return None
    depths = []
    for member in forecast.members:
        begins = np.maximum(np.concatenate(([2 * member.time_utc_s[0] - member.time_utc_s[1]], member.time_utc_s[:-1]))
                            if len(member) > 1 else member.time_utc_s - 3600.0, now_utc_s)  # fmt: skip
        hours = np.clip(np.minimum(member.time_utc_s, now_utc_s + AHEAD_S) - begins, 0.0, None) / 3600.0
        depths.append(float((member.precipitation_mm_h * member.snow_fraction * hours).sum()) * FRESH_CM_PER_MM)
    return float(np.mean(depths))


class Response:
    """Give `look` to the watch. A change is kept as an event."""

    def __init__(self, forecasts: Forecasts, events: EventRepository, clock: Clock, steps: Steps = SEOUL_CM) -> None:
        self.foreseen: Callable[[], RoadOutlook | None] = lambda: None  # for the district
        self._steps = steps
        self._forecasts = forecasts
        self._events = events
        self._clock = clock
        self._stage = Stage.NONE
        self._depth_cm: float | None = None
        self._since_utc_s: int | None = None
        self._lower_since_s: float | None = None
        self._looked_s = float("-inf")

    def now(self) -> StageNow:
        """As last decided."""
        depth = None if self._depth_cm is None else round(self._depth_cm, 1)
        foreseen = self.foreseen()
        probability = None if foreseen is None else foreseen.probability
        rate, until = snow_now(self._forecasts.latest, self._clock.utc_s()) or (None, None)
        rate = None if rate is None else round(rate, 1)
        return StageNow(self._stage.word, depth, self._since_utc_s, probability, rate, until)

    async def load(self) -> None:
        """Go on with the stage of before a restart."""
        now = self._clock.utc_s()
        for event in reversed(await self._events.happened(now - LOOK_BACK_S, now + 1, STAGE_EVENT)):
            word = event.detail.split(" ", 1)[0]
            if word in (stage.word for stage in Stage):
                self._stage, self._since_utc_s = Stage[word.upper()], event.utc_s
                return

    async def look(self) -> None:
        """Decide anew, once a minute. Without a forecast the stage stays. Raises StoreError: then it stays too."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s < LOOK_EACH_S:
            return
        self._looked_s = now_s
        foreseen = self.foreseen()
        snow_cm = snow_ahead_cm(self._forecasts.latest, self._clock.utc_s())
        self._depth_cm = snow_cm if foreseen is None else foreseen.snow_cm
        if self._depth_cm is None:
            return
        wanted = stage_of(self._depth_cm, self._steps) if foreseen is None else Stage[foreseen.stage.upper()]
        if wanted >= self._stage:
            self._lower_since_s = None
        elif self._lower_since_s is None:
            self._lower_since_s = now_s
        held = wanted < self._stage and now_s - (self._lower_since_s or now_s) < HOLD_S
        if wanted == self._stage or held:
            return
        await self._events.append(STAGE_EVENT, "", f"{wanted.word} {self._depth_cm:.1f} cm, was {self._stage.word}")
        logger.info("response stage %s (%.1f cm), was %s", wanted.word, self._depth_cm, self._stage.word)
        self._stage, self._since_utc_s, self._lower_since_s = wanted, int(self._clock.utc_s()), None
