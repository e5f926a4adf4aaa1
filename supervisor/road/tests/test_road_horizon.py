"""The skyline of each road: shade at the right hours, sky that is hidden, and an error where the sun is not known."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.errors import PhysicsError
from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import HorizonPoint, Layer, Site, Zone
from supervisor.planner.foresee.physics import for_lanes
from supervisor.road import Pavement, build_pavements, build_roads, free_response, initial_state, simulate
from supervisor.road.forcing import SHORTWAVE, prepare
from supervisor.road.horizon import sky_view_of
from supervisor.road.radiation import behind_horizon_w_m2, longwave_down_w_m2
from supervisor.weather.longwave import shortwave_of_cloud
from supervisor.weather.resample import at_steps, members_at_steps

SEOUL = Site(name="t", timezone="Asia/Seoul", latitude=37.57, longitude=126.98)
MIDNIGHT = datetime(2024, 1, 14, 15, tzinfo=UTC).timestamp()  # local
# A slope that falls to the north: the hill stands over the road from south-east to south-west.
SLOPE = ((90.0, 0.0), (120.0, 40.0), (240.0, 40.0), (270.0, 0.0))
EAST_WALL = ((20.0, 0.0), (30.0, 70.0), (150.0, 70.0), (160.0, 0.0))
LAYERS = (("asphalt", 0.1), ("base", 0.3))


def clear_days(days: int = 3) -> WeatherSeries:
    """Hourly, cold and cloudless."""
    time = MIDNIGHT + 3600.0 * np.arange(1.0, days * 24 + 2)
    air = -4.0 - 4.0 * np.cos((time - MIDNIGHT) / 86_400.0 * 2 * np.pi - 0.8)
    zero = np.zeros_like(time)
    sun = shortwave_of_cloud(time, 3600.0, zero, SEOUL)
    longwave = longwave_down_w_m2(air, air - 5.0, zero)
    return WeatherSeries(time, air, air - 5.0, zero + 2.0, zero + 101_000.0, sun, longwave, zero, zero, zero)


def zone(number: int, horizon: tuple[tuple[float, float], ...], sky_view: float | None = None) -> Zone:
    points = tuple(HorizonPoint(azimuth_deg=a, elevation_deg=e) for a, e in horizon)
    return Zone(
        id=f"z{number}", name="z", board="b", relay=number, feeder="f", power_w=30_000, area_m2=100.0,
        layers=(Layer("asphalt", 0.1), Layer("base", 0.3)), horizon=points, sky_view=sky_view,
    )  # fmt: skip


def test_a_northern_slope_is_colder_by_day_and_an_eastern_wall_in_the_morning_only() -> None:
    roads = build_pavements([zone(0, ()), zone(1, SLOPE, 1.0), zone(2, EAST_WALL, 1.0)])
    forcing = at_steps(clear_days(), MIDNIGHT, 600.0, 3 * 144, SEOUL)
    run, _ = simulate(roads, initial_state(roads, -3.0, 3.0), forcing, 0.0, 600.0)
    sun = prepare(roads, forcing)[:, SHORTWAVE]
    last = slice(288, None)
    hour = (np.arange(144) + 0.5) / 6.0
    open_c, slope_c, wall_c = run.surface_c[last].T
    noon, morning, evening = (np.abs(hour - h) < 1.0 for h in (13.0, 10.0, 16.5))
    assert np.all(slope_c[noon] < open_c[noon] - 5.0)
    assert np.all(wall_c[morning] < open_c[morning] - 2.0)
    assert np.all(sun[last][morning, 2] < 0.45 * sun[last][morning, 0])
    np.testing.assert_allclose(sun[last][evening, 2], sun[last][evening, 0])  # the wall is behind the sun then
    assert np.all(slope_c <= open_c + 1e-9)
    assert np.all(wall_c <= open_c + 1e-9)
    dawn = np.abs(hour - 7.0) < 0.5
    assert np.all(np.abs(slope_c[dawn] - open_c[dawn]) < np.abs(slope_c[noon] - open_c[noon]).mean() / 3)


def test_the_planners_linear_road_stands_in_the_same_shade() -> None:
    roads = build_pavements([zone(0, ()), zone(1, SLOPE, 1.0)])
    forcing = at_steps(clear_days(), MIDNIGHT, 900.0, 96, SEOUL)
    free = free_response(roads, initial_state(roads, -3.0, 3.0), forcing, 900.0, 900.0)
    assert free.surface_c[0, 52] - free.surface_c[1, 52] > 5.0  # 13:00


def test_a_horizon_hides_sky_and_a_given_sky_view_wins() -> None:
    valley, own, level = build_pavements([zone(0, SLOPE), zone(1, SLOPE, 0.6), zone(2, ())]).surface("sky_view")
    assert valley == pytest.approx(sky_view_of(SLOPE))
    assert 0.6 < valley < 0.95
    assert own == 0.6
    assert level == 1.0


def test_less_sky_keeps_a_road_warmer_at_night() -> None:
    roads = build_pavements([zone(0, ()), zone(1, tuple((a, 30.0) for a in (0.0, 180.0)))])
    forcing = at_steps(clear_days(), MIDNIGHT, 600.0, 36, SEOUL)
    run, _ = simulate(roads, initial_state(roads, -3.0, 3.0), forcing, 0.0, 600.0)
    assert np.all(run.surface_c[6:, 1] > run.surface_c[6:, 0])


def test_members_share_the_sun_and_lanes_keep_their_own_skyline() -> None:
    series = clear_days()
    roads = build_roads([Pavement(LAYERS), Pavement(LAYERS, horizon=SLOPE)])
    one = prepare(roads, at_steps(series, MIDNIGHT, 900.0, 96, SEOUL))[:, SHORTWAVE]
    many = for_lanes(members_at_steps([series, series, series], MIDNIGHT, 900.0, 96, SEOUL), 2)
    lanes = prepare(roads.with_members(3), many)[:, SHORTWAVE]
    np.testing.assert_allclose(lanes, np.repeat(one, 3, axis=1))


def test_a_road_with_a_horizon_wants_to_know_where_the_sun_stands() -> None:
    roads = build_roads([Pavement(LAYERS, horizon=SLOPE)])
    forcing = at_steps(clear_days(), MIDNIGHT, 600.0, 6)
    with pytest.raises(PhysicsError, match="where the sun stands") as error:
        simulate(roads, initial_state(roads, -3.0, 3.0), forcing, 0.0, 600.0)
    assert "site" in error.value.remedy


@given(
    given_w_m2=st.floats(0.0, 1200.0), elevation=st.floats(-30.0, 75.0), obstacle=st.floats(0.0, 85.0),
    view=st.floats(0.1, 1.0),
)  # fmt: skip
def test_a_skyline_takes_light_and_gives_none(
    given_w_m2: float, elevation: float, obstacle: float, view: float
) -> None:
    args = (np.array([v]) for v in (given_w_m2, elevation, obstacle, view))
    behind = behind_horizon_w_m2(*args)[0]
    assert 0.0 <= behind <= given_w_m2 + 1e-9
    higher = behind_horizon_w_m2(*(np.array([v]) for v in (given_w_m2, elevation, obstacle + 4.0, view)))[0]
    assert higher <= behind
