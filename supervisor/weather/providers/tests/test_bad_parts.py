"""A bad part of an answer is dropped, derived or estimated and counted; the rest is used."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Treatment
from supervisor.domain.weather import Forecast
from supervisor.weather.design_storm import SEOUL
from supervisor.weather.gate import LIMITS
from supervisor.weather.providers import kma_asos, kma_village, met_norway, openmeteo
from supervisor.weather.providers.tests.test_fetch import asos_day

T0 = 1_767_225_600  # 2026-01-01T00:00:00Z
SNOW = slice(10, 18)  # hours of 1 mm/h


def open_meteo(hours: int = 48, members: int = 1, air_c: float = -5.0) -> dict[str, Any]:
    """A frost with eight hours of snow, the same in all members."""
    hourly: dict[str, list[Any]] = {"time": [T0 + 3600 * i for i in range(hours)]}
    for k in range(members):
        suffix = f"_member{k:02d}" if k else ""
        rain = [1.0 if SNOW.start <= i < SNOW.stop else 0.0 for i in range(hours)]
        for key, values in {
            "temperature_2m": [air_c - 0.1 * (i % 24) for i in range(hours)],
            "dew_point_2m": [air_c - 4.0] * hours,
            "relative_humidity_2m": [80] * hours,
            "wind_speed_10m": [2.0] * hours,
            "surface_pressure": [1010.0] * hours,
            "cloud_cover": [100] * hours,
            "shortwave_radiation": [0.0] * hours,
            "precipitation": rain,
            "snowfall": [0.7 * r for r in rain],
            "weather_code": [73 if r else 3 for r in rain],
        }.items():
            hourly[key + suffix] = values
    units = {
        "temperature_2m": "°C", "dew_point_2m": "°C", "relative_humidity_2m": "%", "wind_speed_10m": "m/s",
        "surface_pressure": "hPa", "cloud_cover": "%", "shortwave_radiation": "W/m²", "precipitation": "mm",
        "snowfall": "cm", "weather_code": "wmo code",
    }  # fmt: skip
    return {"latitude": 37.5, "longitude": 127.0, "elevation": 60.0, "hourly": hourly, "hourly_units": units}


def read(answer: dict[str, Any]) -> Forecast:
    return openmeteo.parse(json.dumps(answer).encode(), T0, SEOUL)


GOOD = read(open_meteo()).members[0]


def estimated(forecast: Forecast) -> dict[str, int]:
    return forecast.treated.of(Treatment.ESTIMATED)


def dropped(forecast: Forecast) -> dict[str, int]:
    return forecast.treated.of(Treatment.DROPPED)


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


# --- members


def test_a_control_run_that_ends_two_days_early_is_dropped() -> None:
    answer = open_meteo(96, members=3)
    for key, values in answer["hourly"].items():
        if "_member" not in key and key != "time":
            values[48:] = [None] * 48
    forecast = read(answer)
    assert [len(member) for member in forecast.members] == [96, 96]
    assert (forecast.members_missing, forecast.members_offered) == (1, 3)


@pytest.mark.parametrize(
    "part", ["hole", "temperature null", "precipitation absent", "cut short", "kelvin", "all absent"]
)
def test_one_bad_member_of_twenty_costs_itself_only(part: str) -> None:
    answer = open_meteo(members=20)
    hourly = answer["hourly"]
    if part == "hole":
        hourly["temperature_2m_member07"][20:26] = [None] * 6
    elif part == "temperature null":
        hourly["temperature_2m_member07"] = [None] * 48
    elif part == "precipitation absent":
        for key in ("precipitation", "snowfall", "weather_code"):
            del hourly[f"{key}_member07"]
    elif part == "cut short":
        del hourly["temperature_2m_member07"][40:]
    elif part == "kelvin":
        hourly["temperature_2m_member07"] = [t + 273.15 for t in hourly["temperature_2m_member07"]]
    else:
        for key in [key for key in hourly if key.endswith("_member07") and not key.startswith("wind")]:
            del hourly[key]
    forecast = read(answer)
    assert len(forecast.members) == 19
    assert (forecast.members_missing, forecast.members_offered) == (1, 20)
    np.testing.assert_array_equal(forecast.members[7].air_c, GOOD.air_c)


def test_a_member_borrows_what_the_others_know_better_than_an_assumption() -> None:
    answer = open_meteo(members=5)
    answer["hourly"]["wind_speed_10m_member02"] = [None] * 48
    answer["hourly"]["precipitation_member03"][46:] = [None] * 2
    forecast = read(answer)
    assert len(forecast.members) == 5
    np.testing.assert_allclose(forecast.members[2].wind_m_s, 2.0)
    assert {len(member) for member in forecast.members} == {48}
    assert estimated(forecast) == {"wind_m_s": 48, "precipitation_mm_h": 2}


def test_holes_in_most_members_are_filled_rather_than_leaving_two() -> None:
    answer = open_meteo(members=20)
    for k in range(2, 20):
        answer["hourly"][f"temperature_2m_member{k:02d}"][20:25] = [None] * 5
    forecast = read(answer)
    assert len(forecast.members) == 20
    np.testing.assert_allclose(forecast.members[9].air_c, GOOD.air_c)
    assert estimated(forecast) == {"air_c": 90}


# --- MET Norway


def met(hours: int = 30, air_c: float = -3.0, **changes: dict[int, Any]) -> bytes:
    """Rows with 1 mm of snow in the hours 4 to 7; `changes`: row → what its `data` becomes (None: no such row)."""
    rows = []
    for i in range(hours):
        details = {
            "air_temperature": air_c, "dew_point_temperature": air_c - 1.0, "relative_humidity": 92.0,
            "wind_speed": 2.0, "air_pressure_at_sea_level": 1015.0, "cloud_area_fraction": 100.0,
        }  # fmt: skip
        wet = 4 <= i < 8
        ahead = {
            "summary": {"symbol_code": "snow" if wet else "cloudy"},
            "details": {"precipitation_amount": 1.0 * wet},
        }
        data: Any = {"instant": {"details": details}, "next_1_hours": ahead}
        data = changes["data"](i, data) if "data" in changes else data
        if data is not None:
            rows.append({"time": f"2026-01-{10 + i // 24}T{i % 24:02d}:00:00Z", "data": data})
    properties = {
        "meta": {"updated_at": "2026-01-10T00:10:00Z", "units": dict(met_norway.UNITS)},
        "timeseries": rows,
    }
    answer = {"type": "Feature", "geometry": {"coordinates": [127.0, 37.6, 60]}, "properties": properties}
    return json.dumps(answer).encode()


MET = met_norway.parse(met(), SEOUL).members[0]


def test_an_hour_without_its_precipitation_does_not_end_the_forecast() -> None:
    def without(i: int, data: dict[str, Any]) -> dict[str, Any]:
        return {"instant": data["instant"]} if i == 6 else data

    forecast = met_norway.parse(met(data=without), SEOUL)  # type: ignore[arg-type]
    assert len(forecast.members[0]) == len(MET)
    np.testing.assert_allclose(forecast.members[0].precipitation_mm_h, MET.precipitation_mm_h)
    assert estimated(forecast) == {"precipitation_mm_h": 1}


def test_an_hour_without_its_precipitation_is_what_six_hours_leave_for_it() -> None:
    def six(i: int, data: dict[str, Any]) -> dict[str, Any]:
        if i == 6:
            return {"instant": data["instant"], "next_6_hours": {"details": {"precipitation_amount": 4.0}}}
        return data

    forecast = met_norway.parse(met(data=six), SEOUL)  # type: ignore[arg-type]
    assert forecast.members[0].precipitation_mm_h[7] == pytest.approx(3.0)  # the seventh hour has 1 mm, the others none


def test_a_row_that_is_missing_is_bridged() -> None:
    forecast = met_norway.parse(met(data=lambda i, data: None if i == 5 else data), SEOUL)  # type: ignore[arg-type]
    np.testing.assert_allclose(forecast.members[0].air_c, MET.air_c)
    np.testing.assert_allclose(forecast.members[0].precipitation_mm_h, MET.precipitation_mm_h)
    assert forecast.treated.degraded


def test_a_snow_symbol_in_mild_air_is_not_believed() -> None:
    forecast = met_norway.parse(met(air_c=8.0), SEOUL)
    wet = forecast.members[0].precipitation_mm_h > 0
    assert wet.sum() == 4
    assert forecast.members[0].snow_fraction[wet].max() < 0.01


# --- KMA


def village(hours: int = 30, **changes: Any) -> bytes:
    """Hours with 1 mm and 1 cm in the hours 5 to 11; `changes["row"]`: (hour, its categories) → categories."""
    items = []
    for i in range(hours):
        day, clock = 10 + (i + 6) // 24, (i + 6) % 24
        wet = 5 <= i < 12
        row = {
            "TMP": "-4", "REH": "90", "WSD": "2.0", "SKY": "4", "PTY": "3" if wet else "0", "POP": "80",
            "PCP": "1.0mm" if wet else "강수없음", "SNO": "1.0cm" if wet else "적설없음",
        }  # fmt: skip
        row = changes["row"](i, row) if "row" in changes else row
        items += [
            {"baseDate": "20260110", "baseTime": "0500", "fcstDate": f"202601{day}", "fcstTime": f"{clock:02d}00",
             "category": category, "fcstValue": value}
            for category, value in row.items()
        ]  # fmt: skip
    items += changes.get("later", [])
    body = {"items": {"item": items[: changes.get("page", len(items))]}, "totalCount": len(items)}
    return json.dumps({"response": {"header": {"resultCode": "00"}, "body": body}}).encode()


KMA = kma_village.parse(village(), SEOUL).members[0]


def without(row: dict[str, str], category: str, **instead: str) -> dict[str, str]:
    return {**{key: value for key, value in row.items() if key != category}, **instead}


@pytest.mark.parametrize("value", [None, "-999", "900", "-", "결측"])
def test_missing_temperatures_are_interpolated_and_never_zero(value: str | None) -> None:
    def row(i: int, of: dict[str, str]) -> dict[str, str]:
        return of if i not in (3, 9, 10) else without(of, "TMP", **({} if value is None else {"TMP": value}))

    forecast = kma_village.parse(village(row=row), SEOUL)
    np.testing.assert_allclose(forecast.members[0].air_c, KMA.air_c)
    assert estimated(forecast) == {"air_c": 3}


@pytest.mark.parametrize("hour", [8, 14])
@pytest.mark.parametrize("value", ["-998.9", "조금", "2"])
def test_one_missing_amount_is_what_the_phase_says_of_it(value: str, hour: int) -> None:
    forecast = kma_village.parse(village(row=lambda i, of: {**of, "PCP": value} if i == hour else of), SEOUL)
    np.testing.assert_allclose(forecast.members[0].precipitation_mm_h, KMA.precipitation_mm_h)
    assert estimated(forecast) == {"precipitation_mm_h": 1}


def test_the_classes_of_the_fifth_day_do_not_reach_the_near_hours() -> None:
    classes = {"TMP": "-3", "REH": "80", "WSD": "1", "SKY": "4", "PTY": "3", "PCP": "1", "SNO": "2"}
    later = [
        {"baseDate": "20260110", "baseTime": "0500", "fcstDate": "20260112", "fcstTime": f"{clock:02d}00",
         "category": category, "fcstValue": value}
        for clock in range(2, 24, 3)
        for category, value in classes.items()
    ]  # fmt: skip
    for hours in (30, 42):
        series = kma_village.parse(village(hours, later=later), SEOUL).members[0]
        assert len(series) == hours
        np.testing.assert_array_equal(series.precipitation_mm_h[:30], KMA.precipitation_mm_h)
        assert not series.precipitation_mm_h[30:].any()


def test_a_page_that_ends_within_an_hour_is_used_and_said() -> None:
    forecast = kma_village.parse(village(page=196), SEOUL)  # of 240; the 25th hour has half of its categories
    series = forecast.members[0]
    n = len(series)
    assert n in (24, 25)
    np.testing.assert_array_equal(series.precipitation_mm_h, KMA.precipitation_mm_h[:n])
    assert dropped(forecast) == {"item": 44}


HUB = '{"result": {"status": 401, "message": "유효한 인증키가 아닙니다."}}'.encode()


def test_the_hub_s_message_and_the_key_s_name_are_said() -> None:
    with pytest.raises(WeatherError, match=r"401 유효한 인증키가 아닙니다.*KMA_SERVICE_KEY"):
        kma_village.parse(HUB, SEOUL)
    with pytest.raises(WeatherError, match=r"401 유효한 인증키가 아닙니다.*KMA_APIHUB_KEY"):
        kma_asos.parse(HUB, SEOUL)


@pytest.mark.parametrize("code", ["1", "5"])
def test_rain_in_hard_frost_is_not_believed(code: str) -> None:
    forecast = kma_village.parse(village(row=lambda i, of: {**of, "PTY": code} if of["PTY"] == "3" else of), SEOUL)
    wet = forecast.members[0].precipitation_mm_h > 0
    assert forecast.members[0].snow_fraction[wet].min() > 0.99
    assert dropped(forecast) == {"snow_fraction": 7}


@pytest.mark.parametrize("fault", ["row cut short", "time", "text", "doubled", "backwards"])
def test_a_bad_row_of_a_station_costs_itself_only(fault: str) -> None:
    good, _ = kma_asos.parse(asos_day(), SEOUL)
    rows = asos_day().decode().split("\n")
    cells = rows[12].split(" ")
    if fault == "row cut short":
        rows[12] = " ".join(cells[:20])
    elif fault == "time":
        rows[12] = " ".join(["2023123x", *cells[1:]])
    elif fault == "text":
        rows[12] = rows[12].replace("-5.0", "*")
    elif fault == "doubled":
        rows.insert(12, rows[12])
    else:
        rows[12], rows[13] = rows[13], rows[12]
    series, treated = kma_asos.parse("\n".join(rows).encode(), SEOUL)
    assert series.time_utc_s.tolist() == good.time_utc_s.tolist()
    np.testing.assert_allclose(series.air_c, good.air_c)
    np.testing.assert_allclose(series.precipitation_mm_h, good.precipitation_mm_h)
    assert sum(treated.of(Treatment.DROPPED).values()) == (0 if fault == "backwards" else 1)


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
