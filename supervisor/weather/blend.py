"""A nowcast over a forecast: the next hours from the one, what comes after from the other, without a step between.

KMA found radar extrapolation best for two hours and the model from four on, and blends between them itself (Lee et al.,
EGU24-6856); its product ends after six. So it replaces the forecast for `WHOLE_H` hours and fades until `UNTIL_H`.
A nowcast that is old, or that contradicts what is observed or forecast beyond any error, is left out and counted.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, fields, replace

import numpy as np

from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import NOWCAST, Array, Forecast, WeatherSeries

logger = logging.getLogger(__name__)

WHOLE_H, UNTIL_H = 3.0, 6.0  # from now
AGE_MAX_S = 2.5 * 3600.0  # an issue at :30 is out at :45; with the one before it, two hours and a quarter
AIR_MAX_K = 6.0  # from the forecast, the median of the hours: errors of a day ahead have a deviation of 1.4 K
SEEN_MAX_K = 5.0  # of the first hour from the last observed: fronts bring as much in an hour or two
OBSERVED_WITHIN_S = 2 * 3600.0


@dataclass(frozen=True)
class Nowcast:
    """Rows of the next hours, on the times of hourly forecasts."""

    issued_utc_s: float
    series: WeatherSeries
    treated: Tally = field(default_factory=Tally)


def blend(
    forecast: Forecast, nowcast: Nowcast | None, observed_air_c: tuple[float, float] | None, now_utc_s: float
) -> Forecast:
    """The forecast with the nowcast in its next hours, or as it was with what is wrong counted as `NOWCAST`.

    `observed_air_c`: time [UTC s] and value of the newest observation. All members get the same nowcast.
    """
    if nowcast is None:
        return _without(forecast)
    if why := contradicts(forecast, nowcast, observed_air_c, now_utc_s):
        logger.warning("the nowcast is not used: %s", why)
        return _without(forecast)
    weight = _weight(forecast.members[0].time_utc_s, nowcast.series.time_utc_s, now_utc_s)
    if not weight.any():
        return _without(forecast)
    until = float(forecast.members[0].time_utc_s[weight > 0.0][-1])
    members = tuple(_mixed(member, nowcast.series, weight) for member in forecast.members)
    return replace(forecast, members=members, nowcast_until_utc_s=until)


def _without(forecast: Forecast) -> Forecast:
    """As it was, with the nowcast counted as dropped."""
    treated = Tally(forecast.treated)
    treated.add(Treatment.DROPPED, NOWCAST)
    return replace(forecast, treated=treated)


def contradicts(
    forecast: Forecast, nowcast: Nowcast, observed_air_c: tuple[float, float] | None, now_utc_s: float
) -> str:
    """Why a nowcast cannot be believed, or nothing."""
    if not 0.0 <= now_utc_s - nowcast.issued_utc_s <= AGE_MAX_S:
        return f"issued {(now_utc_s - nowcast.issued_utc_s) / 3600.0:.1f} h ago"
    member, rows = forecast.members[0], nowcast.series
    apart = rows.air_c - np.interp(rows.time_utc_s, member.time_utc_s, member.air_c)
    if abs(float(np.median(apart))) > AIR_MAX_K:
        return f"{float(np.median(apart)):+.1f} K from the forecast"
    if observed_air_c is not None and abs(now_utc_s - observed_air_c[0]) <= OBSERVED_WITHIN_S:
        off = float(rows.air_c[0]) - observed_air_c[1]
        if abs(off) > SEEN_MAX_K:
            return f"its first hour is {off:+.1f} K from what is observed"
    if bool((rows.air_c == rows.air_c[0]).all() and (rows.wind_m_s == rows.wind_m_s[0]).all() and len(rows) > 3):
        return "every hour is the same"
    return ""


def _weight(times: Array, known: Array, now_utc_s: float) -> Array:
    """How far each row is the nowcast's [0–1], 0 where it has none of that time."""
    lead_h = (times - now_utc_s) / 3600.0
    fades = np.clip((UNTIL_H - lead_h) / (UNTIL_H - WHOLE_H), 0.0, 1.0)
    return np.where(np.isin(times, known) & (lead_h > 0.0), fades, 0.0)


def _mixed(member: WeatherSeries, rows: WeatherSeries, weight: Array) -> WeatherSeries:
    place = np.minimum(np.searchsorted(rows.time_utc_s, member.time_utc_s), len(rows) - 1)

    def mix(name: str) -> Array:
        was, new = getattr(member, name), getattr(rows, name)[place]
        return np.asarray(was + weight * (new - was))

    mixed = {f.name: mix(f.name) for f in fields(WeatherSeries) if f.name not in ("time_utc_s", "snow_fraction")}
    # Of the mixed water, what each calls snow; without water the phase stays the forecast's.
    snow = member.precipitation_mm_h * member.snow_fraction * (1.0 - weight)
    snow = snow + (rows.precipitation_mm_h * rows.snow_fraction)[place] * weight
    water = mixed["precipitation_mm_h"]
    share = np.where(water > 0.0, snow / np.maximum(water, 1e-12), member.snow_fraction)
    mixed["dew_point_c"] = np.minimum(mixed["dew_point_c"], mixed["air_c"])
    return replace(member, **mixed, snow_fraction=np.clip(share, 0.0, 1.0))
