"""Weather series → the road model's steps, keeping what intervals mean: totals are conserved.

Row t of the result holds through step t, (start + t·dt, start + (t+1)·dt]. Precipitation and radiation are means over
intervals that end at the series' times and are integrated exactly; the other variables are values at those times and
are read, linearly, at the middle of the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from supervisor.domain.errors import PhysicsError, WeatherError
from supervisor.domain.weather import Array, Forecast, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.road.forcing import Forcing
from supervisor.road.radiation import SOLAR_CONSTANT_W_M2, sun_position
from supervisor.weather.gate import utc_text
from supervisor.weather.longwave import clear_sky_means_w_m2

SUN_STEP_S = 300.0  # within a coarse interval the sun's path is followed at this step


def interval_starts_s(series: WeatherSeries) -> Array:
    """Where each interval begins; the first is as long as the second."""
    t = series.time_utc_s
    return np.concatenate(([2.0 * t[0] - t[1]], t[:-1]))


def _means(series: WeatherSeries, values: Array, edges: Array) -> Array:
    """Mean between edges of values that are means over the series' intervals; exact."""
    times = np.concatenate((interval_starts_s(series)[:1], series.time_utc_s))
    total = np.concatenate(([0.0], np.cumsum(values * np.diff(times))))
    result: Array = np.diff(np.interp(edges, times, total)) / np.diff(edges)
    # differences of a running total leave rounding in dry steps; below a nanometre an hour there is nothing
    return np.where(np.abs(result) < 1e-9, 0.0, result)


def _sun_path(series: WeatherSeries, site: Site) -> tuple[Array, Array]:
    """Edges of the parts that each interval is cut into, and the sun's weight in each part, (rows, parts)."""
    starts = interval_starts_s(series)
    step = float(np.min(series.time_utc_s - starts))
    parts = max(1, round(step / SUN_STEP_S))
    fine = (starts[:, None] + (series.time_utc_s - starts)[:, None] * (np.arange(parts) + 1.0) / parts).ravel()
    clear = clear_sky_means_w_m2(fine, step / parts, site).reshape(-1, parts)
    mean = clear.mean(axis=1, keepdims=True)
    # where the clear sky gives nothing (twilight, a clock a little off) the interval's mean is kept flat
    return np.concatenate((starts[:1], fine)), np.where(mean > 5.0, clear / np.maximum(mean, 1e-9), 1.0)


def _sun_means(series: WeatherSeries, edges: Array, path: tuple[Array, Array]) -> Array:
    """Short-wave means between edges, the sun's path followed inside each interval; keeps every interval's energy.

    Except what would exceed the solar constant: a mean that is high for the few minutes of sun that its interval has.
    """
    times, weight = path
    power = np.minimum(series.shortwave_w_m2[:, None] * weight, SOLAR_CONSTANT_W_M2).ravel()
    total = np.concatenate(([0.0], np.cumsum(power * np.diff(times))))
    result: Array = np.diff(np.interp(edges, times, total)) / np.diff(edges)
    return np.maximum(result, 0.0)


def _covered(series: WeatherSeries, first_s: float, last_s: float) -> None:
    begin, end = float(interval_starts_s(series)[0]), float(series.time_utc_s[-1])
    if first_s < begin - 1e-6 or last_s > end + 1e-6:
        raise WeatherError(
            f"weather from {utc_text(begin)} to {utc_text(end)} does not cover "
            f"{utc_text(first_s)} to {utc_text(last_s)}",
            where="time",
            remedy="Ask for a shorter period or supply more weather",
        )


def check_times(time_utc_s: Array) -> None:
    """Raises WeatherError naming the first time that does not come after the one before it."""
    back = ~(np.diff(time_utc_s) > 0.0)
    if back.any():
        row = int(np.argmax(back)) + 1
        raise WeatherError(
            f"{utc_text(time_utc_s[row])} does not come after {utc_text(time_utc_s[row - 1])}",
            where="time_utc_s",
            remedy="Sort the rows and drop duplicates",
        )


def at_steps(series: WeatherSeries, start_utc_s: float, dt_s: float, n: int, site: Site | None = None) -> Forcing:
    """Road forcing for `n` steps, arrays (n, 1). With a site the sun's path is followed: inside coarse intervals,
    by the roads' horizons, and for how much of the residual the day may bring.

    Raises WeatherError where the series goes back in time or does not cover the steps, PhysicsError naming variable,
    step, time and value where it says what cannot be.
    """
    return members_at_steps([series], start_utc_s, dt_s, n, site)


def members_at_steps(
    members: Sequence[WeatherSeries], start_utc_s: float, dt_s: float, n: int, site: Site | None = None
) -> Forcing:
    """As `at_steps`, one lane per member: arrays (n, K); the sun's path is the same for all, (n, 1)."""
    edges = start_utc_s + dt_s * np.arange(n + 1, dtype=np.float64)
    middles = 0.5 * (edges[:-1] + edges[1:])
    lanes: dict[str, list[Array]] = {}
    path: tuple[Array, Array] | None = None
    of = members[0].time_utc_s
    for series in members:
        check_times(series.time_utc_s)
        _covered(series, float(edges[0]), float(edges[-1]))
        rain = series.precipitation_mm_h * (1.0 - series.snow_fraction)
        snow = series.precipitation_mm_h * series.snow_fraction
        sun = _means(series, series.shortwave_w_m2, edges)
        if site is not None:
            if path is None or not np.array_equal(series.time_utc_s, of):  # members share their times
                path, of = _sun_path(series, site), series.time_utc_s
            sun = _sun_means(series, edges, path)
        lane = {
            "air_c": np.interp(middles, series.time_utc_s, series.air_c),
            "dew_point_c": np.interp(middles, series.time_utc_s, series.dew_point_c),
            "wind_m_s": np.interp(middles, series.time_utc_s, series.wind_m_s),
            "pressure_pa": np.interp(middles, series.time_utc_s, series.pressure_pa),
            "shortwave_w_m2": sun,
            "longwave_w_m2": _means(series, series.longwave_w_m2, edges),
            "rain_mm_h": np.maximum(_means(series, rain, edges), 0.0),
            "snow_mm_h": np.maximum(_means(series, snow, edges), 0.0),
        }
        for name, values in lane.items():
            lanes.setdefault(name, []).append(values)
    columns = {name: np.stack(values, axis=1) for name, values in lanes.items()}
    columns["time_utc_s"] = middles[:, None]
    if site is not None:
        elevation, azimuth, _ = sun_position(middles, site.latitude, site.longitude)
        columns["sun_elevation_deg"], columns["sun_azimuth_deg"] = elevation[:, None], azimuth[:, None]
        columns["clear_sky_w_m2"] = clear_sky_means_w_m2(edges[1:], dt_s, site)[:, None]
    try:
        return Forcing(**columns)
    except PhysicsError as error:
        text = f"{error.message}; step 0 begins at {utc_text(start_utc_s)}, each lasts {dt_s:g} s"
        raise PhysicsError(text, where=error.where, remedy=error.remedy) from None


def forecast_at_steps(forecast: Forecast, start_utc_s: float, dt_s: float, n: int, site: Site | None = None) -> Forcing:
    """All members of a forecast, arrays (n, K)."""
    return members_at_steps(forecast.members, start_utc_s, dt_s, n, site)


def between(series: WeatherSeries, start_utc_s: float, end_utc_s: float) -> WeatherSeries:
    """The rows that are needed to know the weather in (start, end]: one row before it to interpolate from."""
    t = series.time_utc_s
    first = max(0, int(np.searchsorted(t, start_utc_s, side="right")) - 1)
    last = int(np.searchsorted(t, end_utc_s, side="left")) + 1
    return rows(series, slice(first, last))


def rows(series: WeatherSeries, which: slice) -> WeatherSeries:
    return WeatherSeries(**{f.name: getattr(series, f.name)[which] for f in fields(series)})


def splice(past: WeatherSeries, ahead: WeatherSeries) -> WeatherSeries:
    """`past` and then the rows of `ahead` that come after it."""
    later = ahead.time_utc_s > past.time_utc_s[-1]
    return WeatherSeries(
        **{f.name: np.concatenate((getattr(past, f.name), getattr(ahead, f.name)[later])) for f in fields(past)}
    )
