"""How forecasts err: one model for two uses, making members around a forecast and emulating forecasts of a truth.

Fitted to real archives (see `fit_errors`, which prints these figures again from the data):

- temperature: 82,000 DMI forecasts of Sønderborg (2010–11, hourly issues, leads 1–36 h) and daily issues for Moscow,
  Warsaw and New York (2020; Novosibirsk left out, its short-lead observations are partly the model's own);
- cloud, dew point, wind and precipitation: lead-day statistics of three global models on the Adriatic (2024–26), whose
  truth is each model's own latest run, so that these errors are lower bounds.

An error is a Gaussian field in time with two parts: a *standing* part that all issues share (site, regime), and a
*growing* part that each run draws anew and whose variance rises linearly with lead. In both, correlation
falls to 1/e within `memory_h`, and `slow_share` of the variance holds through the event. Pure: the seed is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.road.radiation import cloudy_w_m2
from supervisor.weather import phase
from supervisor.weather.longwave import clear_sky_means_w_m2, longwave_down_w_m2

DAY_S = 86_400.0
SLOW_MEMORY_H = 240.0  # "through the event": ten days
RUN_MEMORY_H = 11.0  # growing parts of two issues: correlation 0.58 six hours apart (Sønderborg)


@dataclass(frozen=True)
class Field:
    """Standard deviation and memory of one error field."""

    standing_sd: float
    growth_sd: float  # after 24 h of lead; grows as the square root of lead
    memory_h: float
    slow_share: float = 0.0

    def sd(self, lead_h: Array) -> Array:
        result: Array = np.sqrt(self.standing_sd**2 + self.growth_sd**2 * np.maximum(lead_h, 0.0) / 24.0)
        return result


TEMPERATURE_K = Field(0.97, 0.63, memory_h=5.5, slow_share=0.2)
DEPRESSION_K = Field(0.80, 0.85, memory_h=5.5, slow_share=0.2)  # dew point, beyond what temperature explains
DEW_PER_AIR = 0.7  # part of a temperature error that the dew point shares
CLOUD = Field(0.75, 0.60, memory_h=4.0)  # on the probit scale; memory is that of the short-wave errors
WIND_LOG = Field(0.15, 0.15, memory_h=6.0)  # logarithm of speed
PHASE_K = Field(0.40, 0.0, memory_h=6.0)  # wet bulb at which snow turns to rain: width of Wang's curve
TIMING_H = Field(0.6, 0.7, memory_h=24.0)  # whole fronts come early or late
WET = Field(0.95, 0.60, memory_h=5.0)  # on the scale of `wet_score`
AMOUNT_PER_WET = 0.5  # how much of the wetness error shows in the amount (logarithm)

WET_MM_H = 0.1
SCORE_EDGE = 0.4  # a wet hour scores above +this, a dry one below −this
SCORE_SCALE_MM_H = 0.2
SCORE_FAR = 3.0  # hours far from any precipitation are so dry
SCORE_PER_HOUR = 0.35  # drier with each hour from the nearest wet one
SCORE_CLEAR = 1.0  # and by this under a clear sky
SCORE_NEW_MAX = 3.0  # above the edge: the rate of an hour that an error makes wet grows no further
RATE_MAX_MM_H = 20.0  # no error makes more; the gate knows no limit that is nearer
PROBIT_EDGE = 0.02  # clear and overcast, kept finite


@dataclass(frozen=True)
class Noise:
    """Scaled errors at the rows of a series, each (K, n): one row per member."""

    temperature_k: Array
    depression_k: Array
    cloud: Array
    wind_log: Array
    phase_k: Array
    timing_h: Array
    wet: Array


FIELDS = {
    "temperature_k": TEMPERATURE_K,
    "depression_k": DEPRESSION_K,
    "cloud": CLOUD,
    "wind_log": WIND_LOG,
    "phase_k": PHASE_K,
    "timing_h": TIMING_H,
    "wet": WET,
}


def _fast(seed: tuple[int, ...], first: int, count: int, step_s: float, memory_h: float, members: int) -> Array:
    """First-order autoregression of unit variance at rows first…first+count of the absolute grid (members, count).

    Shocks belong to absolute days, so that the same seed gives the same field whatever window is asked for (to the
    little that is left of what happened four memories before it).
    """
    per_day = round(DAY_S / step_s)
    begin_day = (first - int(4.0 * memory_h * 3600.0 / step_s)) // per_day
    end_day = (first + count - 1) // per_day
    shocks = np.concatenate(
        [
            np.random.default_rng([*seed, day]).standard_normal((per_day, members))
            for day in range(begin_day, end_day + 1)
        ]
    ).T
    keep = float(np.exp(-step_s / 3600.0 / memory_h))
    shocks[:, 1:] *= np.sqrt(1.0 - keep * keep)
    field = np.asarray(lfilter([1.0], [1.0, -keep], shocks, axis=-1), dtype=np.float64)
    offset = first - begin_day * per_day
    result: Array = field[:, offset : offset + count]
    return result


def _slow(seed: tuple[int, ...], time_utc_s: Array, members: int) -> Array:
    """Unit variance, turning from one independent value to the next in ten days (members, n)."""
    place = time_utc_s / (SLOW_MEMORY_H * 3600.0)
    knots = np.floor(place).astype(int)
    values = {
        k: np.random.default_rng([*seed, int(k)]).standard_normal(members)
        for k in range(int(knots[0]), int(knots[-1]) + 2)
    }
    angle = 0.5 * np.pi * (place - knots)
    before = np.stack([values[int(k)] for k in knots], axis=1)
    after = np.stack([values[int(k) + 1] for k in knots], axis=1)
    result: Array = np.cos(angle) * before + np.sin(angle) * after
    return result


def unit_fields(seed: Sequence[int], time_utc_s: Array, members: int) -> dict[str, Array]:
    """Noise of unit variance per error field, (members, n), in antithetic pairs.

    Anchored to absolute time: member k keeps its character from issue to issue, so that plans do not jump with each
    new draw.
    """
    step_s = float(np.median(np.diff(time_utc_s)))
    half = (members + 1) // 2
    first = round(float(time_utc_s[0]) / step_s)
    result = {}
    for number, (name, field) in enumerate(FIELDS.items()):
        key = (*seed, number)
        unit = _fast((*key, 0), first, time_utc_s.size, step_s, field.memory_h, half)
        if field.slow_share > 0.0:
            slow = _slow((*key, 1), time_utc_s, half)
            unit = np.sqrt(1.0 - field.slow_share) * unit + np.sqrt(field.slow_share) * slow
        result[name] = np.concatenate((unit, -unit))[:members]
    return result


def scaled(units: dict[str, Array], lead_h: Array) -> Noise:
    """Unit fields (K, n) with the standard deviations of their leads (n,)."""
    return Noise(**{name: values * FIELDS[name].sd(lead_h) for name, values in units.items()})


def wet_score(series: WeatherSeries, step_h: float) -> Array:
    """How wet each row is, 0 being the edge (n,): the logarithm of its rate, or how far from rain it is."""
    rate = series.precipitation_mm_h
    wet = rate >= WET_MM_H
    rows = np.arange(rate.size)
    if wet.any():
        places = rows[wet]
        after = np.searchsorted(places, rows).clip(0, places.size - 1)
        before = np.maximum(after - 1, 0)
        distance_h = np.minimum(np.abs(places[after] - rows), np.abs(rows - places[before])) * step_h
    else:
        distance_h = np.full(rate.size, np.inf)
    dry = -np.minimum(SCORE_EDGE + SCORE_PER_HOUR * distance_h, SCORE_FAR)
    dry = dry - SCORE_CLEAR * (1.0 - series.cloud_fraction)
    result: Array = np.where(wet, wet_hour_score(rate), dry)
    return result


def wet_hour_score(rate_mm_h: Array | float) -> Array:
    """Score of hours with precipitation, from their rate [mm/h]."""
    result: Array = SCORE_EDGE + np.log1p(rate_mm_h / SCORE_SCALE_MM_H)
    return result


def new_rate_mm_h(excess: Array) -> Array:
    """Rate of an hour that an error made wet, from how far its score is above the edge [mm/h], 3.9 at most."""
    result: Array = WET_MM_H + SCORE_SCALE_MM_H * np.expm1(np.clip(excess, 0.0, SCORE_NEW_MAX))
    return result


def perturb(series: WeatherSeries, noise: Noise, site: Site | None = None) -> tuple[WeatherSeries, ...]:
    """The series as it would be with these errors, one per member: finite, within limits, its parts consistent."""
    step_h = float(np.median(np.diff(series.time_utc_s))) / 3600.0
    rate, fraction, cloud0 = _move_rain(series, noise, step_h)

    air = series.air_c + noise.temperature_k
    dew = series.dew_point_c + DEW_PER_AIR * noise.temperature_k + noise.depression_k
    # precipitation keeps the air near saturation: at most the forecast's depression and 2 K
    spread = np.where(rate >= WET_MM_H, series.air_c - series.dew_point_c + 2.0, np.inf)
    dew = np.clip(dew, np.maximum(air - spread, -60.0), air)

    edge = PROBIT_EDGE + (1.0 - 2.0 * PROBIT_EDGE) * series.cloud_fraction
    cloud = np.clip((ndtr(ndtri(edge) + noise.cloud) - PROBIT_EDGE) / (1.0 - 2.0 * PROBIT_EDGE), 0.0, 1.0)
    cloud = np.where(rate >= WET_MM_H, np.maximum(cloud, 0.85), cloud)
    one = np.ones_like(cloud)
    sun = series.shortwave_w_m2 * cloudy_w_m2(one, cloud) / cloudy_w_m2(one, cloud0)
    if site is not None:
        clear = clear_sky_means_w_m2(series.time_utc_s, step_h * 3600.0, site)
        sun = np.minimum(sun, np.maximum(1.1 * clear, series.shortwave_w_m2))
    down = longwave_down_w_m2(air, dew, cloud) - longwave_down_w_m2(
        series.air_c, series.dew_point_c, series.cloud_fraction
    )
    fields = {
        "air_c": air,
        "dew_point_c": dew,
        "wind_m_s": series.wind_m_s * np.exp(noise.wind_log),
        "shortwave_w_m2": np.clip(sun, 0.0, 1200.0),
        "longwave_w_m2": np.clip(series.longwave_w_m2 + down, 60.0, 550.0),
        "cloud_fraction": cloud,
        "precipitation_mm_h": rate,
        "snow_fraction": _phase(series, fraction, air, dew, noise),
    }
    return tuple(replace(series, **{name: values[k] for name, values in fields.items()}) for k in range(air.shape[0]))


def _move_rain(series: WeatherSeries, noise: Noise, step_h: float) -> tuple[Array, Array, Array]:
    """Rate, snow fraction and the forecast's cloud after timing, misses and false alarms."""
    score = wet_score(series, step_h)
    rows = np.arange(score.size)
    source = np.clip(np.rint(rows - noise.timing_h / step_h), 0, score.size - 1).astype(np.intp)
    moved = series.precipitation_mm_h[source]
    total = score[source] + noise.wet
    wet_before = moved >= WET_MM_H
    factor = np.exp(AMOUNT_PER_WET * noise.wet - 0.5 * (AMOUNT_PER_WET * WET.sd(np.array(24.0))) ** 2)
    kept = np.maximum(moved * factor, WET_MM_H)
    rate = np.where(total <= 0.0, 0.0, np.where(wet_before, kept, new_rate_mm_h(total)))
    return np.minimum(rate, RATE_MAX_MM_H), series.snow_fraction[source], series.cloud_fraction


def _phase(series: WeatherSeries, fraction: Array, air: Array, dew: Array, noise: Noise) -> Array:
    """Snow fraction after the change of wet bulb: the forecast's own phase, moved along Wang's curve."""
    before = phase.wet_bulb_c(series.air_c, series.dew_point_c, series.pressure_pa)
    after = phase.wet_bulb_c(air, dew, series.pressure_pa) + noise.phase_k
    inside = np.clip(fraction, 0.01, 0.99)  # a forecast of pure snow is 2.3 K away from even odds
    odds = inside / (1.0 - inside) * np.exp(-phase.WANG_SLOPE_PER_K * (after - before))
    result: Array = odds / (1.0 + odds)
    # a warm or cold sky decides whatever the forecast said: no snow above +4 °C wet bulb, no rain below −4 °C
    return np.where(after > 4.0, 0.0, np.where(after < -4.0, 1.0, result))
