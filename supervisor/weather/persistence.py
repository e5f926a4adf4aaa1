"""What a forecast's rain and snow got wrong in the last hour stays wrong for a while.

Errors of precipitation are correlated over some hours (`error_model.WET`): where a member has snow and the station saw
none, the next hours are likelier dry than the member says, and the other way round. The member's wetness score is
moved by the error of now, which fades with that memory; a gauge that measured nothing gets less
weight, because light snow escapes it and a broken one always reads zero; while the roads are wet it gets none.
Members keep their times, their order and everything that is not precipitation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from supervisor.domain.weather import Forecast, WeatherSeries
from supervisor.weather.error_model import (
    RATE_MAX_MM_H,
    SCORE_EDGE,
    SCORE_PER_HOUR,
    WET,
    WET_MM_H,
    new_rate_mm_h,
    wet_hour_score,
    wet_score,
)
from supervisor.weather.verification import NOW_S

# Parts of an error that are carried on: it may be a front's timing, which passes, and light snow escapes a gauge. Brier
# scores at four places were best about here; unforeseen snow of 1 mm/h is still likely an hour later.
CARRIED_WET, CARRIED_DRY = 0.85, 0.8
DRY_HOURS_MAX = 3.0  # longer without rain does not make the next hour drier


def carry_on(
    forecast: Forecast,
    issues: Iterable[Forecast],
    observed: WeatherSeries | None,
    now_utc_s: float,
    *,
    roads_wet: bool = False,
) -> Forecast:
    """The forecast, its members' precipitation moved by what the newest observation says of them.

    `issues`: forecasts given before, newest first, with the same members; the first that covers the newest observed
    hour says what each member had there. Nothing recent observed, no such issue, or a dry gauge among wet roads: the
    forecast as it is.
    """
    newest = observed.newest_row(now_utc_s, NOW_S) if observed is not None else None
    if observed is None or newest is None:
        return forecast
    when = float(observed.time_utc_s[newest])
    seen = _seen_score(observed, newest)
    if roads_wet and seen < 0.0:
        return forecast
    for issue in issues:
        row = np.flatnonzero(issue.members[0].time_utc_s == when)
        if row.size and len(issue.members) == len(forecast.members):
            moved = [
                _moved(member, _error(before, int(row[0]), seen), when)
                for member, before in zip(forecast.members, issue.members, strict=True)
            ]
            return replace(forecast, members=tuple(moved))
    return forecast


def _step_h(series: WeatherSeries) -> float:
    return float(np.median(np.diff(series.time_utc_s))) / 3600.0 if len(series) > 1 else 1.0


def _seen_score(observed: WeatherSeries, row: int) -> float:
    """Wetness score of the hour that was observed, without a look ahead."""
    rate = float(observed.precipitation_mm_h[row])
    if rate >= WET_MM_H:
        return float(wet_hour_score(rate))
    wet = np.flatnonzero(observed.precipitation_mm_h[:row] >= WET_MM_H)
    dry_h = (row - int(wet[-1])) * _step_h(observed) if wet.size else DRY_HOURS_MAX
    return -(SCORE_EDGE + SCORE_PER_HOUR * min(dry_h, DRY_HOURS_MAX))


def _error(before: WeatherSeries, row: int, seen: float) -> float:
    """What must be added to the member's score to make it say what was seen; 0 where it says so already."""
    had = float(wet_score(before, _step_h(before))[row])
    if (had > 0.0) == (seen > 0.0):
        return 0.0
    return (seen - had) * (CARRIED_WET if seen > 0.0 else CARRIED_DRY)


def _moved(member: WeatherSeries, error: float, when_utc_s: float) -> WeatherSeries:
    if error == 0.0:
        return member
    ahead_h = np.maximum(member.time_utc_s - when_utc_s, 0.0) / 3600.0
    score = wet_score(member, _step_h(member)) + error * np.exp(-ahead_h / WET.memory_h)
    was = member.precipitation_mm_h
    new = np.minimum(new_rate_mm_h(score - SCORE_EDGE), RATE_MAX_MM_H)
    rate = np.where(score <= 0.0, 0.0, np.where(was >= WET_MM_H, was, new))
    untouched = (score <= 0.0) & (was < WET_MM_H)  # a trace that was there stays
    return replace(member, precipitation_mm_h=np.where(untouched, was, rate))
