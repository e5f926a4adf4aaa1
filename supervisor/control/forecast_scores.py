"""Forecast scores for Prometheus: of forecasts as received, and as corrected for the planner.

Read from the verification at each scrape. A score without observations for its lead yet is left out, as are those
of a weather file, which is its own observation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from supervisor.weather.verification import LEAD_NAMES, SiteVerification

_OWN_UNIT: Final = "in the variable's unit (K, m/s)"
_GAUGES: Final = {
    "bias": f"Ensemble mean minus observation, {_OWN_UNIT}",
    "rmse": f"Root mean square error of the ensemble mean, {_OWN_UNIT}",
    "crps": f"Continuous ranked probability score of the ensemble, 0 is perfect, {_OWN_UNIT}",
    "spread_ratio": "Spread over error; 1 is right, below 1 the ensemble is overconfident",
    "brier": "Brier score of the probability of precipitation, 0 is perfect",
    "reliability": "Mean square of forecast probability minus observed frequency, 0 is perfect",
}


class ForecastScores(Collector):
    """Gauges by variable, lead, and of what: `raw` as received, `given` as corrected."""

    def __init__(self, verification: Callable[[], SiteVerification]) -> None:
        self._verification = verification

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Means over some ten days, older hours fading."""
        labels = ["variable", "lead", "of"]
        families = {
            name: GaugeMetricFamily(f"roadheat_forecast_{name}", text, labels=labels) for name, text in _GAUGES.items()
        }
        scored = GaugeMetricFamily(
            "roadheat_forecast_scored_pairs",
            "Forecast values that met their observation, older ones fading",
            labels=labels,
        )
        verification = self._verification()
        for of, scores in (("raw", verification.raw), ("given", verification.given)):
            for variable, by_lead in scores.report().items():
                for lead, values in by_lead.items():
                    for name, value in values.items():
                        if math.isfinite(value):
                            families[name].add_metric([variable, lead, of], value)
            for variable, by_place in scores.values.items():
                for lead, score in zip(LEAD_NAMES, by_place, strict=True):
                    scored.add_metric([variable, lead, of], score.weight)
        yield from families.values()
        yield scored


def show_scores(registry: CollectorRegistry, verification: Callable[[], SiteVerification]) -> None:
    """Add the gauges to a service's registry; `verification` gives that of the source in use."""
    registry.register(ForecastScores(verification))
