"""What a forecast's rain got wrong an hour ago stays wrong for a while, and not for ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.weather.design_storm import design_storm
from supervisor.weather.ensemble import make_members
from supervisor.weather.error_model import WET_MM_H
from supervisor.weather.persistence import carry_on

START = 1_703_916_000.0
H = 3600.0
NOW = START + H


def rain(rate_mm_h: np.ndarray | float, hours: float = 36.0) -> WeatherSeries:
    series = design_storm(START, hours=hours)
    every_hour = np.flatnonzero((series.time_utc_s - START) % H == 0)
    fields = {name: getattr(series, name)[every_hour] for name in series.__dataclass_fields__}
    series = replace(series, **fields)
    return replace(series, precipitation_mm_h=np.zeros(len(series)) + rate_mm_h, cloud_fraction=np.ones(len(series)))


def forecast(rate_mm_h: np.ndarray | float, members: int = 16) -> Forecast:
    return make_members(Forecast(START, (rain(rate_mm_h),), "test"), members, seed=3)


def chance(ensemble: Forecast, hours_ahead: float) -> float:
    row = int(np.searchsorted(ensemble.members[0].time_utc_s, NOW + hours_ahead * H))
    return float(np.mean([m.precipitation_mm_h[row] >= WET_MM_H for m in ensemble.members]))


def test_snow_that_does_not_come_is_less_likely_in_the_next_hours() -> None:
    said = forecast(0.6)
    moved = carry_on(said, [said], rain(0.0), NOW)
    assert chance(said, 1) > 0.8
    assert chance(moved, 1) < 0.6 * chance(said, 1)
    assert chance(moved, 1) < chance(moved, 5)
    assert chance(moved, 20) == pytest.approx(chance(said, 20), abs=0.1)


def test_snow_that_nobody_foresaw_goes_on() -> None:
    said = forecast(0.0)
    moved = carry_on(said, [said], rain(1.0), NOW)
    assert chance(said, 1) < 0.1
    assert chance(moved, 1) > 0.4
    assert chance(moved, 20) < 0.3


def test_a_dry_gauge_among_wet_roads_is_not_believed() -> None:
    said = forecast(0.6)
    assert carry_on(said, [said], rain(0.0), NOW, roads_wet=True) is said
    moved = carry_on(forecast(0.0), [forecast(0.0)], rain(1.0), NOW, roads_wet=True)
    assert chance(moved, 1) > 0.4


@given(rate=st.sampled_from([0.0, 0.3, 2.0]), late_h=st.floats(2.1, 12.0))
def test_nothing_moves_without_fresh_disagreement(rate: float, late_h: float) -> None:
    said = forecast(rate, members=1)
    same = carry_on(said, [said], rain(rate), NOW)
    assert np.array_equal(same.members[0].precipitation_mm_h, said.members[0].precipitation_mm_h)
    old = rain(5.0 - rate)
    old = replace(old, **{n: getattr(old, n)[:1] for n in old.__dataclass_fields__})  # the station has fallen silent
    assert carry_on(said, [said], old, START + late_h * H) is said
    assert carry_on(said, [], rain(5.0), NOW) is said
    assert carry_on(said, [said], None, NOW) is said


@given(seed=st.integers(0, 1000), rate=st.floats(0.0, 8.0), seen=st.floats(0.0, 8.0))
def test_rates_stay_possible_and_the_rest_untouched(seed: int, rate: float, seen: float) -> None:
    said = make_members(Forecast(START, (rain(rate),), "test"), 6, seed)
    moved = carry_on(said, [said], rain(seen), NOW)
    for before, after in zip(said.members, moved.members, strict=True):
        assert (after.precipitation_mm_h >= 0.0).all()
        assert (after.precipitation_mm_h <= 20.0).all()
        assert np.array_equal(before.air_c, after.air_c)
        assert np.array_equal(before.time_utc_s, after.time_utc_s)
