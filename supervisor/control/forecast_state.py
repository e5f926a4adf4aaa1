"""What people and Prometheus hear of the forecast in use: who made it, what became of its parts, how old it is."""

from __future__ import annotations

from collections import Counter

from supervisor.control.degraded import Degradations, DegradedCode, Detail
from supervisor.control.metrics import Metrics
from supervisor.domain.treatment import Treatment
from supervisor.domain.weather import ISSUE, MEMBER, Forecast
from supervisor.weather.keeper import Kept


def show_state(kept: Kept, degradations: Degradations, metrics: Metrics) -> None:
    """Set the lines of the app's head and the gauges for the forecast that is used from now on, or for none."""
    forecast = kept.forecast
    metrics.forecast_parts.clear()
    metrics.forecast_provider.clear()
    if forecast is not None:
        metrics.forecast_provider.labels(forecast.source).set(1)
        for (how, what), count in forecast.treated.items():
            metrics.forecast_parts.labels(forecast.source, how, what).set(count)
    lines: dict[DegradedCode, Detail | None] = {
        DegradedCode.FORECAST_PARTS: _parts(forecast) if forecast else None,
        DegradedCode.FORECAST_OLD: _old(kept),
        DegradedCode.FORECAST_SECOND: _second(forecast) if forecast else None,
    }
    for code, detail in lines.items():
        degradations.set(code, detail)


def _parts(forecast: Forecast) -> Detail | None:
    """A missing issue is no part: `FORECAST_OLD` says it."""
    counts: Counter[Treatment] = Counter()
    for (how, what), count in forecast.treated.items():
        if what != ISSUE:
            counts[how] += count
    estimated, dropped = counts[Treatment.ESTIMATED], counts[Treatment.DROPPED]
    if not estimated and not dropped:
        return None
    return {
        "estimated": estimated,
        "dropped": dropped,
        "missing": forecast.treated[Treatment.DROPPED, MEMBER],
        "members": forecast.members_offered or len(forecast.members),
        "issued_utc_s": int(forecast.issued_utc_s),
    }


def _old(kept: Kept) -> Detail | None:
    if kept.forecast is None or not (kept.stale or kept.forecast.issues_missing):
        return None
    return {"issued_utc_s": int(kept.forecast.issued_utc_s)}


def _second(forecast: Forecast) -> Detail | None:
    if not forecast.instead_of:
        return None
    return {"provider": forecast.source, "first": forecast.instead_of}
