"""The weather of a period as it was, with its storms: from the record, or from a station's file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from supervisor.config import Config
from supervisor.domain.weather import WeatherSeries
from supervisor.store import weather
from supervisor.weather.providers.files import read_snow_depth, read_weather_csv
from supervisor.weather.storms import Storm, find_storms


def observed(
    config: Config, db: sqlite3.Connection, from_utc_s: int, to_utc_s: int, path: Path | None
) -> tuple[WeatherSeries, list[Storm]]:
    """The weather as it was, from a station's file where one is given, and its storms. Raises WeatherError."""
    if path is None:
        series = weather.between(db, from_utc_s, to_utc_s)
        return series, find_storms(series)
    series, _ = read_weather_csv(path, config.site, start_utc_s=from_utc_s, end_utc_s=to_utc_s, strict=False)
    return series, find_storms(series, read_snow_depth(path, series.time_utc_s))
