"""A weather file as a provider: rows up to now are observed, later rows are the forecast."""

from __future__ import annotations

import math
from pathlib import Path

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.gate import utc_text
from supervisor.weather.providers.files import read_weather_csv
from supervisor.weather.resample import between, interval_starts_s

FILE = "file"
HORIZON_MIN_S = 6 * 3600.0  # a plan over less cannot preheat; issue, remedy and planner agree on it


class FileProvider:
    """Replays a series: rows up to now are observed, later rows are the forecast."""

    def __init__(self, series: WeatherSeries, treated: Tally | None = None, source: str = FILE) -> None:
        self._series = series
        self._treated = treated or Tally()
        self._source = source

    @classmethod
    def open(cls, path: Path | str, site: Site | None = None) -> FileProvider:
        """Reads what is usable of the file, once; raises WeatherError as `read_weather_csv` does."""
        series, treated = read_weather_csv(path, site, strict=False)
        return cls(series, treated)

    @property
    def series(self) -> WeatherSeries:
        return self._series

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        t = self._series.time_utc_s
        step = float(t[1] - t[0])
        if now_utc_s + min(horizon_s, HORIZON_MIN_S) > t[-1] or now_utc_s < interval_starts_s(self._series)[0]:
            raise WeatherError(
                f"{self._source} has weather from {utc_text(t[0])} to {utc_text(t[-1])}, "
                f"not for the {HORIZON_MIN_S / 3600:g} h after {utc_text(now_utc_s)}",
                where="weather",
                remedy="Supply later weather",
            )
        issued = t[0] + math.floor((now_utc_s - t[0]) / step) * step  # a new forecast with each new row
        ahead = between(self._series, now_utc_s, now_utc_s + horizon_s)
        return Forecast(
            issued_utc_s=float(issued),
            members=(ahead,),
            source=self._source,
            treated=self._treated,
            rows_treated=len(self._series),
        )

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        """Rows that cover (now − back, now]; the last one may end after now, since its interval has begun."""
        begin = interval_starts_s(self._series)[0]
        if now_utc_s < begin or now_utc_s > self._series.time_utc_s[-1]:
            return None
        return between(self._series, max(now_utc_s - back_s, float(begin)), now_utc_s)
