"""Storms as a station saw them: onset, end, depth; what is one storm and what are two."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from supervisor.domain.weather import WeatherSeries

SEOUL = ZoneInfo("Asia/Seoul")
START = 1_703_894_400.0


def series(mm_h: list[float], air_c: float | list[float] = -3.0, snow: float | list[float] = 1.0) -> WeatherSeries:
    n = len(mm_h)
    zeros = np.zeros(n)
    return WeatherSeries(
        time_utc_s=START + 3600.0 * np.arange(1, n + 1), air_c=zeros + air_c, dew_point_c=zeros - 9, wind_m_s=zeros,
        pressure_pa=zeros + 1e5, shortwave_w_m2=zeros, longwave_w_m2=zeros + 250, cloud_fraction=zeros,
        precipitation_mm_h=np.array(mm_h, dtype=np.float64), snow_fraction=zeros + snow,
    )  # fmt: skip
