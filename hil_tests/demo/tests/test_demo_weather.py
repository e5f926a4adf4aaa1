"""Weather of other places: the district moves under the file's sun, dates are local to it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from hil_tests.demo.cli import demo
from hil_tests.demo.place import place_of, zone_of
from hil_tests.demo.run import DemoError, built_in_storm, demo_config, measured_storm, site_of, write_demo_city
from supervisor.config import load
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.estimate import standard_pressure_pa
from supervisor.weather.longwave import clear_sky_means_w_m2
from supervisor.weather.providers.files import read_weather_csv, write_weather_csv

NOVEMBER_UTC_S, DAYS = 1_667_260_800.0, 90  # 2022-11-01


def winter(site: Site) -> WeatherSeries:
    """Hourly; a sun dimmed by cloud, some days to a tenth."""
    times = NOVEMBER_UTC_S + 3600.0 * np.arange(24 * DAYS)
    cloud = np.repeat(np.random.default_rng(1).uniform(0.1, 1.0, DAYS), 24)
    flat = np.ones(times.size)
    return WeatherSeries(
        time_utc_s=times,
        air_c=-2.0 * flat,
        dew_point_c=-4.0 * flat,
        wind_m_s=2.0 * flat,
        pressure_pa=standard_pressure_pa(site.elevation_m) * flat,
        shortwave_w_m2=cloud * clear_sky_means_w_m2(times, 3600.0, site),
        longwave_w_m2=260.0 * flat,
        cloud_fraction=0.5 * flat,
        precipitation_mm_h=0.0 * flat,
        snow_fraction=flat,
    )


@pytest.mark.parametrize(
    ("latitude", "longitude", "elevation_m", "timezone"),
    [(59.4, 24.7, 30.0, "Etc/GMT-2"), (45.3, 5.8, 1325.0, "Etc/GMT"), (50.9, -102.4, 0.0, "Etc/GMT+7")],
)
def test_the_sun_says_where_weather_is_from(
    tmp_path: Path, latitude: float, longitude: float, elevation_m: float, timezone: str
) -> None:
    there = Site(name="x", timezone="UTC", latitude=latitude, longitude=longitude, elevation_m=elevation_m)
    path = tmp_path / "winter.csv"
    write_weather_csv(path, winter(there))
    site = site_of(path, demo_config().site)
    assert site.latitude == pytest.approx(latitude, abs=4.0)
    assert site.longitude == pytest.approx(longitude, abs=4.0)
    assert site.elevation_m == pytest.approx(elevation_m, abs=20.0)
    assert site.timezone == timezone
    storm = measured_storm(path, site, NOVEMBER_UTC_S + 86_400.0, NOVEMBER_UTC_S + 2 * 86_400.0)
    assert load(write_demo_city(tmp_path / "city", storm)).site == msgspec.structs.replace(site, name="seongbuk")


def test_korean_weather_stays_in_seoul() -> None:
    seoul = demo_config().site
    assert place_of(winter(seoul), seoul) == seoul
    storm = built_in_storm(1)
    assert place_of(storm.weather, seoul) == seoul
    assert storm.site == seoul


def test_light_that_is_no_sun_moves_nothing() -> None:
    seoul = demo_config().site
    lamp = winter(seoul)
    lamp.shortwave_w_m2[:] = np.random.default_rng(2).uniform(0.0, 100.0, len(lamp)).round(-1)
    assert place_of(lamp, seoul) == seoul
    lamp.shortwave_w_m2[:] = 0.0
    assert place_of(lamp, seoul) == seoul


def test_old_weather_is_played_on_the_same_days_of_a_later_calendar(tmp_path: Path) -> None:
    seoul = demo_config().site
    old = winter(seoul)
    begin = datetime(2006, 2, 15, 3, tzinfo=UTC)
    old.time_utc_s[:] += begin.timestamp() - NOVEMBER_UTC_S
    path = tmp_path / "winter.csv"
    write_weather_csv(path, old)
    storm = measured_storm(path, seoul, begin.timestamp() + 3600.0, begin.timestamp() + 86_400.0)
    played = datetime.fromtimestamp(storm.start_utc_s, UTC)
    assert played.isoformat() == "2034-02-15T04:00:00+00:00"
    assert played.weekday() == begin.weekday()
    assert storm.weather.time_utc_s[0] == begin.timestamp() + storm.later_s
    assert measured_storm(tmp_path / "new.csv", seoul, *_period(tmp_path, seoul)).later_s == 0.0


def _period(folder: Path, site: Site) -> tuple[float, float]:
    """A recent winter in `new.csv`, and its first day."""
    write_weather_csv(folder / "new.csv", winter(site))
    return NOVEMBER_UTC_S, NOVEMBER_UTC_S + 86_400.0


def test_zones_of_whole_hours() -> None:
    assert [zone_of(degrees) for degrees in (24.7, 5.8, -102.4, 127.0)] == [
        "Etc/GMT-2",
        "Etc/GMT",
        "Etc/GMT+7",
        "Etc/GMT-8",
    ]


def test_a_period_outside_the_file_is_refused(tmp_path: Path) -> None:
    seoul = demo_config().site
    path = tmp_path / "winter.csv"
    write_weather_csv(path, winter(seoul))
    with pytest.raises(DemoError, match="2022-11-01 00:00Z to 2023-01-29 23:00Z does not cover"):
        measured_storm(path, seoul, NOVEMBER_UTC_S - 86_400.0, NOVEMBER_UTC_S)
    for period in (["--from", "2022-11-05"], ["--from", "soon", "--to", "2022-11-06"]):
        result = CliRunner().invoke(demo, ["--weather", str(path), *period, "--report", str(tmp_path / "r")])
        assert result.exit_code == 2
        assert "2023-12-29" in result.output  # an example of what to write


@pytest.mark.data
def test_a_winter_of_each_place_in_the_data_can_be_played(data_dir: Path) -> None:
    own = demo_config().site
    files = {path.name.split("_")[1]: path for path in sorted((data_dir / "weather").glob("??_*_*.csv"))}
    assert files
    for path in files.values():
        site = site_of(path, own)
        assert (site == own) == path.name.startswith("kr_"), path.name
        series, _ = read_weather_csv(path, site)
        begin_utc_s = float(series.time_utc_s[0])
        assert measured_storm(path, site, begin_utc_s, begin_utc_s + 86_400.0).end_utc_s > begin_utc_s
