"""Four days of forecasts that are 2 K too warm, every hour observed: the metrics that result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from supervisor.control.forecast_scores import show_scores
from supervisor.control.forecasts import Forecasts
from supervisor.control.tests.conftest import START_UTC_S, Setup
from supervisor.domain.weather import Forecast
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.ensemble import EnsembleProvider
from supervisor.weather.providers.provider import FILE, FileProvider

BIAS_K = 2.0
HOURS = 4 * 24
Scores = dict[tuple[str, str, str, str], float]  # by metric, variable, lead, of


class TooWarm(FileProvider):
    """Observes what happens and foresees it 2 K warmer."""

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        true = await super().forecast(now_utc_s, horizon_s)
        return replace(true, members=tuple(replace(m, air_c=m.air_c + BIAS_K) for m in true.members))


async def lived(setup: Setup, source: str, hours: int) -> Scores:
    """The service's weather hour by hour, and what a scrape then reads."""
    truth = design_storm(START_UTC_S - 24 * 3600, hours=24 + HOURS + 48, snow_start_h=60)
    provider = EnsembleProvider(TooWarm(truth, source=source), 12, site=SEOUL)
    show_scores(setup.metrics.registry, lambda: provider.verification)
    forecasts = Forecasts(provider, SEOUL, 30 * 3600.0, setup.clock, setup.alarms, setup.metrics, setup.degradations)
    for _ in range(hours):
        await forecasts.ask()
        setup.clock.advance(3600.0)
    return dict(scraped(setup))


def scraped(setup: Setup) -> Iterator[tuple[tuple[str, str, str, str], float]]:
    for family in text_string_to_metric_families(generate_latest(setup.metrics.registry).decode()):
        for sample in family.samples:
            if "of" in sample.labels:
                labels = sample.labels
                name = sample.name.removeprefix("roadheat_forecast_")
                yield (name, labels["variable"], labels["lead"], labels["of"]), sample.value


async def test_a_biased_forecast_shows_as_such_and_as_corrected(setup: Setup) -> None:
    scores = await lived(setup, "test", HOURS)
    for lead in ("0-6 h", "6-24 h"):
        raw, given = (
            {name: value for (name, *where), value in scores.items() if where == ["air_c", lead, of]}
            for of in ("raw", "given")
        )
        assert raw["bias"] == pytest.approx(BIAS_K, abs=0.6)  # of the mean of members that err of themselves
        assert abs(given["bias"]) < 0.5 * raw["bias"]
        assert 0.0 < given["crps"] < 0.7 * raw["crps"]
        assert raw["crps"] <= raw["rmse"]
        assert raw["scored_pairs"] == given["scored_pairs"] > 6
        assert 0.0 <= scores["brier", "precipitation", lead, "raw"] <= 1.0
        assert 0.0 <= scores["reliability", "precipitation", lead, "given"] <= 1.0
    assert abs(scores["bias", "wind_m_s", "0-6 h", "raw"]) < 0.5  # only the air was foreseen wrongly


async def test_a_file_that_foresees_itself_has_no_scores(setup: Setup) -> None:
    scores = await lived(setup, FILE, 12)
    assert {name for name, *_ in scores} == {"scored_pairs"}
    assert set(scores.values()) == {0.0}
