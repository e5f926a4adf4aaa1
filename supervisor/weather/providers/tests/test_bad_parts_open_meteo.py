"""A bad part of an answer of Open-Meteo is dropped, derived or estimated and counted; the rest is used."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Treatment
from supervisor.weather.design_storm import SEOUL
from supervisor.weather.gate import LIMITS
from supervisor.weather.providers import kma_village, met_norway, openmeteo
from supervisor.weather.providers.tests.answers import SNOW, T0, dropped, estimated, met, open_meteo, read, village

GOOD = read(open_meteo()).members[0]


def test_a_good_answer_is_not_degraded() -> None:
    assert not read(open_meteo(members=3)).treated.degraded
    assert not met_norway.parse(met(), SEOUL).treated.degraded
    assert not kma_village.parse(village(), SEOUL).treated.degraded


# --- Open-Meteo: precipitation and phase


def test_frost_makes_snow_of_what_is_called_rain() -> None:
    answer = open_meteo()
    answer["hourly"]["snowfall"] = [0.0] * 48
    forecast = read(answer)
    np.testing.assert_allclose(forecast.members[0].snow_fraction[SNOW], 1.0, atol=0.01)
    np.testing.assert_allclose(forecast.members[0].precipitation_mm_h[SNOW], 1.0)
    assert dropped(forecast) == {"snow_fraction": 8}


def test_snow_at_eight_degrees_is_rain() -> None:
    forecast = read(open_meteo(air_c=10.0))
    assert forecast.members[0].snow_fraction[SNOW].max() < 0.01
    assert dropped(forecast) == {"snow_fraction": 8}


def test_unknown_precipitation_is_what_the_snow_says() -> None:
    answer = open_meteo()
    answer["hourly"]["precipitation"][11:14] = [None] * 3
    answer["hourly"]["snowfall"][11:14] = [1.4] * 3
    forecast = read(answer)
    np.testing.assert_allclose(forecast.members[0].precipitation_mm_h[11:14], 2.0)
    assert estimated(forecast) == {"precipitation_mm_h": 3}


def test_unknown_precipitation_and_snow_is_what_the_weather_code_says() -> None:
    answer = open_meteo()
    answer["hourly"]["precipitation"] = answer["hourly"]["snowfall"] = [None] * 48
    series = read(answer).members[0]
    np.testing.assert_allclose(series.precipitation_mm_h, np.where(GOOD.precipitation_mm_h > 0, 1.5, 0.0))
    assert (series.snow_fraction[SNOW] > 0.99).all()


@pytest.mark.parametrize("hours", [1, 3, 6])
def test_a_gap_in_a_storm_is_a_storm(hours: int) -> None:
    answer = open_meteo()
    for key in ("precipitation", "snowfall", "weather_code"):
        answer["hourly"][key][11 : 11 + hours] = [None] * hours
    forecast = read(answer)
    np.testing.assert_allclose(forecast.members[0].precipitation_mm_h[11 : 11 + hours], 1.0)
    assert estimated(forecast)["precipitation_mm_h"] == hours


def test_precipitation_of_which_nothing_is_known_is_not_none() -> None:
    answer = open_meteo()
    for key in ("precipitation", "snowfall", "weather_code"):
        answer["hourly"][key] = [None] * 48
    with pytest.raises(WeatherError, match=r"hourly\.precipitation: missing"):
        read(answer)


# --- Open-Meteo: columns, hours, times


@pytest.mark.parametrize("how", ["null", "absent", "undefined unit", "text", "out of range", "code of missing"])
@pytest.mark.parametrize(
    ("key", "name", "near"),
    [
        ("relative_humidity_2m", "", 0.0),
        ("dew_point_2m", "", 1.0),
        ("wind_speed_10m", "wind_m_s", 1.5),
        ("surface_pressure", "pressure_pa", 2000.0),
        ("cloud_cover", "cloud_fraction", 1.0),
        ("shortwave_radiation", "shortwave_w_m2", 300.0),
        ("snowfall", "snow_fraction", 0.01),
    ],
)
def test_a_column_that_is_lost_is_derived_or_estimated(key: str, name: str, near: float, how: str) -> None:
    answer = open_meteo()
    values = {"null": None, "undefined unit": None, "text": "n/a", "out of range": 12_345.0, "code of missing": -9999}
    if how == "absent":
        del answer["hourly"][key]
    else:
        answer["hourly"][key] = [values[how]] * 48
    if how == "undefined unit":
        answer["hourly_units"][key] = "undefined"
    forecast = read(answer)
    series = forecast.members[0]
    assert len(series) == 48
    if name:
        assert np.abs(getattr(series, name) - getattr(GOOD, name)).max() <= near
    np.testing.assert_array_equal(series.air_c, GOOD.air_c)
    np.testing.assert_array_equal(series.precipitation_mm_h, GOOD.precipitation_mm_h)
    np.testing.assert_allclose(series.snow_fraction[SNOW], 1.0, atol=0.01)
    if name not in ("", "snow_fraction"):
        treatment = Treatment.REPAIRED if name == "pressure_pa" else Treatment.ESTIMATED
        assert forecast.treated[treatment, name] == 48


def test_without_any_humidity_the_dew_point_is_on_the_moist_side() -> None:
    answer = open_meteo()
    answer["hourly"]["dew_point_2m"] = answer["hourly"]["relative_humidity_2m"] = [None] * 48
    forecast = read(answer)
    series = forecast.members[0]
    assert estimated(forecast) == {"dew_point_c": 48}
    assert (series.dew_point_c <= series.air_c).all()
    assert (series.dew_point_c >= GOOD.air_c.min() - 1e-9).all()  # dew or hoar frost is expected, not overlooked
    assert (series.air_c - series.dew_point_c)[SNOW].max() < 1.6  # 90 % while it snows


@pytest.mark.parametrize("value", [None, "x", 9999, -9999, 400.0, True])
def test_one_hour_of_a_column_is_interpolated(value: Any) -> None:
    answer = open_meteo()
    answer["hourly"]["temperature_2m"][5] = value
    forecast = read(answer)
    np.testing.assert_allclose(forecast.members[0].air_c, GOOD.air_c)
    assert estimated(forecast) == {"air_c": 1}
    assert dropped(forecast) == ({} if value is None else {"air_c": 1})


def test_half_a_day_without_temperature_takes_the_day_before_and_longer_ends_the_forecast() -> None:
    answer = open_meteo(72)
    answer["hourly"]["temperature_2m"][28:38] = [None] * 10
    forecast = read(answer)
    np.testing.assert_allclose(forecast.members[0].air_c, read(open_meteo(72)).members[0].air_c)
    answer["hourly"]["temperature_2m"][28:42] = [None] * 14
    forecast = read(answer)
    assert forecast.members[0].time_utc_s.tolist() == [T0 + 3600.0 * i for i in range(42, 72)]
    assert dropped(forecast) == {"hour": 42}


def test_radiation_that_ends_early_comes_from_cloud() -> None:
    answer = open_meteo()
    answer["hourly"]["precipitation"][0] = None
    answer["hourly"]["weather_code"][0] = None
    answer["hourly"]["shortwave_radiation"][25:] = [None] * 23
    forecast = read(answer)
    series = forecast.members[0]
    assert len(series) == 48
    assert estimated(forecast) == {"precipitation_mm_h": 1, "shortwave_w_m2": 23}
    day = series.shortwave_w_m2[24:33]  # overcast at 09:00 to 17:00 in Seoul
    assert 50 < day.max() < 250


@pytest.mark.parametrize("fault", ["hour missing", "doubled", "backwards", "one wrong", "null", "text", "shifted"])
def test_times_are_put_in_order(fault: str) -> None:
    answer = open_meteo()
    hourly = answer["hourly"]
    columns = list(hourly.values())
    if fault == "hour missing":
        for values in columns:
            del values[12]
    elif fault == "doubled":
        for values in columns:
            values.insert(12, values[12])
    elif fault == "backwards":
        for values in columns:
            values[20], values[21] = values[21], values[20]
    else:
        hourly["time"][12] = {"one wrong": 4_000_000_000, "null": None, "text": "x", "shifted": T0 + 12 * 3600 + 600}[
            fault
        ]
    forecast = read(answer)
    series = forecast.members[0]
    assert series.time_utc_s.tolist() == GOOD.time_utc_s.tolist()
    np.testing.assert_allclose(series.precipitation_mm_h, GOOD.precipitation_mm_h)
    np.testing.assert_allclose(series.air_c, GOOD.air_c)
    assert forecast.treated.degraded == (fault != "backwards")


def test_kelvin_and_pascal_are_read_where_the_answer_names_them() -> None:
    answer = open_meteo()
    answer["hourly"]["temperature_2m"] = [t + 273.15 for t in answer["hourly"]["temperature_2m"]]
    answer["hourly_units"]["temperature_2m"] = "K"
    np.testing.assert_allclose(read(answer).members[0].air_c, GOOD.air_c)
    answer["hourly_units"]["temperature_2m"] = "undefined"
    with pytest.raises(WeatherError, match=r"temperature_2m: unit 'undefined'"):
        read(answer)


def test_no_numbers_against_the_standard_are_nulls() -> None:
    body = json.dumps(open_meteo()).replace('{"latitude"', '{"current_weather":{"temperature":nan},"latitude"')
    body = body.replace('"temperature_2m": [-5.0', '"temperature_2m": [NaN')
    forecast = openmeteo.parse(body.encode(), T0, SEOUL)
    assert estimated(forecast) == {"air_c": 1}


def test_an_answer_with_the_server_s_error_at_its_end_is_refused() -> None:
    body = json.dumps(open_meteo()).encode()
    for broken in (body + b"Unexpected error while streaming data: timeoutReached", body[:2000] + b"Unexpected error"):
        with pytest.raises(WeatherError, match="not whole JSON"):
            openmeteo.parse(broken, T0, SEOUL)


def test_a_unit_of_another_quantity_is_refused_where_it_is_needed() -> None:
    answer = open_meteo()
    answer["hourly_units"]["temperature_2m"] = "inch"
    with pytest.raises(WeatherError, match=r"temperature_2m: unit 'inch' is not one of air_c"):
        read(answer)


def test_snowfall_in_inches_is_the_same_snow() -> None:
    usual, answer = open_meteo(), open_meteo()
    answer["hourly_units"]["snowfall"] = "inch"
    answer["hourly"]["snowfall"] = [cm / 2.54 for cm in answer["hourly"]["snowfall"]]
    np.testing.assert_allclose(read(answer).members[0].snow_fraction, read(usual).members[0].snow_fraction, atol=1e-6)


def test_a_derived_dew_point_and_sky_stay_possible_in_impossible_heat() -> None:
    answer = open_meteo(air_c=59.0)
    del answer["hourly"]["dew_point_2m"]
    answer["hourly"]["relative_humidity_2m"] = [100] * 48
    answer["hourly"]["precipitation"] = [0.0] * 48
    member = read(answer).members[0]
    assert member.dew_point_c.max() <= LIMITS["dew_point_c"].high
    assert member.longwave_w_m2.max() <= LIMITS["longwave_w_m2"].high
