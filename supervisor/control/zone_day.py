"""A zone's day before and after now on one axis: measured, planned, unheated, precipitation, and what people did."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from supervisor.control.condition import NEEDS_PERSON, condition
from supervisor.control.estimation import Estimation
from supervisor.control.forecasts import Forecasts
from supervisor.control.live import LiveState
from supervisor.control.past import Bar, bars
from supervisor.control.view import facts
from supervisor.control.zone_live import ZoneLive
from supervisor.domain.errors import RoadheatError
from supervisor.domain.override import OverrideMode
from supervisor.domain.plan import SLOT_S
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.planner.foresee.course import Course, foresee_course, slots_of
from supervisor.planner.foresee.outlook import Array
from supervisor.planner.plans import OFF_MC, ON_MC
from supervisor.runtime.clock import Clock
from supervisor.runtime.work import in_thread
from supervisor.store import past
from supervisor.store import weather as kept_weather
from supervisor.store.store import Store
from supervisor.weather.resample import forecast_at_steps

logger = logging.getLogger(__name__)

HALF = 96  # slots of a day, before and after now
FRESH_S = 60.0  # of a course that is worked out already: nothing in it changes sooner
MEMBERS_MAX = 16  # enough for the tenth and the ninetieth percentile
BAND = (0.1, 0.9)
WEATHER_BACK_S = 2 * 86_400  # an interval of the record is at most some hours


class ZoneDay(Struct, frozen=True, kw_only=True):
    """Lists have one value per quarter of an hour from `from_utc_s` on; null is not known."""

    zone: str
    from_utc_s: int
    now_utc_s: int
    step_s: int
    rated_w: int
    surface_c: list[float | None]  # measured, mean
    planned_c: list[float | None]  # foreseen as planned, mean of the forecast's members
    low_c: list[float | None]  # a tenth of the members is colder
    high_c: list[float | None]  # a tenth is warmer
    unheated_c: list[float | None]  # foreseen without heat from now on
    power_w: list[float | None]  # measured before now, planned after it
    rain_mm_h: list[float | None]
    snow_mm_h: list[float | None]  # water equivalent
    bars: list[Bar]  # commands, alarms and works, oldest first


@dataclass(frozen=True)
class _Task:
    """What a course is worked out from, gathered at one moment."""

    lane: int
    start_utc_s: int
    forecast: Forecast
    slots: tuple[Array, Array]
    thresholds_c: tuple[float, float]
    heat_w_m2: float


class ZoneDays:
    """Answers for the app; a course is worked out beside the event loop, one at a time."""

    def __init__(
        self, store: Store, live: LiveState, estimation: Estimation | None, forecasts: Forecasts | None, clock: Clock
    ) -> None:
        """Without estimate and forecast there is only a past."""
        self._store = store
        self._live = live
        self._estimation = estimation
        self._forecasts = forecasts
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._courses: dict[str, tuple[float, int, Course | None, Forecast | None]] = {}

    async def day(self, zone_id: str) -> ZoneDay:
        """A day of both. Raises KeyError for an unknown zone, StoreError."""
        live, now = self._live.zones[zone_id], self._clock.utc_s()
        start = int(now // SLOT_S) * SLOT_S
        begin = start - HALF * SLOT_S
        zone = live.zone
        measured = await self._store.read(lambda db: past.quarters(db, zone.board, zone.id, begin, HALF + 1))
        weather = await self._store.read(lambda db: kept_weather.between(db, begin - WEATHER_BACK_S, int(now) + 1))
        subjects = (zone.id, zone.board, zone.feeder)
        found = await self._store.read(lambda db: bars(db, zone.id, subjects, begin, int(now)))
        course, forecast = await self._course(live, start)
        return _joined(live, now, begin, measured, course, weather, forecast, found)

    async def _course(self, live: ZoneLive, start: int) -> tuple[Course | None, Forecast | None]:
        zone, issued = live.zone.id, live.plan.issued_utc_s if live.plan is not None else 0
        async with self._one_at_a_time:
            now_s = self._clock.monotonic_s()
            known = self._courses.get(zone)
            if known is not None and known[1] == issued and 0 <= now_s - known[0] < FRESH_S:
                return known[2], known[3]
            course, forecast = None, None
            try:
                task = self._task(live, start)
                if task is not None:
                    forecast = task.forecast
                    course = await in_thread(None, self._run, task)
            except RoadheatError as error:
                logger.warning("no course of %s: %s", zone, error)
            self._courses[zone] = now_s, issued, course, forecast
            return course, forecast

    def _task(self, live: ZoneLive, start: int) -> _Task | None:
        estimation, forecast = self._estimation, self._forecasts.latest if self._forecasts is not None else None
        if estimation is None or forecast is None or not forecast.members:
            return None
        lane = next((i for i, zone in enumerate(estimation.zones) if zone.id == live.zone.id), None)
        reach_s = min(float(member.time_utc_s[-1]) for member in forecast.members) - start
        n = int(min(HALF, reach_s // SLOT_S))
        if lane is None or n < 1:
            return None
        every = -(-len(forecast.members) // MEMBERS_MAX)
        forecast = Forecast(forecast.issued_utc_s, forecast.members[::every], forecast.source)
        plan = live.plan
        on_mc, off_mc = (ON_MC, OFF_MC) if plan is None else (plan.on_mc, plan.off_mc)
        slots = (np.full(n, -1.0), np.zeros(n)) if plan is None else slots_of(plan, start, n)
        return _Task(
            lane, start, forecast, self._dictated(live, slots, start), (on_mc / 1000, off_mc / 1000),
            estimation.zones[lane].heat_w_m2,
        )  # fmt: skip

    def _dictated(self, live: ZoneLive, slots: tuple[Array, Array], start: int) -> tuple[Array, Array]:
        """What overrules the plan: a person for a time, and a fault until somebody has been there."""
        duty, setpoint = slots[0].copy(), slots[1].copy()
        now = self._clock.utc_s()
        override = live.override
        if override is not None and override.live(now):
            mine = start + SLOT_S * np.arange(duty.size) < override.expires_utc_s
            on = override.mode is not OverrideMode.OFF
            duty[mine], setpoint[mine] = (1.0, 30.0) if on else (0.0, -60.0)
        if live.dangers or condition(facts(live, self._live.sky, now)).not_heating in NEEDS_PERSON:
            duty[:], setpoint[:] = 0.0, -60.0
        return duty, setpoint

    def _run(self, task: _Task) -> Course:
        assert self._estimation is not None
        assert self._forecasts is not None
        roads, state = self._estimation.roads.take([task.lane]), self._estimation.state.take([task.lane])
        n = task.slots[0].size
        weather = forecast_at_steps(task.forecast, task.start_utc_s, SLOT_S, n, self._forecasts.site)
        return foresee_course(roads, state, weather, task.heat_w_m2, task.slots, task.thresholds_c)


def _joined(
    live: ZoneLive,
    now: float,
    begin: int,
    measured: past.Quarters,
    course: Course | None,
    weather: WeatherSeries,
    forecast: Forecast | None,
    found: list[Bar],
) -> ZoneDay:
    n = 2 * HALF
    ahead = [None] * (HALF if course is None else 0)
    planned, low, high, unheated, power = (
        (ahead,) * 5
        if course is None
        else (
            _rounded(course.surface_c.mean(axis=1), 2),
            _rounded(np.quantile(course.surface_c, BAND[0], axis=1), 2),
            _rounded(np.quantile(course.surface_c, BAND[1], axis=1), 2),
            _rounded(course.unheated_c.mean(axis=1), 2),
            _rounded(course.duty.mean(axis=1) * live.zone.power_w, 0),
        )
    )
    before: list[float | None] = [None] * HALF
    middles = np.asarray(begin + SLOT_S * (np.arange(n) + 0.5), dtype=np.float64)
    series = [weather, *(forecast.members if forecast is not None else ())]
    rain, snow = _precipitation(series, middles)

    def filled(values: Sequence[float | None]) -> list[float | None]:
        return [*values, *([None] * (n - len(values)))][:n]

    return ZoneDay(
        zone=live.zone.id, from_utc_s=begin, now_utc_s=int(now), step_s=SLOT_S, rated_w=live.zone.power_w,
        surface_c=filled([None if c is None else round(c, 2) for c in measured.surface_c]),
        planned_c=filled([*before, *planned]), low_c=filled([*before, *low]), high_c=filled([*before, *high]),
        unheated_c=filled([*before, *unheated]), power_w=filled([*measured.power_w[:HALF], *power]),
        rain_mm_h=rain, snow_mm_h=snow, bars=found,
    )  # fmt: skip


def _rounded(values: Array, digits: int) -> list[float | None]:
    return [float(value) for value in np.round(values, digits)]


def _precipitation(series: Sequence[WeatherSeries], at_utc_s: Array) -> tuple[list[float | None], list[float | None]]:
    """Rain and snow [mm/h] at some times: as recorded (the first series), else the mean of the members that know."""
    rain, snow = np.full((2, len(series), at_utc_s.size), np.nan)
    for k, one in enumerate(series):
        if len(one) < 2:
            continue
        row = np.searchsorted(one.time_utc_s, at_utc_s)
        known = (row < len(one)) & (at_utc_s > 2 * one.time_utc_s[0] - one.time_utc_s[1])
        row = np.minimum(row, len(one) - 1)
        rate, part = one.precipitation_mm_h[row], one.snow_fraction[row]
        rain[k] = np.where(known, rate * (1.0 - part), np.nan)
        snow[k] = np.where(known, rate * part, np.nan)

    def merged(values: Array) -> list[float | None]:
        recorded, members = values[0], values[1:]
        count = np.isfinite(members).sum(axis=0)
        mean = np.nansum(members, axis=0) / np.maximum(count, 1)
        best = np.where(np.isfinite(recorded), recorded, np.where(count > 0, mean, np.nan))
        return [None if np.isnan(value) else round(float(value), 2) for value in best]

    return merged(rain), merged(snow)
