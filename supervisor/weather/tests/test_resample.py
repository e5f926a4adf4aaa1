"""Resampling keeps totals and phases; the design storm and the file provider behave as documented."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.errors import PhysicsError, WeatherError
from supervisor.domain.weather import WeatherSeries
from supervisor.weather.design_storm import PEAK_MM_H, SEOUL, SNOW_H, design_storm
from supervisor.weather.providers.provider import FileProvider
from supervisor.weather.resample import at_steps, interval_starts_s, members_at_steps

START = 1_703_916_000.0  # 2023-12-30T06:00:00Z, 15:00 in Seoul


def hourly(rng: np.random.Generator, hours: int) -> WeatherSeries:
    n = hours
    air = rng.uniform(-5, 5, n)
    return WeatherSeries(
        time_utc_s=START + 3600.0 * (np.arange(n) + 1.0),
        air_c=air,
        dew_point_c=air - rng.uniform(0.1, 5, n),
        wind_m_s=rng.uniform(0, 8, n),
        pressure_pa=np.full(n, 101_325.0),
        shortwave_w_m2=rng.uniform(0, 500, n),
        longwave_w_m2=rng.uniform(200, 320, n),
        cloud_fraction=rng.uniform(0, 1, n),
        precipitation_mm_h=rng.choice([0.0, 1.0, 3.0], n),
        snow_fraction=rng.choice([0.0, 0.4, 1.0], n),
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), hours=st.integers(2, 24), dt=st.sampled_from([60.0, 300.0, 600.0, 900.0, 7200.0])
)
def test_totals_are_kept(seed: int, hours: int, dt: float) -> None:
    series = hourly(np.random.default_rng(seed), 2 * hours)
    n = round(2 * hours * 3600 / dt)
    for site in (None, SEOUL):
        forcing = at_steps(series, START, dt, n, site)
        snow = (series.precipitation_mm_h * series.snow_fraction).sum()
        rain = (series.precipitation_mm_h * (1 - series.snow_fraction)).sum()
        assert forcing.snow_mm_h.sum() * dt / 3600 == pytest.approx(snow, abs=1e-6)
        assert forcing.rain_mm_h.sum() * dt / 3600 == pytest.approx(rain, abs=1e-6)
        assert forcing.shortwave_w_m2.sum() * dt == pytest.approx(series.shortwave_w_m2.sum() * 3600, rel=1e-6)
        assert forcing.longwave_w_m2.sum() * dt == pytest.approx(series.longwave_w_m2.sum() * 3600, rel=1e-6)


def test_precipitation_falls_in_the_interval_that_ends_at_its_time() -> None:
    series = hourly(np.random.default_rng(1), 6)
    rate = np.zeros(6)
    rate[3] = 2.0  # the hour that ends four hours after the start
    series = WeatherSeries(**{**vars(series), "precipitation_mm_h": rate, "snow_fraction": np.ones(6)})
    snow = at_steps(series, START, 600.0, 36).snow_mm_h[:, 0]
    assert (snow[18:24] == 2.0).all()
    assert snow.sum() == pytest.approx(12.0)


def test_steps_beyond_the_series_are_refused_by_time() -> None:
    series = hourly(np.random.default_rng(1), 6)
    with pytest.raises(WeatherError, match="does not cover"):
        at_steps(series, START, 600.0, 37)
    with pytest.raises(WeatherError, match="does not cover"):
        at_steps(series, START - 600.0, 600.0, 6)


def test_members_become_lanes() -> None:
    members = [hourly(np.random.default_rng(k), 6) for k in range(3)]
    lanes = members_at_steps(members, START, 600.0, 36)
    assert lanes.air_c.shape == (36, 3)
    np.testing.assert_array_equal(lanes.air_c[:, 1], at_steps(members[1], START, 600.0, 36).air_c[:, 0])


def test_sun_is_followed_inside_the_hour() -> None:
    """At sunrise the second half of the hour has more sun than the first, and the mean stays."""
    sunrise = 1_703_890_800.0 - 3600.0  # 2023-12-29T22:00Z = 07:00 in Seoul, sun rises at 07:46
    series = hourly(np.random.default_rng(3), 4)
    series = WeatherSeries(**{**vars(series), "time_utc_s": sunrise + 3600.0 * np.arange(1, 5)})
    sun = at_steps(series, sunrise, 600.0, 24, SEOUL).shortwave_w_m2[:, 0]
    assert sun[11] > sun[6] * 1.2
    assert sun[6:12].mean() == pytest.approx(series.shortwave_w_m2[1])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_design_storm_is_what_it_says(seed: int) -> None:
    storm = design_storm(START, hours=30, seed=seed)
    hours = (storm.time_utc_s - START) / 3600
    falling = storm.precipitation_mm_h > 0
    assert storm.precipitation_mm_h.max() <= PEAK_MM_H
    assert storm.precipitation_mm_h.max() > 0.75 * PEAK_MM_H
    assert falling.sum() * 600 / 3600 == pytest.approx(SNOW_H, abs=0.4)
    assert storm.snow_fraction[falling].min() > 0.8
    frost = (hours > 24) & (hours <= 28)
    assert storm.cloud_fraction[frost].mean() < 0.2
    assert storm.air_c[frost].mean() < -4
    assert (storm.dew_point_c < storm.air_c).all()
    assert interval_starts_s(storm)[0] <= START - 2 * 3600
    assert storm.time_utc_s[-1] >= START + 30 * 3600
    again = design_storm(START, hours=30, seed=seed)
    np.testing.assert_array_equal(storm.air_c, again.air_c)


async def test_a_file_is_past_and_future() -> None:
    series = hourly(np.random.default_rng(1), 48)
    provider = FileProvider(series)
    now = START + 10.5 * 3600
    forecast = await provider.forecast(now, 30 * 3600)
    assert forecast.issued_utc_s == START + 10 * 3600
    at_steps(forecast.members[0], now, 900.0, 120)  # covers the horizon
    past = provider.observed(now, 3600)
    assert past is not None
    at_steps(past, now - 3600, 60.0, 60)
    assert past.time_utc_s[-1] - now < 3600
    assert provider.observed(START - 10, 3600) is None
    with pytest.raises(WeatherError, match="not for the 6 h"):
        await provider.forecast(START + 43 * 3600, 30 * 3600)


def test_with_a_site_the_forcing_says_where_the_sun_stands_and_what_a_clear_sky_would_give() -> None:
    series = hourly(np.random.default_rng(1), 6)
    blind, seeing = at_steps(series, START, 600.0, 36), at_steps(series, START, 600.0, 36, SEOUL)
    assert np.ndim(blind.clear_sky_w_m2) == 0
    assert np.shape(seeing.clear_sky_w_m2) == np.shape(seeing.sun_azimuth_deg) == (36, 1)
    clear, elevation = np.asarray(seeing.clear_sky_w_m2)[:, 0], np.asarray(seeing.sun_elevation_deg)[:, 0]
    assert np.all(clear[elevation > 3.0] > 0.0)
    assert np.all(clear[elevation < -3.0] == 0.0)
    members = members_at_steps([series, series], START, 600.0, 36, SEOUL)
    assert np.shape(members.air_c) == (36, 2)
    assert np.shape(members.clear_sky_w_m2) == (36, 1)  # one sun for all


def test_weather_that_goes_back_or_cannot_be_is_refused_by_variable_time_and_value() -> None:
    series = hourly(np.random.default_rng(2), 6)
    swapped = replace(series, time_utc_s=series.time_utc_s[[0, 1, 3, 2, 4, 5]])
    with pytest.raises(WeatherError, match=r"time_utc_s: 2023-12-30 ?T?09:00.* does not come after .*10:00"):
        at_steps(swapped, START, 600.0, 6)
    sun = series.shortwave_w_m2.copy()
    sun[2] = 1500.0
    with pytest.raises(
        PhysicsError, match=r"shortwave_w_m2: 1500.0 at step 2 .* begins at 2023-12-30.*3600 s"
    ) as error:
        at_steps(replace(series, shortwave_w_m2=sun), START, 3600.0, 6)
    assert error.value.remedy
    with pytest.raises(PhysicsError, match=r"dew_point_c: .* at step"):
        at_steps(replace(series, dew_point_c=series.air_c + 3.0), START, 3600.0, 6)
