"""Members, emulated forecasts and verification: physical, repeatable, as wrong as real forecasts are, and corrected."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.errors import WeatherError
from supervisor.domain.weather import Array, Forecast, WeatherSeries
from supervisor.weather import fit_errors
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.emulate import EmulatedProvider, Emulator, emulated_forecast
from supervisor.weather.ensemble import EnsembleProvider, make_members
from supervisor.weather.error_model import TEMPERATURE_K, WET_MM_H
from supervisor.weather.keeper import check_forecast
from supervisor.weather.providers.files import read_weather_csv
from supervisor.weather.providers.provider import FileProvider
from supervisor.weather.resample import between, forecast_at_steps
from supervisor.weather.scores import EventScore, crps, rank_histogram

DATA = Path(os.environ.get("ROADHEAT_DATA", Path(__file__).parents[4] / "shared" / "data")) / "weather"
START = 1_703_916_000.0
H = 3600.0


def storm_forecast(hours: float = 36.0, seed: int = 1) -> Forecast:
    series = design_storm(START, hours=hours, seed=seed)
    return Forecast(issued_utc_s=START, members=(series,), source="test")


def winter(name: str = "ee_tallinn_2022-23") -> WeatherSeries:
    path = DATA / f"{name}.csv"
    if not path.exists():
        pytest.skip("measured weather is not here; set ROADHEAT_DATA")
    return read_weather_csv(path)[0]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), count=st.integers(1, 24), storm=st.integers(0, 50))
def test_members_are_physical_and_can_drive_a_road(seed: int, count: int, storm: int) -> None:
    ensemble = make_members(storm_forecast(seed=storm), count, seed, SEOUL)
    assert len(ensemble.members) == count
    check_forecast(ensemble, START)  # finite, in range, dew point below air, same times
    forcing = forecast_at_steps(ensemble, START, 900.0, 120, SEOUL)
    assert forcing.air_c.shape == (120, count)


def test_members_keep_their_character_from_issue_to_issue() -> None:
    """The same seed asks the same questions of the next issue: plans do not jump with each new draw."""
    series = design_storm(START, hours=48)
    first = make_members(Forecast(START, (series,), "test"), 8, seed=5)
    later = make_members(Forecast(START + 3 * H, (between(series, START + 3 * H, START + 48 * H),), "test"), 8, seed=5)
    other = make_members(Forecast(START, (series,), "test"), 8, seed=6)
    n = len(later.members[0])
    for k in range(1, 8):
        old, new = (e.members[k].air_c[-n:] - series.air_c[-n:] for e in (first, later))
        assert np.corrcoef(old, new)[0, 1] > 0.99
    assert not np.allclose(first.members[1].air_c, other.members[1].air_c)
    assert first.members[0] is series  # the control


def test_temperature_members_are_unbiased_and_spread_with_lead() -> None:
    series = design_storm(START, hours=48)
    flat = replace(series, precipitation_mm_h=np.zeros(len(series)))
    ensemble = make_members(Forecast(START, (flat,), "test"), 401, seed=1)
    errors = np.stack([m.air_c for m in ensemble.members]) - flat.air_c
    np.testing.assert_allclose(errors.mean(axis=0), 0.0, atol=1e-9)
    hours = (flat.time_utc_s - START) / H
    for lead in (3.0, 24.0, 46.0):
        seen = errors[:, np.argmin(np.abs(hours - lead))].std()
        assert seen == pytest.approx(float(TEMPERATURE_K.sd(np.array(lead))), rel=0.15)


def test_a_provider_with_members_keeps_its_own() -> None:
    members = tuple(design_storm(START, seed=k) for k in range(10))
    forecast = Forecast(START, members, "test")
    assert make_members(forecast, 10, seed=1).members == members
    few = make_members(forecast, 4, seed=1).members
    assert [id(m) for m in few] == [id(members[k]) for k in (0, 3, 6, 9)]
    with pytest.raises(ValueError, match="0 members"):
        make_members(forecast, 0, seed=1)


def test_phase_turns_only_near_freezing() -> None:
    series = design_storm(START, hours=30)
    for shift, low, high in ((-8.0, 0.99, 1.0), (12.0, 0.0, 0.01)):
        moved = replace(series, air_c=series.air_c + shift, dew_point_c=series.dew_point_c + shift)
        moved = replace(moved, snow_fraction=np.full(len(series), 1.0 if shift < 0 else 0.0))
        for member in make_members(Forecast(START, (moved,), "test"), 10, seed=2).members:
            wet = member.precipitation_mm_h >= WET_MM_H
            assert (member.snow_fraction[wet] >= low).all()
            assert (member.snow_fraction[wet] <= high).all()
    near = replace(series, air_c=series.air_c + 2.0, dew_point_c=series.dew_point_c + 2.0)
    near = replace(near, snow_fraction=np.full(len(series), 0.5))
    fractions = [m.snow_fraction.mean() for m in make_members(Forecast(START, (near,), "t"), 20, seed=2).members]
    assert max(fractions) - min(fractions) > 0.3


@pytest.mark.data
def test_emulated_forecasts_err_like_real_ones() -> None:
    """Against published errors of day 1: T 0.7–1.3 K, cloud 25 %, short-wave 62–70 W/m², POD 0.79, FAR 0.21."""
    truth = winter()
    emulator = Emulator(truth, seed=4)
    air, cloud, sun, hits, misses, alarms = [], [], [], 0, 0, 0
    for day in range(20, 190, 3):
        now = truth.time_utc_s[0] + day * 24 * H
        member = emulator.forecast(now, 24 * H).members[0]
        rows = np.searchsorted(truth.time_utc_s, member.time_utc_s)
        air.append(member.air_c - truth.air_c[rows])
        cloud.append(member.cloud_fraction - truth.cloud_fraction[rows])
        day_rows = truth.shortwave_w_m2[rows] > 10
        sun.append((member.shortwave_w_m2 - truth.shortwave_w_m2[rows])[day_rows])
        said, seen = member.precipitation_mm_h >= WET_MM_H, truth.precipitation_mm_h[rows] >= WET_MM_H
        hits, misses = hits + int((said & seen).sum()), misses + int((~said & seen).sum())
        alarms += int((said & ~seen).sum())
    assert 0.9 < np.std(np.concatenate(air)) < 1.3
    assert 0.15 < np.std(np.concatenate(cloud)) < 0.28
    assert 50 < np.std(np.concatenate(sun)) < 80
    assert 0.74 < hits / (hits + misses) < 0.88
    assert 0.12 < alarms / (hits + alarms) < 0.28


@pytest.mark.data
def test_consecutive_issues_agree_more_than_distant_ones() -> None:
    truth = winter()
    emulator = Emulator(truth, seed=4)
    now = truth.time_utc_s[0] + 60 * 24 * H

    def error(issue: float) -> Array:
        member = emulator.forecast(issue, 48 * H).members[0]
        window = (member.time_utc_s > now + 30 * H) & (member.time_utc_s <= now + 40 * H)
        rows = np.searchsorted(truth.time_utc_s, member.time_utc_s[window])
        return member.air_c[window] - truth.air_c[rows]

    last = error(now + 24 * H)
    assert np.std(error(now + 21 * H) - last) < np.std(error(now) - last)
    again = Emulator(truth, seed=4).forecast(now, 48 * H)
    np.testing.assert_array_equal(again.members[0].air_c, emulator.forecast(now, 48 * H).members[0].air_c)


def test_emulated_forecasts_repeat_and_stay_inside_the_truth() -> None:
    truth = design_storm(START, hours=96)
    one = emulated_forecast(truth, START + 24 * H, 30 * H, np.random.default_rng(3))
    two = emulated_forecast(truth, START + 24 * H, 30 * H, np.random.default_rng(3))
    np.testing.assert_array_equal(one.members[0].air_c, two.members[0].air_c)
    assert one.source == "emulated"
    check_forecast(one, START + 24 * H)
    with pytest.raises(WeatherError, match="does not cover"):
        emulated_forecast(truth, START + 80 * H, 30 * H, np.random.default_rng(3))
    issued = Emulator(truth, 1).forecast(START + 25.9 * H, 30 * H).issued_utc_s
    assert issued == Emulator(truth, 1).forecast(START + 25.1 * H, 30 * H).issued_utc_s


async def test_the_number_of_members_may_change_from_issue_to_issue() -> None:
    truth = design_storm(START - 24 * H, hours=96)

    class Own:
        count = 5

        async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
            ahead = between(truth, now_utc_s, now_utc_s + horizon_s)
            members = tuple(replace(ahead, air_c=ahead.air_c + 0.1 * k) for k in range(self.count))
            return Forecast(now_utc_s, members, "test", members_offered=5)

        def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
            return between(truth, now_utc_s - back_s / 4, now_utc_s)

    own = Own()
    provider = EnsembleProvider(own, members=5, site=SEOUL)
    for hour, count in enumerate((5, 4, 1, 5)):
        own.count = count
        ensemble = await provider.forecast(START + hour * H, 24 * H)
        check_forecast(ensemble, START + hour * H)
        assert len(ensemble.members) == (count if count > 1 else 5)  # a single one gets plausible errors


# --- scores


def test_crps_known_values() -> None:
    assert crps(np.array([[3.0]]), np.array([1.0])) == pytest.approx([2.0])
    # two members: E|x − y| = 1, half the mean distance of different members = 1
    assert crps(np.array([[0.0, 2.0]]), np.array([1.0])) == pytest.approx([0.0])
    rng = np.random.default_rng(1)  # standard normal around the truth: CRPS = 1/√π·(√2 − 1)·… = 0.2337 at the centre
    assert crps(rng.normal(size=(1, 20_000)), np.zeros(1)) == pytest.approx([0.2337], abs=0.01)


@given(seed=st.integers(0, 1000), k=st.integers(1, 30))
def test_a_reliable_ensemble_has_a_flat_histogram(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    everything = rng.normal(size=(4000, k + 1))
    histogram = rank_histogram(everything[:, 1:], everything[:, 0])
    assert histogram.sum() == pytest.approx(4000)
    assert histogram.max() < 1.35 * 400
    assert histogram.min() > 0.65 * 400


def test_reliability_of_probabilities() -> None:
    rng = np.random.default_rng(1)
    said = rng.uniform(size=5000)
    honest, boastful = EventScore(), EventScore()
    honest.add(said, (rng.uniform(size=5000) < said).astype(float))
    boastful.add(said, (rng.uniform(size=5000) < 0.5 * said).astype(float))
    assert honest.reliability < 0.002
    assert boastful.reliability > 0.05
    assert honest.brier < boastful.brier


# --- continuous correction


@pytest.mark.data
async def test_verification_takes_off_bias_and_carries_the_last_error() -> None:
    truth = winter("kr_seoul_2021-22")
    provider = EnsembleProvider(EmulatedProvider(truth, seed=3), members=16, seed=7, site=SEOUL)
    start = truth.time_utc_s[0] + 80 * 24 * H
    for step in range(16 * 8):
        ensemble = await provider.forecast(start + step * 3 * H + 600, 30 * H)
    check_forecast(ensemble, start + step * 3 * H + 600)
    raw, given_ = provider.verification.raw.report(), provider.verification.given.report()
    assert given_["air_c"]["0-6 h"]["crps"] < 0.85 * raw["air_c"]["0-6 h"]["crps"]
    assert given_["air_c"]["6-24 h"]["crps"] < 1.02 * raw["air_c"]["6-24 h"]["crps"]
    assert abs(given_["air_c"]["0-6 h"]["bias"]) < 0.2
    assert 0.7 < given_["air_c"]["6-24 h"]["spread_ratio"] < 1.4
    assert raw["precipitation"]["6-24 h"]["reliability"] < 0.03


async def test_a_file_is_not_corrected_by_itself() -> None:
    provider = EnsembleProvider(FileProvider(design_storm(START, hours=60)), members=6, site=SEOUL)
    ensemble = await provider.forecast(START + 10.0, 30 * H)
    assert len(ensemble.members) == 6
    assert provider.verification.raw.report()["air_c"] == {}
    assert await provider.forecast(START + 60.0, 30 * H) is ensemble  # no news, no other weather
    assert await provider.forecast(START + 700.0, 30 * H) is not ensemble


# --- the coefficients against their source


@pytest.mark.data
def test_temperature_coefficients_describe_the_archive() -> None:
    path = DATA / "forecast_errors" / "dk_sonderborg_dmi_2010-11.csv"
    if not path.exists():
        pytest.skip("the forecast archive is not here; set ROADHEAT_DATA")
    errors = fit_errors.issue_errors(path)
    spread = np.nanstd(errors, axis=0)
    for lead in (6, 12, 24, 36):
        assert float(TEMPERATURE_K.sd(np.array(lead))) == pytest.approx(spread[lead - 1], rel=0.15)
    for hours in (3, 6, 12, 24):
        model = fit_errors.model_lag_correlation(TEMPERATURE_K, hours)
        assert model == pytest.approx(fit_errors.lag_correlation(errors, hours), abs=0.15)
    for hours in (6, 12, 24):
        model = fit_errors.model_issue_correlation(TEMPERATURE_K, hours)
        assert model == pytest.approx(fit_errors.issue_correlation(errors, hours), abs=0.1)
