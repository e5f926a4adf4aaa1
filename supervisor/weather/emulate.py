"""Emulated forecasts: a measured truth with the errors of real forecasts. Results are labelled "emulated".

There is no archive of forecasts with snow for a cold city, so closed-loop benchmarks run on these. `Emulator` keeps
issues consistent with each other: what all issues share stays, what is new in a run fades with `RUN_MEMORY_H`.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.weather import Array, Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.ensemble import make_members
from supervisor.weather.error_model import FIELDS, RUN_MEMORY_H, Noise, perturb, scaled, unit_fields
from supervisor.weather.gate import utc_text
from supervisor.weather.providers.provider import FileProvider
from supervisor.weather.resample import between, interval_starts_s

SOURCE = "emulated"
ISSUE_EVERY_S = 3 * 3600.0  # KMA's village forecast and most regional models
MARGIN_S = 12 * 3600.0  # beyond the horizon, so that rain outside it can be forecast into it
RUNS_REMEMBERED = 8  # × 3 h: what is older has faded to a tenth
HORIZON_MAX_S = 72 * 3600.0


def emulated_forecast(
    truth: WeatherSeries, issued_utc_s: float, horizon_s: float, rng: np.random.Generator, site: Site | None = None
) -> Forecast:
    """One forecast of the truth, its errors independent of any other issue's. Raises WeatherError beyond the truth."""
    window = _window(truth, issued_utc_s, horizon_s)
    units = unit_fields([int(rng.integers(2**31))], window.time_utc_s, 1)
    noise = scaled(units, _lead_h(window, issued_utc_s))
    return _forecast(window, noise, issued_utc_s, horizon_s, site)


class Emulator:
    """Consecutive forecasts of one truth. Deterministic: the same seed and times give the same forecasts."""

    def __init__(
        self, truth: WeatherSeries, seed: int, site: Site | None = None, issue_every_s: float = ISSUE_EVERY_S
    ) -> None:
        self._truth = truth
        self._seed = seed
        self._site = site
        self._every_s = issue_every_s
        self._standing = unit_fields([seed, 0], truth.time_utc_s, 1)
        self._run = lru_cache(maxsize=2 * RUNS_REMEMBERED)(self._draw_run)

    def issued_utc_s(self, now_utc_s: float) -> float:
        """Newest issue at `now`."""
        return math.floor(now_utc_s / self._every_s) * self._every_s

    def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        """The newest issue, from `now` on. Raises WeatherError beyond the truth."""
        issued = self.issued_utc_s(now_utc_s)
        window = _window(self._truth, now_utc_s, min(horizon_s, HORIZON_MAX_S))
        first = int(np.searchsorted(self._truth.time_utc_s, window.time_utc_s[0]))
        rows = slice(first, first + len(window))
        places = np.arange(rows.start, rows.stop)
        run = round(issued / self._every_s)
        fade = math.exp(-self._every_s / 3600.0 / RUN_MEMORY_H)
        weights = fade ** np.arange(RUNS_REMEMBERED)
        weights /= np.linalg.norm(weights)
        lead_h = np.maximum(_lead_h(window, issued), 0.0)
        errors = {}
        for name, field in FIELDS.items():
            fresh = np.zeros((1, len(window)))
            for age, weight in enumerate(weights):
                began, fields = self._run(run - age)
                fresh += weight * fields[name][:, places - began]
            growth = field.growth_sd * np.sqrt(lead_h / 24.0)
            errors[name] = field.standing_sd * self._standing[name][:, rows] + growth * fresh
        return _forecast(window, Noise(**errors), issued, horizon_s, self._site, now_utc_s)

    def _draw_run(self, run: int) -> tuple[int, dict[str, Array]]:
        """What is new in a run, for as long as any later issue may need it; and the truth's row where it begins."""
        times, start = self._truth.time_utc_s, run * self._every_s
        began = int(np.searchsorted(times, start - MARGIN_S - self._every_s))
        reach = start + RUNS_REMEMBERED * self._every_s + HORIZON_MAX_S + MARGIN_S + self._every_s
        ended = int(np.searchsorted(times, reach)) + 1
        return began, unit_fields([self._seed, 1, run], times[began:ended], 1)


class EmulatedProvider:
    """A `WeatherProvider` for benchmarks: observes the truth, foresees it with errors, as an ensemble of `members`."""

    def __init__(self, truth: WeatherSeries, seed: int, members: int = 1, site: Site | None = None) -> None:
        self._truth = FileProvider(truth, source=SOURCE)
        self._emulator = Emulator(truth, seed, site)
        self._seed = seed
        self._members = members
        self._site = site

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        forecast = self._emulator.forecast(now_utc_s, horizon_s)
        return make_members(forecast, self._members, self._seed + 1, self._site)

    def observed(self, now_utc_s: float, back_s: float) -> WeatherSeries | None:
        return self._truth.observed(now_utc_s, back_s)


def _lead_h(window: WeatherSeries, issued_utc_s: float) -> Array:
    lead: Array = (window.time_utc_s - issued_utc_s) / 3600.0
    return lead


def _window(truth: WeatherSeries, start_utc_s: float, horizon_s: float) -> WeatherSeries:
    begin, end = float(interval_starts_s(truth)[0]), float(truth.time_utc_s[-1])
    if start_utc_s < begin or start_utc_s + horizon_s > end:
        raise WeatherError(
            f"truth from {utc_text(begin)} to {utc_text(end)} does not cover the {horizon_s / 3600:g} h "
            f"after {utc_text(start_utc_s)}",
            where="emulated forecast",
            remedy="Shorten the period or the horizon",
        )
    return between(truth, start_utc_s - MARGIN_S, start_utc_s + horizon_s + MARGIN_S)


def _forecast(
    window: WeatherSeries, noise: Noise, issued: float, horizon_s: float, site: Site | None, now: float | None = None
) -> Forecast:
    start = issued if now is None else now
    member = between(perturb(window, noise, site)[0], start, start + horizon_s)
    return Forecast(issued_utc_s=issued, members=(member,), source=SOURCE)
