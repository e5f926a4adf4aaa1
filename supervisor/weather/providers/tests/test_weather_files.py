"""Weather files: what is refused and where, what is repaired and counted, and that writing gives back what was read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Treatment
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.providers.files import TRACE_MM_H, read_weather_csv, write_weather_csv

DATA = Path(os.environ.get("ROADHEAT_DATA", Path(__file__).parents[5] / "shared" / "data")) / "weather"
START = 1_703_894_400  # 2023-12-30T00:00:00Z
HEADER = (
    "time_utc,air_temperature_degC,dew_point_degC,relative_humidity_pct,wind_speed_m_s,pressure_Pa,"
    "shortwave_down_W_m2,longwave_down_W_m2,longwave_down_est_W_m2,cloud_fraction,precipitation_mm_h,"
    "snowfall_fraction,phase_source,precip_type,snow_depth_m,ground_surface_temperature_degC,filled"
)
NAMES = HEADER.split(",")


def table(rows: int = 12) -> list[dict[str, str]]:
    """Hourly rows of a mild winter day."""
    result = []
    for i in range(rows):
        row = dict.fromkeys(NAMES, "")
        row.update(
            time_utc=str(np.datetime64(START + 3600 * i, "s")) + "Z",
            air_temperature_degC=f"{2 - 0.1 * i:.1f}",
            dew_point_degC=f"{-1 - 0.1 * i:.1f}",
            relative_humidity_pct="75",
            wind_speed_m_s="2.0",
            pressure_Pa="101000",
            shortwave_down_W_m2="100",
            longwave_down_est_W_m2="280",
            cloud_fraction="0.5",
            precipitation_mm_h="0",
            filled="0",
        )
        result.append(row)
    return result


def save(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("\n".join([HEADER, *(",".join(row[n] for n in NAMES) for row in rows)]) + "\n")
    return path


WRONG = [
    ("air_temperature_degC", 3, "999", "code for a missing value"),
    ("air_temperature_degC", 3, "NaN", "is not a number"),
    ("air_temperature_degC", 3, "271.4", "kelvin"),
    ("wind_speed_m_s", 5, "9999", "code for a missing value"),
    ("pressure_Pa", 2, "1010", "hPa"),
    ("pressure_Pa", 2, "760", "mmHg"),
    ("cloud_fraction", 4, "80", "percent"),
    ("cloud_fraction", 4, "8", "tenths"),
    ("shortwave_down_W_m2", 7, "1500", "not within"),
    ("precipitation_mm_h", 1, "-0.5", "not within"),
    ("dew_point_degC", 6, "5.0", "above air temperature"),
    ("snowfall_fraction", 6, "1.2", "percent"),
    ("time_utc", 4, "2023-12-30 at four", "is not a time"),
    ("time_utc", 4, "2023-12-30T04:00:00", "no time zone"),
]


@pytest.mark.parametrize(("column", "row", "value", "message"), WRONG)
def test_a_wrong_value_is_refused_by_column_and_line(
    tmp_path: Path, column: str, row: int, value: str, message: str
) -> None:
    rows = table()
    rows[row][column] = value
    with pytest.raises(WeatherError) as caught:
        read_weather_csv(save(tmp_path / "w.csv", rows))
    assert message in str(caught.value)
    assert f"column {column}, line {row + 2}" in caught.value.where
    assert caught.value.remedy


@pytest.mark.parametrize(("column", "row", "value", "_"), WRONG)
def test_the_running_service_goes_on_without_a_wrong_value(
    tmp_path: Path, column: str, row: int, value: str, _: str
) -> None:
    rows = table()
    good, _ = read_weather_csv(save(tmp_path / "w.csv", rows), strict=False)
    rows[row][column] = value
    series, treated = read_weather_csv(save(tmp_path / "w.csv", rows), strict=False)
    assert sum(treated.of(Treatment.DROPPED).values()) == 1
    assert series.time_utc_s.tolist() == good.time_utc_s.tolist()
    for name in ("air_c", "wind_m_s", "cloud_fraction", "precipitation_mm_h"):
        np.testing.assert_allclose(getattr(series, name), getattr(good, name), atol=1e-6)
    np.testing.assert_allclose(series.dew_point_c, good.dew_point_c, atol=1.0)  # the table's humidity is a rounder one


@pytest.mark.parametrize(
    ("minutes", "message"),
    [(0, "duplicate"), (-90, "backwards"), (300, "gap of 6.0 h"), (17, "off the 3600 s grid")],
)
def test_a_wrong_time_is_refused_by_line(tmp_path: Path, minutes: int, message: str) -> None:
    rows = table()
    for i in range(6, 12):  # the sixth hour's row moves to `minutes` after the fifth's; the rest follow it
        shifted = START + 5 * 3600 + minutes * 60 + (3600 if minutes > 60 else 0) + (i - 6) * 3600
        rows[i]["time_utc"] = str(np.datetime64(shifted, "s")) + "Z"
    with pytest.raises(WeatherError) as caught:
        read_weather_csv(save(tmp_path / "w.csv", rows))
    assert message in caught.value.message
    assert "column time_utc, line 8" in caught.value.where


def test_short_holes_are_repaired_and_counted(tmp_path: Path) -> None:
    rows = table()
    for i in (4, 5):
        rows[i]["air_temperature_degC"] = ""
    rows[8]["precipitation_mm_h"] = ""
    del rows[10]
    series, treated = read_weather_csv(save(tmp_path / "w.csv", rows))
    assert len(series) == 12
    assert series.air_c[4] == pytest.approx(1.6)
    assert treated[Treatment.ESTIMATED, "air_c"] == 3  # two cells and the row left out
    assert treated[Treatment.ESTIMATED, "hour"] == 1
    assert series.precipitation_mm_h[8] == 0.0


def test_a_long_hole_in_temperature_is_refused(tmp_path: Path) -> None:
    rows = table()
    for i in range(4, 8):
        rows[i]["air_temperature_degC"] = ""
    with pytest.raises(WeatherError, match=r"line 6: missing for 4.0 h"):
        read_weather_csv(save(tmp_path / "w.csv", rows))


def test_a_dead_sun_sensor_takes_the_neighbouring_days(tmp_path: Path) -> None:
    rows = table(72)
    for i in range(30, 40):
        rows[i]["shortwave_down_W_m2"] = ""
        rows[i + 24]["shortwave_down_W_m2"] = "300"
    series, treated = read_weather_csv(save(tmp_path / "w.csv", rows))
    assert series.shortwave_w_m2[30] == pytest.approx(200.0)
    assert treated.of(Treatment.ESTIMATED)["shortwave_w_m2"] == 10


def test_traces_of_snow_are_less_than_a_tenth_of_a_millimetre(tmp_path: Path) -> None:
    rows = table()
    rows[3]["precip_type"] = "snow"
    series, treated = read_weather_csv(save(tmp_path / "w.csv", rows))
    assert series.precipitation_mm_h[3] == TRACE_MM_H < 0.1
    assert series.snow_fraction[3] == 1.0
    assert treated[Treatment.REPAIRED, "trace of snow"] == 1


def test_dead_columns_are_refused(tmp_path: Path) -> None:
    rows = table(48)
    for i, row in enumerate(rows):
        row["dew_point_degC"] = row["air_temperature_degC"] = f"{4 - 0.2 * i:.1f}"
    with pytest.raises(WeatherError, match="dew point equals air"):
        read_weather_csv(save(tmp_path / "td.csv", rows))
    rows = table(48)
    for i, row in enumerate(rows):
        row["cloud_fraction"], row["precipitation_mm_h"] = "0", "0.5" if i > 40 else "0"
    with pytest.raises(WeatherError, match="cloud is zero"):
        read_weather_csv(save(tmp_path / "cloud.csv", rows))


def test_mercury_written_as_hectopascals_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    storm = design_storm(START, hours=12)
    write_weather_csv(path, replace(storm, pressure_pa=storm.pressure_pa * 0.75006))
    with pytest.raises(WeatherError, match="mmHg"):
        read_weather_csv(path, SEOUL)


def test_a_clock_shifted_by_the_time_zone_is_refused_by_the_sun(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    storm = design_storm(START, hours=48)
    write_weather_csv(path, storm)
    read_weather_csv(path, SEOUL)
    write_weather_csv(path, replace(storm, time_utc_s=storm.time_utc_s + 9 * 3600))
    with pytest.raises(WeatherError, match="when it is night"):
        read_weather_csv(path, SEOUL)


@pytest.mark.parametrize("cut", ["header", "row", "bytes"])
def test_a_broken_table_is_refused(tmp_path: Path, cut: str) -> None:
    path = save(tmp_path / "w.csv", table())
    text = path.read_text()
    if cut == "header":
        path.write_text(text.replace("wind_speed_m_s", "wind"))
    elif cut == "row":
        path.write_text(text[:-30])
    else:
        path.write_bytes(b"\xff\xfe\x00" + text.encode("utf-16-le"))
    with pytest.raises(WeatherError) as caught:
        read_weather_csv(path)
    assert str(path) in caught.value.where


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), hours=st.integers(6, 40))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, seed: int, hours: int) -> None:
    path = tmp_path_factory.mktemp("w") / "storm.csv"
    storm = design_storm(START, hours=hours, seed=seed)
    write_weather_csv(path, storm)
    again, treated = read_weather_csv(path)
    assert set(treated) <= {(Treatment.REPAIRED, "dew_point_c")}  # rounded to just above the air
    for name, tolerance in (
        ("time_utc_s", 0),
        ("air_c", 0.006),
        ("precipitation_mm_h", 1e-4),
        ("longwave_w_m2", 0.006),
    ):
        np.testing.assert_allclose(getattr(again, name), getattr(storm, name), atol=tolerance, rtol=0)


WINTERS = [
    "kr_seoul_2021-22",
    "kr_seoul_2023_octdec",
    "ee_tallinn_2022-23",
    "fr_coldeporte_2005-06",
    "ca_smithcreek_2009-10",
    "ch_davos_2014_octdec",
]


@pytest.mark.data
@pytest.mark.parametrize("name", WINTERS)
def test_measured_winters_are_read(name: str) -> None:
    path = DATA / f"{name}.csv"
    if not path.exists():
        pytest.skip("measured weather is not here; set ROADHEAT_DATA")
    series, treated = read_weather_csv(path)
    assert len(series) > 2000
    for values in vars(series).values():
        assert np.isfinite(values).all()
    assert (series.dew_point_c <= series.air_c).all()
    if name == "kr_seoul_2023_octdec":  # the README's hole of 37 h in the wind, and its 12.2 cm storm of 30 December
        assert treated[Treatment.ESTIMATED, "wind_m_s"] == 37
        assert series.precipitation_mm_h.max() > 5
