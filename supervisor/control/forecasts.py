"""The forecast in use: fetched regularly, kept while the provider fails, and read minute by minute."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import fields

import numpy as np

from supervisor.control.alarms import Alarms
from supervisor.control.degraded import Degradations
from supervisor.control.forecast_record import ForecastRecord
from supervisor.control.forecast_state import show_state
from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode
from supervisor.domain.errors import WeatherError
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.road import Forcing
from supervisor.runtime.clock import Clock
from supervisor.runtime.listeners import tell
from supervisor.runtime.pace import each
from supervisor.weather.keeper import LastGood
from supervisor.weather.providers.kind import WeatherProvider
from supervisor.weather.resample import at_steps

logger = logging.getLogger(__name__)

ASK_EACH_S = 300.0  # providers issue hourly or slower; the files and caches below answer at once
TIMEOUT_S = 60.0
MARGIN_S = 7200.0  # beyond the planner's horizon, so that a plan made before the next answer still has it all
MINUTES_AT_ONCE = 60
NEWS_REACH_S = 3600.0  # a forecast that reaches an hour further counts as changed: providers issue hourly


class Forecasts:
    """Latest good forecast. `changed` is called with one that differs."""

    def __init__(
        self,
        provider: WeatherProvider,
        site: Site,
        horizon_s: float,
        clock: Clock,
        alarms: Alarms,
        metrics: Metrics,
        degradations: Degradations,
    ) -> None:
        self._provider = provider
        self._keeper = LastGood(provider)
        self.site = site
        self._horizon_s = horizon_s + MARGIN_S
        self._clock = clock
        self._alarms = alarms
        self._metrics = metrics
        self._degradations = degradations
        self._record: ForecastRecord | None = None
        self._asking = asyncio.Lock()
        self.latest: Forecast | None = None
        self.good_utc_s: float | None = None  # when the latest was last seen to be good
        self.changed: list[Callable[[Forecast], None]] = []
        self._minutes: tuple[float, Forcing] | None = None

    async def resume(self, record: ForecastRecord) -> None:
        """Go on with what was recorded before a restart where the provider has no answer, and record from now on."""
        self._record = record
        kept = await record.load(self._clock.utc_s())
        if kept is not None:
            self._keeper.resume(*kept)

    async def run(self) -> None:
        """Fetch until cancelled."""
        async for _ in each(self._clock, ASK_EACH_S):
            await self.ask()

    async def ask(self) -> None:
        """Fetch once. After a bad answer the last good forecast is kept for 6 h, then none.

        One alarm stands for as long as it lasts. Raises nothing for what a provider does.
        """
        async with self._asking:  # its own round, and whoever needs it sooner
            await self._ask()

    async def _ask(self) -> None:
        now = self._clock.utc_s()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                kept = await self._keeper.forecast(now, self._horizon_s)
        except (TimeoutError, OSError) as error:
            text = f"no answer from the provider ({str(error) or type(error).__name__})"
            kept = self._keeper.missed(now, WeatherError(text, where="weather", remedy="Check the network"))
        known, self.latest = self.latest, kept.forecast
        fault = self._keeper.fault
        self._alarms.set(
            AlarmCode.FORECAST,
            "",
            fault is not None,
            f"No good forecast ({fault}): the last one is used for 6 h, then boards follow the local rule",
        )
        show_state(kept, self._degradations, self._metrics)
        if kept.forecast is None:
            return
        self._metrics.forecast_age_s.set(now - kept.forecast.issued_utc_s)
        if not kept.stale or known is None:
            self._minutes = None
        if not kept.stale:
            self.good_utc_s = now
            if self._record is not None:
                await self._record.keep(kept.forecast, now)
        if kept.forecast.treated and (known is None or known.treated != kept.forecast.treated):
            logger.warning("weather of %s: %s", kept.forecast.source, kept.forecast.treated.text())
        if known is None or not says_the_same(known, kept.forecast):
            tell(self.changed, "forecast", kept.forecast)

    @property
    def failing(self) -> bool:
        """Whether the last answer was missing or not usable; an alarm stands then."""
        return self._keeper.fault is not None

    def spin_up(self, back_s: float) -> WeatherSeries | None:
        """What was observed in the last `back_s`, where the provider knows."""
        try:
            return self._provider.observed(self._clock.utc_s(), back_s)
        except Exception as error:  # the past is optional
            logger.error("no observed weather: %s", error or type(error).__name__)
            return None

    def minute(self, start_utc_s: float) -> Forcing:
        """Weather of the minute that begins then, one row; raises WeatherError where nothing covers it."""
        if self._minutes is None or not 0 <= start_utc_s - self._minutes[0] < MINUTES_AT_ONCE * 60:
            if self.latest is None:
                raise WeatherError("no forecast yet", where="weather")
            reach_s = self.latest.members[0].time_utc_s[-1] - start_utc_s
            n = int(min(MINUTES_AT_ONCE, max(reach_s // 60, 1)))
            self._minutes = start_utc_s, at_steps(self.latest.members[0], start_utc_s, 60.0, n, self.site)
        first, rows = self._minutes
        row = int((start_utc_s - first) // 60)
        if row >= rows.steps:
            raise WeatherError("the forecast has ended", where="weather")
        return rows[row : row + 1]


def says_the_same(old: Forecast, new: Forecast) -> bool:
    """Whether the members agree wherever both reach: a new issue that repeats the old one changes nothing."""
    if len(old.members) != len(new.members):
        return False
    for a, b in zip(old.members, new.members, strict=True):
        if b.time_utc_s[-1] - a.time_utc_s[-1] >= NEWS_REACH_S:
            return False
        _, in_a, in_b = np.intersect1d(a.time_utc_s, b.time_utc_s, assume_unique=True, return_indices=True)
        for column in fields(WeatherSeries):
            if not np.array_equal(getattr(a, column.name)[in_a], getattr(b, column.name)[in_b]):
                return False
    return True
