"""Readers on stored answers of the real services, and on answers broken the way networks break them."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Treatment
from supervisor.domain.zone import Site
from supervisor.weather.providers import kma_asos, kma_village, met_norway, openmeteo
from supervisor.weather.providers.files import TRACE_MM_H

SAMPLES = Path(os.environ.get("ROADHEAT_DATA", Path(__file__).parents[5] / "shared" / "data")) / "api_samples"
SEOUL = Site(name="seoul", timezone="Asia/Seoul", latitude=37.5665, longitude=126.978, elevation_m=86.0)
T0 = 1_767_225_600  # 2026-01-01T00:00:00Z


def sample(name: str) -> bytes:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip("stored answers are not here; set ROADHEAT_DATA")
    return path.read_bytes()


def open_meteo_answer(hours: int = 24, suffixes: tuple[str, ...] = ("",), **units: str) -> dict[str, Any]:
    hourly: dict[str, list[Any]] = {"time": [T0 + 3600 * i for i in range(hours)]}
    for s in suffixes:
        hourly |= {
            f"temperature_2m{s}": [-1.0] * hours,
            f"relative_humidity_2m{s}": [80] * hours,
            f"wind_speed_10m{s}": [2.0] * hours,
            f"cloud_cover{s}": [100] * hours,
            f"precipitation{s}": [0.0, 1.0] * (hours // 2),
            f"snowfall{s}": [0.0, 0.7] * (hours // 2),
        }
    names = {"temperature_2m": "°C", "relative_humidity_2m": "%", "wind_speed_10m": "m/s", "cloud_cover": "%"}
    names |= {"precipitation": "mm", "snowfall": "cm", **units}
    return {"latitude": 37.5, "longitude": 127.0, "elevation": 60.0, "hourly": hourly, "hourly_units": names}


def encode(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode()


# --- Open-Meteo


@pytest.mark.data
def test_open_meteo_new_york_answer() -> None:
    forecast = openmeteo.parse(sample("open_meteo/ny_combined_forecast.json"))
    (series,) = forecast.members
    raw = json.loads(sample("open_meteo/ny_combined_forecast.json"))["hourly"]
    assert len(series) == 336
    # this answer has hours of snow with 0.0 mm of precipitation: the snow is believed
    expected = [p or s / 0.7 for p, s in zip(raw["precipitation"], raw["snowfall"], strict=True)]
    np.testing.assert_allclose(series.precipitation_mm_h, expected)
    assert series.snow_fraction[5] == 1.0
    assert series.wind_m_s[0] == pytest.approx(raw["wind_speed_10m"][0] / 3.6)  # the answer says km/h
    assert forecast.treated[Treatment.ESTIMATED, "shortwave_w_m2"] == 336


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "missing"),
    [("linecast_forecast", "dew_point_c"), ("response_melbourne_2025-05-09_real", "cloud_fraction")],
)
def test_open_meteo_answers_without_a_column_are_estimated_and_say_so(name: str, missing: str) -> None:
    forecast = openmeteo.parse(sample(f"open_meteo/{name}.json"))
    assert forecast.treated[Treatment.ESTIMATED, missing] == len(forecast.members[0])
    assert forecast.treated.degraded


@pytest.mark.data
def test_an_open_meteo_answer_that_cannot_drive_a_road_says_what_is_missing() -> None:
    with pytest.raises(WeatherError) as caught:
        openmeteo.parse(sample("open_meteo/alaska_snow_daily_synthetic.json"))
    assert "hourly" in caught.value.where


def test_open_meteo_converts_the_units_that_the_answer_names() -> None:
    answer = open_meteo_answer(temperature_2m="°F", wind_speed_10m="km/h", precipitation="inch")
    series = openmeteo.parse(encode(answer)).members[0]
    assert series.air_c[0] == pytest.approx((-1.0 - 32) / 1.8)
    assert series.wind_m_s[0] == pytest.approx(2.0 / 3.6)
    assert series.precipitation_mm_h[1] == pytest.approx(25.4)
    answer["hourly_units"]["wind_speed_10m"] = "furlong/h"
    with pytest.raises(WeatherError, match="furlong"):
        openmeteo.parse(encode(answer))


def test_open_meteo_ensemble_members() -> None:
    forecast = openmeteo.parse(encode(open_meteo_answer(suffixes=("", "_member01", "_member02"))))
    assert len(forecast.members) == 3
    assert (forecast.members[2].snow_fraction[1::2] == 1.0).all()


def test_open_meteo_local_times_are_moved_to_utc() -> None:
    answer = open_meteo_answer()
    answer["hourly"]["time"] = [f"2026-01-01T{i:02d}:00" for i in range(24)]
    answer["utc_offset_seconds"] = 9 * 3600
    assert openmeteo.parse(encode(answer)).members[0].time_utc_s[0] == T0 - 9 * 3600


def test_open_meteo_nulls_beyond_the_model_end_the_series() -> None:
    answer = open_meteo_answer()
    for key in ("temperature_2m", "precipitation", "wind_speed_10m"):
        answer["hourly"][key][20:] = [None] * 4
    assert len(openmeteo.parse(encode(answer)).members[0]) == 20


def test_open_meteo_faults_are_named() -> None:
    answer = open_meteo_answer()
    answer["hourly"]["temperature_2m"] = [271.15] * 24
    with pytest.raises(WeatherError, match=r"temperature_2m at 2026-01-01T00:00:00Z: 271.15 .* looks like kelvin"):
        openmeteo.parse(encode(answer))
    answer["hourly"]["temperature_2m"] = [1.0] * 23
    with pytest.raises(WeatherError, match="23 values, want 24"):
        openmeteo.parse(encode(answer))
    with pytest.raises(WeatherError, match="too many"):
        openmeteo.parse(encode({"error": True, "reason": "too many requests"}))
    answer = open_meteo_answer()
    del answer["hourly"]["temperature_2m"]
    with pytest.raises(WeatherError, match="temperature_2m: missing"):
        openmeteo.parse(encode(answer))


@given(cut=st.integers(0, 400))
def test_a_cut_answer_is_never_half_read(cut: int) -> None:
    body = encode(open_meteo_answer())
    with pytest.raises(WeatherError, match="not whole JSON"):
        openmeteo.parse(body[: min(cut, len(body) - 1)])


# --- MET Norway


@pytest.mark.data
@pytest.mark.parametrize("name", ["compact_newyork", "complete_london_2020-07-20"])
def test_met_norway_answers(name: str) -> None:
    raw = json.loads(sample(f"met_norway/locationforecast_{name}.json"))["data"]
    forecast = met_norway.parse(encode(raw))
    (series,) = forecast.members
    assert len(series) == 56  # hourly part only
    assert (np.diff(series.time_utc_s) == 3600).all()
    assert forecast.issued_utc_s == 1_595_208_657
    assert 600 < series.shortwave_w_m2.max() < 1000


def test_met_norway_precipitation_moves_to_the_end_of_its_hour() -> None:
    rows = []
    for i, symbol in enumerate(["cloudy", "heavysnow", "lightsleet", "rain", "cloudy"]):
        details = {"air_temperature": 1.0, "relative_humidity": 90.0, "wind_speed": 2.0, "cloud_area_fraction": 90.0}
        amount = 0.0 if symbol == "cloudy" else 1.5
        hour = {"summary": {"symbol_code": symbol}, "details": {"precipitation_amount": amount}}
        instant = {"details": {**details, "air_pressure_at_sea_level": 1010.0}}
        rows.append({"time": f"2026-01-01T{i:02d}:00:00Z", "data": {"instant": instant, "next_1_hours": hour}})
    answer = {
        "geometry": {"coordinates": [10.7, 59.9, 94]},
        "properties": {"meta": {"updated_at": "2026-01-01T00:00:00Z", "units": {}}, "timeseries": rows},
    }
    series = met_norway.parse(encode(answer)).members[0]
    assert series.precipitation_mm_h.tolist() == [0, 0, 1.5, 1.5, 1.5]
    assert series.snow_fraction[2:].tolist() == [1.0, 0.5, 0.0]
    answer["properties"]["meta"]["units"] = {"wind_speed": "knots"}
    with pytest.raises(WeatherError, match="knots"):
        met_norway.parse(encode(answer))
    answer["properties"]["meta"]["units"] = {}
    del rows[2]["data"]["instant"]
    forecast = met_norway.parse(encode(answer))
    assert forecast.treated[Treatment.DROPPED, "hour"] == 1
    assert forecast.members[0].time_utc_s.tolist() == series.time_utc_s.tolist()
    del answer["properties"]["timeseries"]
    with pytest.raises(WeatherError, match="format has changed"):
        met_norway.parse(encode(answer))


# --- KMA


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("강수없음", 0.0),
        ("적설없음", 0.0),
        ("1.0mm 미만", 0.5),
        ("1mm 미만", 0.5),
        ("0.5cm 미만", 0.25),
        ("1.0mm", 1.0),
        ("12.5", 12.5),
        ("30.0~50.0mm", 40.0),
        ("50.0mm 이상", 50.0),
        ("5.0cm 이상", 5.0),
    ],
)
def test_korean_amounts(text: str, value: float) -> None:
    assert kma_village.amount(text) == value


@given(st.text(max_size=12))
def test_other_texts_are_amounts_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        value = kma_village.amount(text)
        assert value >= 0.0 or np.isnan(value)  # classes and codes of missing values


def test_grid_points_of_the_guide() -> None:
    assert kma_village.grid_of(37.5665, 126.978) == (60, 127)  # Seoul
    assert kma_village.grid_of(35.1796, 129.0756) == (98, 76)  # Busan


def village(rows: list[dict[str, str]]) -> bytes:
    items = [
        {
            "baseDate": "20250111",
            "baseTime": "1100",
            "fcstDate": "20250111",
            "fcstTime": f"{12 + i}00",
            "category": k,
            "fcstValue": v,
        }
        for i, row in enumerate(rows)
        for k, v in row.items()
    ]
    body = {"items": {"item": items}}
    return json.dumps({"response": {"header": {"resultCode": "00"}, "body": body}}).encode()


CALM = {"TMP": "-3", "REH": "50", "WSD": "1.4", "SKY": "1", "PTY": "0", "PCP": "강수없음", "SNO": "적설없음"}


def test_village_forecast_rows() -> None:
    snow = {**CALM, "SKY": "4", "PTY": "3", "PCP": "1mm 미만", "SNO": "2.0cm", "WAV": "-999"}
    forecast = kma_village.parse(village([CALM, snow, {**CALM, "PTY": "2", "PCP": "3.0mm"}]), SEOUL)
    (series,) = forecast.members
    assert forecast.issued_utc_s == 1_736_560_800  # 11:00 in Seoul
    assert series.time_utc_s[0] == forecast.issued_utc_s + 3600
    assert series.precipitation_mm_h.tolist() == [0.0, 2.0, 3.0]
    assert series.snow_fraction[1:].tolist() == [1.0, 0.5]
    assert series.cloud_fraction[1] == 0.95
    assert series.shortwave_w_m2[1] < 0.5 * series.shortwave_w_m2[0]


@pytest.mark.data
def test_village_sample_is_understood() -> None:
    """The stored answer has one hour: its items are read, and one hour is refused as no forecast."""
    body = sample("kma/getVilageFcst_seoul_20250111T1100_nx60_ny127.json")
    assert {i["category"] for i in kma_village.items_of(body, "kma")} >= {"TMP", "PCP", "SNO", "PTY", "SKY"}
    with pytest.raises(WeatherError, match="at least two rows"):
        kma_village.parse(body, SEOUL)


def test_village_errors_carry_the_services_words() -> None:
    xml = "<cmmMsgHeader><returnAuthMsg>SERVICE_KEY_IS_NOT_REGISTERED_ERROR</returnAuthMsg></cmmMsgHeader>"
    with pytest.raises(WeatherError, match="SERVICE_KEY_IS_NOT_REGISTERED"):
        kma_village.parse(xml.encode(), SEOUL)
    answer = {"response": {"header": {"resultCode": "03", "resultMsg": "NO_DATA"}}}
    with pytest.raises(WeatherError, match="03 NO_DATA"):
        kma_village.parse(encode(answer), SEOUL)
    odd = {**CALM, "PCP": "조금"}
    with pytest.raises(WeatherError, match=r"PCP at 2025-01-11T03:00Z"):
        kma_village.parse(village([odd, odd, CALM]), SEOUL)


def test_newest_issue_is_one_that_is_out() -> None:
    eleven = 1_736_560_800.0  # 2025-01-11 11:00 in Seoul
    assert f"{kma_village.newest_base(eleven + 300):%d %H}" == "11 08"
    assert f"{kma_village.newest_base(eleven + 1200):%d %H}" == "11 11"
    assert f"{kma_village.newest_base(eleven - 10 * 3600):%d %H}" == "10 23"


@pytest.mark.data
def test_asos_snowstorm_of_january_2021() -> None:
    series, treated = kma_asos.parse(sample("kma/kma_sfctm3_seoul_20210106_snow_excerpt.csv"), SEOUL)
    assert series.time_utc_s[0] == 1_609_923_600  # 18:00 in Seoul
    np.testing.assert_allclose(series.precipitation_mm_h, [0, TRACE_MM_H, 1.0, 1.2, 0.1, TRACE_MM_H, TRACE_MM_H])
    assert (series.snow_fraction[1:] == 1.0).all()
    assert treated[Treatment.REPAIRED, "trace of snow"] == 3


def asos_row(hour: int, **changes: str) -> str:
    cells = dict.fromkeys(kma_asos.HEADER.split(), "-9")
    cells |= {"TM": f"20210107{hour:02d}00", "STN": "108", "WS": "2.0", "PA": "1008.0", "TA": "-12.0", "TD": "-16.0"}
    cells |= {"HM": "72.0", "CA_TOT": "3", "WW": "-", "IR": "3", **changes}
    return " ".join(cells.values())


def asos(*rows: str) -> bytes:
    return ("#START7777\n# 관측시각\n" + "\n".join(rows) + "\n#7777END\n").encode("euc-kr")


def test_asos_lost_minus_signs_are_restored_by_humidity() -> None:
    rows = [asos_row(1), asos_row(2, TA="12.0"), asos_row(3, TA="12.0", TD="16.0"), asos_row(4, TA="-9.0", TD="-13.1")]
    series, treated = kma_asos.parse(asos(*rows), SEOUL)
    assert series.air_c.tolist() == [-12.0, -12.0, -12.0, -9.0]
    assert (series.dew_point_c < series.air_c).all()
    assert treated[Treatment.REPAIRED, "minus sign"] == 2


def test_asos_day_totals_become_hours() -> None:
    totals = [("22", "3.0"), ("23", "4.5"), ("00", "5.0"), ("01", "0.5"), ("02", "0.5")]
    rows = []
    for i, (hour, total) in enumerate(totals):
        rows.append(asos_row(0, TM=f"202101{7 if i < 2 else 8:02d}{hour}00", RN_DAY=total))
    series, _ = kma_asos.parse(asos(*rows), SEOUL)
    assert series.precipitation_mm_h.tolist() == [0.0, 1.5, 0.5, 0.5, 0.0]
    with pytest.raises(WeatherError, match="fields"):
        kma_asos.parse(b"<html>error</html>", SEOUL)
