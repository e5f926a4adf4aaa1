"""Roads as rain gauges: beginnings are noticed and brought forward, nothing else is touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.ensemble import EnsembleProvider, make_members
from supervisor.weather.error_model import WET_MM_H
from supervisor.weather.keeper import check_forecast
from supervisor.weather.nowcast import DRIZZLE_S, EARLY_MAX_S, KEEP_S, WetOnset, bring_forward
from supervisor.weather.providers.provider import FileProvider

START = 1_703_916_000.0
SNOW = START + 9 * 3600.0  # when the design storm's snow begins
H = 3600.0


def one(series: WeatherSeries, issued: float = START) -> Forecast:
    return Forecast(issued, (series,), "test")


def first_wet(series: WeatherSeries) -> float:
    return float(series.time_utc_s[series.precipitation_mm_h >= WET_MM_H][0])


@settings(max_examples=40, deadline=None)
@given(early_h=st.floats(0.6, 6.0), seed=st.integers(0, 100))
def test_snow_that_the_roads_feel_early_is_brought_forward(early_h: float, seed: int) -> None:
    storm = design_storm(START, hours=36, seed=seed)
    onset = SNOW - early_h * H
    (moved,) = bring_forward(one(storm), onset).members
    assert onset < first_wet(moved) <= onset + 1200.0
    before = storm.time_utc_s <= onset
    np.testing.assert_array_equal(moved.precipitation_mm_h[before], storm.precipitation_mm_h[before])
    np.testing.assert_array_equal(moved.air_c, storm.air_c)
    assert moved.precipitation_mm_h.max() == pytest.approx(storm.precipitation_mm_h.max(), rel=0.1)
    check_forecast(one(moved, onset), onset)


def test_members_on_time_stay_and_members_without_any_get_drizzle() -> None:
    storm = design_storm(START, hours=36)
    assert bring_forward(one(storm), SNOW + 600.0).members[0] is storm
    dry = replace(storm, precipitation_mm_h=np.zeros(len(storm)))
    (wet,) = bring_forward(one(dry), START + 2 * H).members
    falling = wet.time_utc_s[wet.precipitation_mm_h > 0]
    assert falling[0] > START + 2 * H
    assert falling[-1] <= START + 2 * H + DRIZZLE_S + 600.0
    far = bring_forward(one(storm), SNOW - EARLY_MAX_S - H).members[0]
    assert first_wet(far) < SNOW - EARLY_MAX_S  # another shower, and the storm stays where it was
    np.testing.assert_array_equal(
        far.precipitation_mm_h[far.time_utc_s > SNOW], storm.precipitation_mm_h[storm.time_utc_s > SNOW]
    )


def shares(values: list[float | None]) -> list[float | None]:
    """What `look` says each five minutes while the sensors say `values`."""
    rest = iter(values)
    onset = WetOnset(lambda: next(rest))
    return [onset.look(START + 300.0 * i) for i in range(len(values))]


def test_only_a_common_and_sudden_beginning_counts() -> None:
    assert shares([0.0, 0.0, 0.6, 0.8])[-1] == START + 600.0
    assert not any(shares([0.9] * 10))  # wet since we know
    assert not any(shares([0.02 * i for i in range(51)]))  # over four hours: a thaw
    assert not any(shares([0.0, 0.3, 0.4, 0.45]))  # some streets only
    assert not any(shares([None, 0.9, 0.9]))  # nothing known before
    heard = shares([0.0, 0.7] + [0.9] * 20)
    assert heard[1] == START + 300.0
    assert heard[1 + round(KEEP_S / 300.0)] == heard[1]
    assert heard[-1] is None


async def test_the_ensemble_listens_to_the_roads() -> None:
    share = 0.0
    onset = WetOnset(lambda: share)
    provider = EnsembleProvider(FileProvider(design_storm(START, hours=60)), members=8, site=SEOUL, onset=onset)
    calm = await provider.forecast(SNOW - 3 * H + 10, 30 * H)
    share = 0.8
    warned = await provider.forecast(SNOW - 3 * H + 310, 30 * H)
    assert max(first_wet(m) for m in warned.members) <= SNOW - 3 * H + 2000
    assert first_wet(calm.members[0]) > SNOW
    assert len(warned.members) == len(make_members(calm, 8, 1).members)


class DeadGauge(FileProvider):
    """Foresees the storm, and observes that nothing fell."""

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        return replace(await super().forecast(now_utc_s, horizon_s), source="test")

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        series = super().observed(now_utc_s, back_s)
        return series and replace(series, precipitation_mm_h=np.zeros(len(series)))


@pytest.mark.parametrize(("wet", "believed"), [(0.0, True), (0.9, False)])
async def test_wet_roads_overrule_a_gauge_that_says_nothing(wet: float, believed: bool) -> None:
    provider = EnsembleProvider(DeadGauge(design_storm(START, hours=60)), 8, site=SEOUL, onset=WetOnset(lambda: wet))
    await provider.forecast(SNOW, 30 * H)
    later = await provider.forecast(SNOW + 2 * H, 30 * H)
    soon = [member.precipitation_mm_h[:2].max() >= WET_MM_H for member in later.members]
    assert np.mean(soon) < 0.5 if believed else np.mean(soon) > 0.7
