"""The pure parts: sun and sky, stripes, words for the surface, events, residuals, the estimator."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.errors import PhysicsError
from supervisor.road import (
    DATEX_II,
    Forcing,
    Pavement,
    StateEstimator,
    Surface,
    build_roads,
    corrected,
    daily_correction_w_m2,
    free_response,
    ice_minutes,
    initial_state,
    is_icy,
    plough,
    sheath_c,
    simulate,
    spread_salt,
    surface_state,
)
from supervisor.road.radiation import (
    aged_snow_albedo,
    cloud_from_shortwave,
    cloudy_w_m2,
    longwave_down_w_m2,
    road_albedo,
    sun_position,
)

ROAD = Pavement((("asphalt", 0.1), ("base", 0.3)))


def still(steps: int = 1, air_c: float = -3.0, snow_mm_h: float = 0.0) -> Forcing:
    zero = np.zeros((steps, 1))
    longwave = longwave_down_w_m2(zero + air_c, zero + air_c - 2.0, zero + 0.8)
    return Forcing(zero + air_c, zero + air_c - 2.0, zero + 2.0, zero, longwave, zero, zero + snow_mm_h)


def test_the_sun_stands_where_it_should_over_seoul() -> None:
    solstice = datetime(2023, 12, 22, 3, 32, tzinfo=UTC).timestamp()  # local noon is 12:30 KST, + equation of time
    elevation, azimuth, top = sun_position(np.array([solstice, solstice + 12 * 3600]), 37.57, 126.98)
    assert elevation[0] == pytest.approx(90 - 37.57 - 23.44, abs=0.2)
    assert azimuth[0] == pytest.approx(180.0, abs=2.0)
    assert top[0] == pytest.approx(1361 * 1.034 * np.sin(np.radians(29.0)), rel=0.01)
    assert elevation[1] < -70
    assert top[1] == 0.0


def test_long_wave_rises_with_humidity_and_cloud_and_refuses_a_dew_point_above_the_air() -> None:
    dry, damp, overcast = longwave_down_w_m2(np.zeros(3), np.array([-15.0, -1.0, -1.0]), np.array([0.0, 0.0, 1.0]))
    assert 200 < dry < damp < overcast < 5.67e-8 * 273.15**4
    with pytest.raises(PhysicsError, match="above air"):
        longwave_down_w_m2(np.array([0.0]), np.array([1.0]), np.array([0.0]))


@given(cloud=st.floats(0.05, 1.0))
def test_cloud_and_short_wave_are_each_others_inverse(cloud: float) -> None:
    clear = np.array([400.0])
    assert cloud_from_shortwave(cloudy_w_m2(clear, np.array([cloud])), clear)[0] == pytest.approx(cloud, abs=1e-6)


def test_snow_whitens_a_road_and_greys_with_age() -> None:
    thin, thick = road_albedo(np.full(2, 0.1), np.full(2, 0.8), np.array([0.1, 10.0]))
    assert 0.1 < thin < 0.3
    assert thick == pytest.approx(0.8, abs=1e-5)
    old = aged_snow_albedo(np.array([0.8]), np.array([0.0]), 86_400.0)
    assert 0.5 < old[0] < 0.65
    assert aged_snow_albedo(old, np.array([5.0]), 600.0)[0] == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("water", "ice", "snow", "frost", "word"),
    [
        (0.0, 0.0, 0.0, 0.0, "dry"), (0.02, 0.0, 0.0, 0.0, "trace"), (0.1, 0.0, 0.0, 0.0, "moist"),
        (0.5, 0.0, 0.0, 0.0, "wet"), (0.0, 0.0, 2.0, 0.0, "snow"), (1.5, 0.0, 2.0, 0.0, "slush"),
        (0.0, 0.3, 0.0, 0.0, "ice"), (0.0, 0.0, 0.0, 0.15, "frost"), (0.0, 0.0, 0.0, 0.02, "frost"),
    ],
)  # fmt: skip
def test_the_surface_in_words(water: float, ice: float, snow: float, frost: float, word: str) -> None:
    state = surface_state(*(np.array([v]) for v in (0.5, water, ice, snow, frost)))
    assert Surface(int(state[0])).word == word
    assert DATEX_II[Surface(int(state[0]))]


def test_a_film_from_the_air_is_dew() -> None:
    film, zero = np.array([0.1]), np.zeros(1)
    assert Surface(int(surface_state(np.array([4.0]), film, zero, zero, zero, np.array([True]))[0])) is Surface.DEW


def test_ice_minutes_count_from_a_tenth_of_a_millimetre() -> None:
    lying = np.array([[0.0], [0.0999], [0.1], [3.0]])
    assert ice_minutes(lying, 120.0).tolist() == [4.0]
    assert is_icy(np.array([0.05]), np.array([0.05]), np.zeros(1))[0]


def test_ploughing_and_salt_are_events_on_some_lanes_only() -> None:
    state = initial_state(build_roads([ROAD, ROAD]), -2.0, 2.0)
    state.snow_mm[:] = 12.0
    after = spread_salt(plough(state, [0]), [1], 20.0)
    assert after.snow_mm.tolist() == [1.0, 12.0]
    assert after.salt_g_m2.tolist() == [0.0, 20.0]
    assert state.snow_mm.tolist() == [12.0, 12.0]


def test_yesterdays_lack_comes_back_at_its_hour_and_nowhere_else() -> None:
    hour = 3600.0
    end_s = hour * np.arange(1.0, 49.0)
    lacking = np.where((end_s % 86_400 == 12 * hour)[:, None], 90.0, 0.0)
    future = end_s[-1] + hour * np.arange(1.0, 25.0)
    daily = daily_correction_w_m2(end_s, lacking, np.ones_like(lacking, dtype=bool), future)[:, 0]
    assert np.flatnonzero(daily).tolist() == [10, 11, 12]
    assert daily[11] == pytest.approx(30.0)  # one hour of three
    unknown = daily_correction_w_m2(end_s, lacking, np.zeros_like(lacking, dtype=bool), future)
    assert not unknown.any()


def test_a_corrected_forecast_is_warmer_where_the_past_lacked_heat() -> None:
    roads = build_roads([ROAD])
    forcing, state = still(24), initial_state(roads, -2.0, 2.0)
    plain, _ = simulate(roads, state, forcing, 0.0, 3600.0)
    again, ahead = corrected(roads, state, forcing, np.full((24, 1), 50.0), np.zeros(1))
    warmer, _ = simulate(roads, again, ahead, 0.0, 3600.0)
    assert np.all(warmer.surface_c > plain.surface_c)


def test_the_estimate_follows_the_sensor_learns_what_it_lacks_and_survives_its_loss() -> None:
    rng = np.random.default_rng(3)
    estimator = StateEstimator(build_roads([ROAD, ROAD]), 0.0, 3.0)
    none = np.full(2, np.nan)
    for minute in range(240):
        seen = np.array([1.0 + minute / 240.0 + rng.normal(0.0, 0.05), np.nan])
        state = estimator.update(still(), seen, np.zeros(2), 60.0, none)
    assert state.surface_c[0] == pytest.approx(2.0, abs=0.2)
    assert state.residual_w_m2[0] > 20.0  # it warms where the model cools
    assert state.residual_w_m2[1] == 0.0
    before = state.surface_c[0]
    for _ in range(30):
        state = estimator.update(still(), none, np.zeros(2), 60.0, none)
    assert abs(state.surface_c[0] - before) < 1.5
    assert np.isfinite(state.temperature_c).all()


def days_of(steps: int, dt_s: float, start_s: float = 0.0) -> Forcing:
    """Weather that stays, with its time."""
    time = (start_s + dt_s * (np.arange(steps) + 0.5))[:, None]
    return replace(still(steps), time_utc_s=time)


def test_what_a_road_lacks_at_an_hour_of_the_day_comes_back_at_that_hour() -> None:
    """A wall shines on the road from 12 to 15 h, and the model knows of no wall."""
    roads = build_roads([ROAD])

    def sees_the_wall(forcing: Forcing) -> Forcing:
        hour = np.asarray(forcing.time_utc_s) % 86_400.0 / 3600.0
        return replace(forcing, traffic_w_m2=np.where((hour >= 12.0) & (hour < 15.0), 100.0, 0.0))

    minutes = 3 * 1440 + 600  # to 10:00 of the fourth day
    past = days_of(minutes, 60.0)
    truth, there = simulate(roads, initial_state(roads, -2.0, 2.0), sees_the_wall(past), 0.0, 60.0)
    estimator, none = StateEstimator(roads, -2.0, 2.0), np.full(1, np.nan)
    for minute in range(minutes):
        estimator.update(past[minute : minute + 1], truth.surface_c[minute], np.zeros(1), 60.0, none)
    lack = estimator.state.daily_w_m2[0]
    assert np.all(lack[12:15] > 60.0)
    assert np.all(np.abs(lack[[0, 3, 6, 9, 18, 21]]) < 15.0)

    ahead = days_of(36, 600.0, minutes * 60.0)
    real, _ = simulate(roads, there, sees_the_wall(ahead), 0.0, 600.0)
    knowing, _ = simulate(roads, estimator.state, ahead, 0.0, 600.0)
    ignorant = replace(estimator.state, daily_w_m2=np.zeros((1, 24)))
    blind, _ = simulate(roads, ignorant, ahead, 0.0, 600.0)
    errors = [float(np.sqrt(np.mean((run.surface_c - real.surface_c) ** 2))) for run in (knowing, blind)]
    assert errors[0] < 0.6 * errors[1]
    lit = free_response(roads, estimator.state, days_of(24, 900.0, minutes * 60.0), 900.0, 900.0)  # the plan knows too
    dark = free_response(roads, ignorant, days_of(24, 900.0, minutes * 60.0), 900.0, 900.0)
    assert lit.surface_c[0, 18] > dark.surface_c[0, 18] + 1.0


def test_of_a_heated_or_covered_road_nothing_is_learnt_for_tomorrow() -> None:
    estimator = StateEstimator(build_roads([ROAD, ROAD, ROAD]), -2.0, 2.0)
    estimator.state.snow_mm[:] = [0.0, 0.0, 5.0]
    past = days_of(180, 60.0)
    for minute in range(180):
        estimator.update(past[minute : minute + 1], np.array([1.0, 1.0, -0.5]), np.array([0.0, 300.0, 0.0]))
    learnt = np.abs(estimator.state.daily_w_m2).max(axis=1)
    assert learnt[0] > 20.0
    assert learnt[1] < 0.5 * learnt[0]  # what it lacked before the cable's heat arrived
    assert learnt[2] == 0.0


def test_measured_power_warms_the_estimate_and_a_wet_sensor_wets_it() -> None:
    estimator = StateEstimator(build_roads([ROAD, ROAD]), 0.0, 3.0)
    none = np.full(2, np.nan)
    for _ in range(180):
        state = estimator.update(still(), none, np.array([300.0, 0.0]), 60.0, none)
    assert state.surface_c[0] > state.surface_c[1] + 3.0
    state = estimator.update(still(air_c=2.0), none, np.zeros(2), 60.0, np.array([0.6, 0.0]))
    assert state.water_mm[0] >= 0.1
    assert state.water_mm[1] <= 0.02


def test_an_observed_road_that_cools_fast_has_been_ploughed() -> None:
    roads = build_roads([ROAD, ROAD])
    state = initial_state(roads, -1.0, 1.0)
    state.snow_mm[:] = 8.0
    seen = -1.0 - np.arange(1, 13)[:, None] * np.array([[0.5, 0.02]])
    _, after = simulate(roads, state, still(12, -6.0), 0.0, 600.0, observed_surface_c=seen)
    assert after.snow_mm[0] < 0.5
    assert after.snow_mm[1] > 7.0


def test_the_sheath_is_warmer_than_the_pavement_round_it_by_its_own_heat() -> None:
    roads = build_roads([ROAD])
    assert sheath_c(roads, np.array([5.0]), 0.0)[0] == 5.0
    assert 6.5 < sheath_c(roads, np.array([5.0]), 300.0)[0] < 12.0
