"""The response stage follows the snow that is forecast: up at once, down after an hour, and over a restart."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from supervisor.control.response import HOLD_S, Response, snow_ahead_cm, snow_now
from supervisor.control.tests.conftest import START_UTC_S, Setup
from supervisor.domain.stage import STAGE_EVENT, Stage, stage_of
from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.weather.design_storm import design_storm


def forecast(*depths_cm: float) -> Forecast:
    """A member for each depth: hours of snow up to three days ahead, of which one day counts."""
    like = design_storm(START_UTC_S, hours=72)
    times = START_UTC_S + 3600.0 * np.arange(1, 73)
    still = ("air_c", "dew_point_c", "wind_m_s", "pressure_pa", "shortwave_w_m2", "longwave_w_m2", "cloud_fraction")
    rows = {name: np.interp(times, like.time_utc_s, getattr(like, name)) for name in still}
    members = (
        WeatherSeries(time_utc_s=times, precipitation_mm_h=np.full(72, depth / 24), snow_fraction=np.ones(72), **rows)
        for depth in depths_cm
    )
    return Forecast(START_UTC_S, tuple(members), "test")


@pytest.mark.parametrize(
    ("depth_cm", "stage"),
    [(0.0, Stage.NONE), (0.09, Stage.NONE), (0.1, Stage.REINFORCED), (0.99, Stage.REINFORCED), (1.0, Stage.ONE),
     (4.99, Stage.ONE), (5.0, Stage.TWO), (9.99, Stage.TWO), (10.0, Stage.THREE), (40.0, Stage.THREE)],
)  # fmt: skip
def test_stages_are_seouls(depth_cm: float, stage: Stage) -> None:
    assert stage_of(depth_cm) is stage


def test_a_days_snow_counts_as_the_mean_of_the_members_and_rain_does_not() -> None:
    both = forecast(2.0, 6.0)
    assert snow_ahead_cm(both, START_UTC_S) == pytest.approx(4.0)
    assert snow_ahead_cm(both, START_UTC_S + 60 * 3600) == pytest.approx(2.0)  # only half a day is left of it
    rain = replace(both, members=tuple(replace(m, snow_fraction=np.zeros(72)) for m in both.members))
    assert snow_ahead_cm(rain, START_UTC_S) == 0.0
    assert snow_ahead_cm(None, START_UTC_S) is None


def test_the_snow_that_falls_now_has_a_rate_and_an_end() -> None:
    day = forecast(24.0)
    assert snow_now(day, START_UTC_S) == (pytest.approx(1.0), None)  # further than a day ahead
    (member,) = day.members
    ends = np.where(member.time_utc_s <= START_UTC_S + 5 * 3600, member.precipitation_mm_h, 0.0)
    short = replace(day, members=(replace(member, precipitation_mm_h=ends),))
    assert snow_now(short, START_UTC_S + 1800) == (pytest.approx(1.0), START_UTC_S + 5 * 3600)
    assert snow_now(short, START_UTC_S + 6 * 3600) is None
    assert snow_now(None, START_UTC_S) is None
    assert snow_now(day, START_UTC_S + 100 * 3600) is None  # the forecast has ended


async def look(setup: Setup, response: Response, seconds: float = 60.0) -> str:
    setup.clock.advance(seconds)
    await response.look()
    return response.now().stage


async def test_it_rises_at_once_falls_after_an_hour_and_is_on_record(setup: Setup) -> None:
    weather: Any = SimpleNamespace(latest=None)
    response = Response(weather, setup.store.events, setup.clock)
    assert await look(setup, response) == "none"
    assert response.now().depth_cm is None
    weather.latest = forecast(6.0)
    assert await look(setup, response, 59.0) == "none"  # once a minute
    assert await look(setup, response, 1.0) == "two"
    weather.latest = forecast(0.0)
    assert await look(setup, response) == "two"
    weather.latest = forecast(6.0)
    assert await look(setup, response) == "two"
    weather.latest = forecast(3.0)
    assert await look(setup, response) == "two"
    assert await look(setup, response, HOLD_S) == "one"
    weather.latest = None  # the forecast has ended: the stage stays
    assert await look(setup, response, 2 * HOLD_S) == "one"
    kept = [
        event.detail.split(" ")[0] for event in await setup.store.events.happened(0, START_UTC_S + 1e6, STAGE_EVENT)
    ]
    assert kept == ["two", "one"]
    again = Response(weather, setup.store.events, setup.clock)
    await again.load()
    assert again.now().stage == "one"
    assert again.now().since_utc_s == response.now().since_utc_s
