"""The winters of `roadheat bench seasons`: which files, which months, how they are cut into storms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from supervisor.domain.weather import WeatherSeries

BEFORE_S, AFTER_S = 24 * 3600.0, 14 * 3600.0  # around what falls: plans look 30 h ahead, roads dry within half a day
COLD_C, FALLS_MM_H = 2.5, 0.05  # air and rate from which a heated road may be asked for
JOIN_S = 24 * 3600.0  # nearer storms are one stretch


@dataclass(frozen=True)
class Winter:
    """A winter of one place; `scored` ones are compared with rules that were tuned on the place's other winters."""

    name: str
    place: str
    file: str
    start: str | None = None  # UTC date, else the file's first
    end: str | None = None
    scored: bool = False


WINTERS = (
    Winter("seoul-2018", "seoul", "kr_seoul_2017-18_partial.csv"),
    Winter("seoul-2019", "seoul", "kr_seoul_2018-19_janapr.csv"),
    Winter("seoul-2020", "seoul", "kr_seoul_2019-20_janapr.csv"),
    Winter("seoul-2021", "seoul", "kr_seoul_2020-21_janapr.csv"),
    Winter("seoul-2021-22", "seoul", "kr_seoul_2021-22.csv", scored=True),
    Winter("seoul-2023", "seoul", "kr_seoul_2023_octdec.csv", scored=True),
    Winter("tallinn-2022", "tallinn", "ee_tallinn_2022-23.csv", None, "2023-01-01", scored=True),
    Winter("tallinn-2023", "tallinn", "ee_tallinn_2022-23.csv", "2023-01-01", None, scored=True),
)
TARIFFS = {"tallinn": "prices_nordpool_estonia_2022-23.csv"}  # others: KEPCO's bands


@dataclass(frozen=True)
class Storm:
    """A stretch of a winter with snow or cold rain in it."""

    winter: Winter
    start_utc_s: float
    end_utc_s: float
    frozen_mm: float

    @property
    def name(self) -> str:
        return f"{self.winter.name}-{datetime.fromtimestamp(self.start_utc_s, UTC):%m%d}"


def storms_of(winter: Winter, weather: WeatherSeries, most: int | None = None) -> list[Storm]:
    """The winter's storms in their order, or the `most` snowiest of them.

    Between storms no controller here heats but those without a moisture sensor, so they hold what a winter costs.
    """
    times = weather.time_utc_s
    first = max(_utc(winter.start), float(times[0]) + 3600.0) if winter.start else float(times[0]) + 3600.0
    last = min(_utc(winter.end), float(times[-1])) if winter.end else float(times[-1])
    wet = (weather.precipitation_mm_h >= FALLS_MM_H) & (weather.air_c < COLD_C)
    wet &= (times > first) & (times <= last)
    found: list[list[float]] = []
    for t in times[wet].tolist():
        begin, end = max(t - 3600.0 - BEFORE_S, first), min(t + AFTER_S, last)
        if found and begin - found[-1][1] < JOIN_S:
            found[-1][1] = end
        else:
            found.append([begin, end])
    frozen = weather.precipitation_mm_h * weather.snow_fraction
    storms = [
        Storm(winter, a, b, float(frozen[(times > a) & (times <= b)].sum())) for a, b in found if b - a >= 12 * 3600.0
    ]
    if most is not None:
        chosen = sorted(storms, key=lambda storm: -storm.frozen_mm)[:most]
        storms = [storm for storm in storms if storm in chosen]
    return storms


def weather_file(data: Path, winter: Winter) -> Path:
    """The winter's file under `--data`, which holds `weather/` or is it."""
    folder = data / "weather" if (data / "weather").is_dir() else data
    return folder / winter.file


def _utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def hours_of(storms: list[Storm]) -> float:
    """Hours that the storms last together."""
    return float(np.sum([storm.end_utc_s - storm.start_utc_s for storm in storms])) / 3600.0
