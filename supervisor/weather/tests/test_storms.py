"""Storms as a station saw them: onset, end, depth; what is one storm and what are two."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from supervisor.domain.weather import WeatherSeries
from supervisor.weather.providers.files import read_snow_depth, read_weather_csv
from supervisor.weather.storms import PAUSE_S, Storm, find_storms

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


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL).timestamp()


def recorded(data_dir: Path, name: str) -> list[Storm]:
    path = data_dir / "weather" / name
    found, _ = read_weather_csv(path, strict=False)
    return find_storms(found, read_snow_depth(path, found.time_utc_s))


def expected(data_dir: Path, case: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((data_dir.parent / "cases" / "bills" / f"{case}.json").read_text())["expected"]
    return values


def on_day(storms: list[Storm], day: str) -> Storm:
    [one] = [storm for storm in storms if at(day) <= storm.onset_utc_s < at(day) + 86_400]
    return one


@pytest.mark.data
def test_the_evening_of_6_january_2021_in_seoul(data_dir: Path) -> None:
    said = expected(data_dir, "51-seoul-2021-01-06")
    storm = on_day(recorded(data_dir, "kr_seoul_2020-21_janapr.csv"), "2021-01-06")
    assert at("2021-01-06 17:00") <= storm.onset_utc_s <= at("2021-01-06 20:00")
    assert abs(storm.end_utc_s - at("2021-01-07 00:00")) <= 3600
    assert storm.depth_measured
    assert storm.depth_cm == pytest.approx(max(said["depth_cm"].values()), abs=0.5)
    assert storm.water_mm == pytest.approx(said["water_mm"], abs=0.1)
    assert storm.air_min_c <= said["air_c"]["07+1"] + 0.5
    assert storm.freezes_after
    assert storm.rain_from_utc_s is None


@pytest.mark.data
def test_the_wet_snow_of_30_december_2023_in_seoul_that_turned_to_rain(data_dir: Path) -> None:
    said = expected(data_dir, "54-seoul-2023-12-30")
    storm = on_day(recorded(data_dir, "kr_seoul_2023_octdec.csv"), "2023-12-30")
    assert at("2023-12-30 06:00") <= storm.onset_utc_s <= at("2023-12-30 09:00")
    assert storm.depth_cm == pytest.approx(max(said["depth_cm"].values()), abs=0.5)
    assert storm.rain_from_utc_s is not None
    assert at("2023-12-30 14:00") <= storm.rain_from_utc_s <= at("2023-12-30 18:00")


@pytest.mark.data
@pytest.mark.parametrize("case", ["53-seoul-2022-12-21", "56-seoul-2025-01-27-28", "57-seoul-2025-02-06"])
def test_a_storm_of_which_no_weather_is_supplied_is_not_invented(data_dir: Path, case: str) -> None:
    """Of these cases only the response is known: days that no file of Seoul covers have no storm."""
    assert expected(data_dir, case)
    first = at("-".join(case.split("-")[2:5]))
    storms = [
        one for path in sorted((data_dir / "weather").glob("kr_seoul_*.csv")) for one in recorded(data_dir, path.name)
    ]
    assert storms
    assert not [storm for storm in storms if first - 86_400 <= storm.onset_utc_s < first + 2 * 86_400]


def test_a_pause_shorter_than_six_hours_does_not_end_a_storm() -> None:
    pause = int(PAUSE_S / 3600)
    [one] = find_storms(series([0, 1, *[0] * (pause - 1), 1, 0]))
    assert (one.onset_utc_s, one.hours, one.water_mm) == (START + 3600, pause + 1, pytest.approx(2))
    assert len(find_storms(series([0, 1, *[0] * pause, 1, 0]))) == 2


def test_rain_is_a_storm_in_frost_only() -> None:
    assert find_storms(series([0, 2, 2, 0], air_c=1.0, snow=0.0)) == []
    [one] = find_storms(series([0, 2, 2, 0], air_c=-1.0, snow=0.0))
    assert (one.snow_mm, one.rain_from_utc_s) == (0.0, one.onset_utc_s)


def test_depth_is_measured_where_it_is_known_and_else_of_fresh_snow() -> None:
    weather = series([0, 1, 1, 0], air_c=-5.0)
    assert find_storms(weather, np.array([0.0, np.nan, 0.04, 0.04]))[0].depth_cm == pytest.approx(4.0)
    [one] = find_storms(weather)
    assert not one.depth_measured
    assert one.depth_cm == pytest.approx(2.0 / (67.92 + 51.25 * np.exp(-5 / 2.59)) * 100)


def test_a_trace_is_no_storm_and_neither_is_an_empty_series() -> None:
    assert find_storms(series([0, 0.05, 0, 0])) == []
    assert find_storms(series([])) == []
    assert find_storms(series([0, 0, 0])) == []
