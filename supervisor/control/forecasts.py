"""The forecast in use: asked for regularly, kept while the provider fails, and read off minute by minute."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from supervisor.control.alarms import Alarms
from supervisor.control.metrics import Metrics
from supervisor.control.pace import each
from supervisor.domain.clock import Clock
from supervisor.domain.errors import RoadheatError, WeatherError
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.road import Forcing
from supervisor.weather.provider import WeatherProvider
from supervisor.weather.resample import at_steps

logger = logging.getLogger(__name__)

ASK_EACH_S = 300.0  # providers issue hourly or slower; the files and caches below answer at once
TIMEOUT_S = 60.0
MARGIN_S = 7200.0  # beyond the planner's horizon, so that a plan made before the next answer still has it all
MINUTES_AT_ONCE = 60
STALE_S = 3 * 3600.0  # alarm: a provider that issues hourly has failed three times


class Forecasts:
    """Latest good forecast. `changed` is called on each new issue."""

    def __init__(
        self,
        provider: WeatherProvider,
        site: Site,
        horizon_s: float,
        clock: Clock,
        alarms: Alarms,
        metrics: Metrics,
    ) -> None:
        self.provider = provider
        self._site = site
        self._horizon_s = horizon_s + MARGIN_S
        self._clock = clock
        self._alarms = alarms
        self._metrics = metrics
        self.latest: Forecast | None = None
        self.changed: list[Callable[[Forecast], None]] = []
        self._minutes: tuple[float, Forcing] | None = None

    async def run(self) -> None:
        """Ask for ever."""
        async for _ in each(self._clock, ASK_EACH_S):
            await self.ask()

    async def ask(self) -> None:
        """Ask once; a failure keeps the last forecast and raises one alarm when that grows old."""
        now = self._clock.utc_s()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                forecast = await self.provider.forecast(now, self._horizon_s)
        except (RoadheatError, TimeoutError, OSError) as error:
            logger.warning("no forecast: %s", error or type(error).__name__)
        else:
            new = self.latest is None or forecast.issued_utc_s > self.latest.issued_utc_s
            self.latest, self._minutes = forecast, None
            if new:
                for listener in self.changed:
                    listener(forecast)
        age_s = now - self.latest.issued_utc_s if self.latest else float("inf")
        self._metrics.forecast_age_s.set(age_s)
        self._alarms.set(
            "forecast",
            "",
            age_s > STALE_S,
            "No new forecast: plans go on with the last one for 6 h, then boards follow the local rule. "
            "Check the weather provider",
        )

    def spin_up(self, back_s: float) -> WeatherSeries | None:
        """What was observed in the last `back_s`, where the provider knows."""
        return self.provider.observed(self._clock.utc_s(), back_s)

    def minute(self, start_utc_s: float) -> Forcing:
        """Weather of the minute that begins then, one row; raises WeatherError where nothing covers it."""
        if self._minutes is None or not 0 <= start_utc_s - self._minutes[0] < MINUTES_AT_ONCE * 60:
            if self.latest is None:
                raise WeatherError("no forecast yet", where="weather")
            reach_s = self.latest.members[0].time_utc_s[-1] - start_utc_s
            n = int(min(MINUTES_AT_ONCE, max(reach_s // 60, 1)))
            self._minutes = start_utc_s, at_steps(self.latest.members[0], start_utc_s, 60.0, n, self._site)
        first, rows = self._minutes
        row = int((start_utc_s - first) // 60)
        if row >= rows.steps:
            raise WeatherError("the forecast has ended", where="weather")
        return rows[row : row + 1]
