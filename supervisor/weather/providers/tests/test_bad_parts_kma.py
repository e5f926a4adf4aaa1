"""A bad part of an answer of KMA is dropped, derived or estimated and counted; the rest is used."""

from __future__ import annotations

import numpy as np
import pytest

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Treatment
from supervisor.weather.design_storm import SEOUL
from supervisor.weather.providers import kma_asos, kma_village
from supervisor.weather.providers.tests.answers import dropped, estimated, village
from supervisor.weather.providers.tests.test_fetch import asos_day

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
