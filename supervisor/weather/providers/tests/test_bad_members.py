"""A bad member of an ensemble costs itself only, and what it lacks comes from the others."""

from __future__ import annotations

import numpy as np
import pytest

from supervisor.weather.providers.tests.answers import estimated, open_meteo, read

GOOD = read(open_meteo()).members[0]


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
