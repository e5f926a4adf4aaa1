"""Corrects the next forecast by past errors at this site: bias removed, spread scaled, the last error carried on.

Three corrections of the members' air temperature, each shrunk while little is known:

1. bias by lead, a mean over some ten days;
2. spread: members are widened or narrowed about their mean until it matches the errors seen;
3. now: what is wrong at this moment stays wrong for a while. The error model says for how long (its standing part), and
   that what was observed no longer needs spread.

Dew point follows the air, long-wave follows both.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from supervisor.domain.weather import Array, Forecast, WeatherSeries
from supervisor.road.radiation import longwave_down_w_m2
from supervisor.weather.error_model import DEW_PER_AIR, TEMPERATURE_K, WET_MM_H
from supervisor.weather.scores import EnsembleScore, EventScore

Rows = npt.NDArray[np.intp]

LEAD_EDGES_H = (0.0, 6.0, 24.0, 240.0)
LEAD_NAMES = ("0-6 h", "6-24 h", "24 h and more")
LEAD_MIDDLES_H = np.array([3.0, 15.0, 36.0])
MEMORY_H = 240.0  # weather regimes; longer mixes the halves of a winter, shorter overfits single nights
PRIOR_H = 48.0  # weight of "no bias, spread right" against what was seen
SPREAD_RANGE = (0.6, 1.8)
NOW_S = 2 * 3600.0  # an observation from before says little about now
KEPT_FORECASTS = 32  # an issue every 3 h for four days
VARIABLES = ("air_c", "dew_point_c", "wind_m_s")


@dataclass
class LeadScores:
    """Scores by variable and lead range."""

    values: dict[str, tuple[EnsembleScore, ...]]
    wet: tuple[EventScore, ...]

    @classmethod
    def empty(cls) -> LeadScores:
        values = {name: tuple(EnsembleScore() for _ in LEAD_NAMES) for name in VARIABLES}
        return cls(values, tuple(EventScore() for _ in LEAD_NAMES))

    def add(self, forecast: Forecast, rows: Rows, observed: WeatherSeries, observed_rows: Rows) -> None:
        """Pairs of a forecast's rows and the observation's, same times (n,)."""
        lead_h = (observed.time_utc_s[observed_rows] - forecast.issued_utc_s) / 3600.0
        for place in range(len(LEAD_NAMES)):
            here = (lead_h > LEAD_EDGES_H[place]) & (lead_h <= LEAD_EDGES_H[place + 1])
            if not here.any():
                continue
            mine, seen = rows[here], observed_rows[here]
            for name, scores in self.values.items():
                members = np.stack([getattr(m, name)[mine] for m in forecast.members], axis=1)
                scores[place].add(members, getattr(observed, name)[seen])
            wet = np.stack([m.precipitation_mm_h[mine] >= WET_MM_H for m in forecast.members], axis=1)
            happened = observed.precipitation_mm_h[seen] >= WET_MM_H
            self.wet[place].add(wet.mean(axis=1), happened.astype(np.float64))

    def fade(self, factor: float) -> None:
        for scores in self.values.values():
            for score in scores:
                score.fade(factor)
        for event in self.wet:
            event.fade(factor)

    def report(self) -> dict[str, dict[str, dict[str, float]]]:
        """By variable and lead: bias, rmse, crps, spread_ratio; for precipitation brier and reliability."""
        result = {
            name: {
                lead: {"bias": s.bias, "rmse": s.rmse, "crps": s.mean_crps, "spread_ratio": s.spread_ratio}
                for lead, s in zip(LEAD_NAMES, scores, strict=True)
                if s.weight > 0
            }
            for name, scores in self.values.items()
        }
        result["precipitation"] = {
            lead: {"brier": e.brier, "reliability": e.reliability}
            for lead, e in zip(LEAD_NAMES, self.wet, strict=True)
            if e.count.sum() > 0
        }
        return result


class SiteVerification:
    """Remembers what was forecast, scores it when the time has come, corrects what comes next."""

    def __init__(self) -> None:
        self._raw: deque[Forecast] = deque(maxlen=KEPT_FORECASTS)
        self._given: deque[Forecast] = deque(maxlen=KEPT_FORECASTS)
        self._seen_until_utc_s = -np.inf
        self.raw = LeadScores.empty()  # of what came in
        self.given = LeadScores.empty()  # of what went out, corrected

    def remember(self, raw: Forecast, given: Forecast) -> None:
        """Keep an issue for scoring; the same issue only once."""
        if not self._raw or raw.issued_utc_s > self._raw[-1].issued_utc_s:
            self._raw.append(raw)
            self._given.append(given)

    def observe(self, observed: WeatherSeries | None, now_utc_s: float) -> None:
        """Score every remembered forecast on the observations that are new since the last call."""
        if observed is None:
            return
        times = observed.time_utc_s
        fresh = np.flatnonzero((times > self._seen_until_utc_s) & (times <= now_utc_s))
        if fresh.size == 0:
            return
        if np.isfinite(self._seen_until_utc_s):
            factor = float(np.exp(-(times[fresh[-1]] - self._seen_until_utc_s) / 3600.0 / MEMORY_H))
            self.raw.fade(factor)
            self.given.fade(factor)
        self._seen_until_utc_s = float(times[fresh[-1]])
        for scores, forecasts in ((self.raw, self._raw), (self.given, self._given)):
            for forecast in forecasts:
                own = forecast.members[0].time_utc_s
                _, mine, seen = np.intersect1d(own, times[fresh], assume_unique=True, return_indices=True)
                if mine.size:
                    scores.add(forecast, mine, observed, fresh[seen])

    @property
    def newest_first(self) -> Iterator[Forecast]:
        """What came in, by issue."""
        return reversed(self._raw)

    def bias_k(self, lead_h: Array) -> Array:
        """Air temperature bias expected at a lead [K] (n,), shrunk towards zero while little is known."""
        scores = self.raw.values["air_c"]
        shrunk = [s.bias * s.weight / (s.weight + PRIOR_H) for s in scores]
        result: Array = np.interp(lead_h, LEAD_MIDDLES_H, shrunk)
        return result

    def spread_factor(self, lead_h: Array) -> Array:
        """What to multiply the members' distance from their mean with (n,)."""
        factors = []
        for score in self.raw.values["air_c"]:
            ratio = score.spread_ratio
            trust = score.weight / (score.weight + PRIOR_H)
            wanted = 1.0 / ratio if np.isfinite(ratio) and ratio > 0.0 else 1.0
            factors.append(np.clip(np.exp(trust * np.log(wanted)), *SPREAD_RANGE))
        result: Array = np.interp(lead_h, LEAD_MIDDLES_H, factors)
        return result

    def correct(self, forecast: Forecast, observed: WeatherSeries | None, now_utc_s: float) -> Forecast:
        """The forecast with corrected temperature, dew point and long-wave; members keep their times and number."""
        times = forecast.members[0].time_utc_s
        lead_h = np.maximum(times - forecast.issued_utc_s, 0.0) / 3600.0
        air = np.stack([m.air_c for m in forecast.members])
        mean = air.mean(axis=0)
        centre = mean - self.bias_k(lead_h)
        wide = self.spread_factor(lead_h)
        error_now = _error_now_k(times, centre, observed, now_utc_s)
        if error_now is not None:
            ahead_h = np.maximum(times - now_utc_s, 0.0) / 3600.0
            fast = np.exp(-ahead_h / TEMPERATURE_K.memory_h)
            # what lasts for days is in the bias already, as far as that is known
            known = min(score.weight / (score.weight + PRIOR_H) for score in self.raw.values["air_c"])
            carry = TEMPERATURE_K.slow_share * (1.0 - known) + (1.0 - TEMPERATURE_K.slow_share) * fast
            centre = centre - carry * error_now
            left = TEMPERATURE_K.sd(lead_h) ** 2 - (carry * TEMPERATURE_K.standing_sd) ** 2
            wide = wide * np.sqrt(np.maximum(left, 0.04)) / TEMPERATURE_K.sd(lead_h)
        members = tuple(
            _shift(member, centre + wide * (own - mean)) for member, own in zip(forecast.members, air, strict=True)
        )
        return replace(forecast, members=members)


def _error_now_k(times: Array, centre: Array, observed: WeatherSeries | None, now_utc_s: float) -> float | None:
    """Forecast minus observation now [K]; None where nothing recent is known."""
    newest = observed.newest_row(now_utc_s, NOW_S) if observed is not None else None
    if observed is None or newest is None:
        return None
    when = float(observed.time_utc_s[newest])
    if not times[0] - 3600.0 <= when <= times[-1]:
        return None
    return float(np.interp(when, times, centre) - observed.air_c[newest])


def _shift(member: WeatherSeries, air_c: Array) -> WeatherSeries:
    """A member with another air temperature, its dew point and long-wave moved along."""
    dew = np.minimum(member.dew_point_c + DEW_PER_AIR * (air_c - member.air_c), air_c)
    change = longwave_down_w_m2(air_c, dew, member.cloud_fraction) - longwave_down_w_m2(
        member.air_c, member.dew_point_c, member.cloud_fraction
    )
    longwave = np.clip(member.longwave_w_m2 + change, 60.0, 550.0)
    return replace(member, air_c=air_c, dew_point_c=dew, longwave_w_m2=longwave)
