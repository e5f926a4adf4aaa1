"""One zone's road fitted to its own record: measured surface, power and weather on a grid, cut into forecasts."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from supervisor.calibration.fit import Calibration, Windows, calibrate, cross_validate
from supervisor.calibration.kept import Kept
from supervisor.domain.errors import CommandError
from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Site, Zone
from supervisor.road import Pavement
from supervisor.store.tick import Tick
from supervisor.weather.resample import interval_starts_s, members_at_steps

STEP_S = 600
SPIN_UP_S, AHEAD_S = 24 * 3600, 24 * 3600
LEAST_COVERED = 0.8  # of the steps of a window; days without the board are left out
LEAST_WINDOWS = 4  # one block each
WEATHER_GAP_MAX_S = 3 * 3600.0 + 60.0  # in a longer gap the weather is unknown: the coarsest sources give every 3 h
LEAST_ROWS = 2  # of weather: a single row has no length


def series(zone: Zone, ticks: list[Tick], from_utc_s: int, to_utc_s: int) -> tuple[Array, Array]:
    """Mean surface temperature [°C], NaN where unknown, and cable heat [W/m²] per step of a period."""
    steps = (to_utc_s - from_utc_s) // STEP_S
    seconds, degrees, joules = np.zeros((3, steps))
    for tick in ticks:
        step = (tick.start_utc_s - from_utc_s) // STEP_S
        if not 0 <= step < steps:
            continue
        for found in tick.zones:
            if found.sample.zone != zone.id:
                continue
            joules[step] += found.sample.power_w * tick.dt_s
            if (surface_mc := found.surface_mc) is not None:
                seconds[step] += tick.dt_s
                degrees[step] += surface_mc / 1000.0 * tick.dt_s
    surface = np.divide(degrees, seconds, out=np.full(steps, np.nan), where=seconds > 0)
    return surface, joules / STEP_S * zone.cable.efficiency / zone.area_m2


def windows(
    surface_c: Array, heat_w_m2: Array, weather: WeatherSeries, site: Site, from_utc_s: int
) -> tuple[Windows, list[int]]:
    """One forecast a day out of the period, and the UTC second of each. Raises CommandError if there are too few."""
    spin, length = SPIN_UP_S // STEP_S, (SPIN_UP_S + AHEAD_S) // STEP_S
    first, last = _covered(weather, from_utc_s, surface_c.size)
    known = np.isfinite(surface_c) & _known_weather(weather, from_utc_s, surface_c.size)
    starts = [
        start
        for start in range(first, last - length + 1, AHEAD_S // STEP_S)
        if known[start : start + spin].mean() >= LEAST_COVERED
        and known[start + spin : start + length].mean() >= LEAST_COVERED
    ]
    if len(starts) < LEAST_WINDOWS:
        raise CommandError(
            f"only {len(starts)} days with telemetry and weather, each with the day before", where="--from --to",
            remedy=f"Give a period with at least {LEAST_WINDOWS + 1} days of record",
        )  # fmt: skip
    begin_utc_s = float(from_utc_s + first * STEP_S)
    whole = members_at_steps([weather], begin_utc_s, float(STEP_S), last - first, site)
    index = np.array(starts)[None, :] + np.arange(length)[:, None]
    forcing = type(whole)(**{
        name: value[index - first, 0] if np.ndim(value) == 2 else value for name, value in vars(whole).items()
    })  # fmt: skip
    return Windows(forcing, surface_c[index], heat_w_m2[index], spin, float(STEP_S)), [
        from_utc_s + (s + spin) * STEP_S for s in starts
    ]


def _covered(weather: WeatherSeries, from_utc_s: int, steps: int) -> tuple[int, int]:
    """The steps that the weather covers as a whole, gaps inside or not: first, and the one after the last."""
    if len(weather) < LEAST_ROWS:
        return 0, 0
    begin, end = interval_starts_s(weather)[0] - from_utc_s, weather.time_utc_s[-1] - from_utc_s
    first, last = int(np.ceil(max(begin, 0.0) / STEP_S)), int(min(end // STEP_S, steps))
    return min(first, steps), max(last, 0)


def _known_weather(weather: WeatherSeries, from_utc_s: int, steps: int) -> npt.NDArray[np.bool_]:
    """Steps that do not lie in a gap of the weather."""
    if len(weather) < LEAST_ROWS:
        return np.zeros(steps, dtype=np.bool_)
    length = weather.time_utc_s - interval_starts_s(weather)
    middle = from_utc_s + STEP_S * (np.arange(steps) + 0.5)
    row = np.minimum(np.searchsorted(weather.time_utc_s, middle), len(weather) - 1)
    return np.asarray(length[row] <= WEATHER_GAP_MAX_S)


def fit(
    zone: Zone, data: Windows, from_utc_s: int, to_utc_s: int, weather: str, made_utc_s: float
) -> tuple[Kept, Array]:
    """Calibrate a zone on all windows; the out-of-sample figures by four blocks in time. Also gives its prediction.

    Raises PhysicsError where a window cannot be run.
    """
    road = Pavement.from_zone(zone)
    found: Calibration = calibrate(road, data)
    predicted, _ = cross_validate(road, data)
    error = (predicted - data.observed_c)[data.now :]
    error = error[np.isfinite(error)]
    kept = Kept(
        zone.id,
        _text(made_utc_s),
        _text(from_utc_s),
        _text(to_utc_s),
        weather,
        found.windows,
        found.rmse_before_k,
        found.rmse_after_k,
        float(np.sqrt(np.mean(error**2))),
        float(np.mean(error)),
        found.values,
        found.sigma,
        list(found.at_bound),
    )
    return kept, predicted


def _text(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
