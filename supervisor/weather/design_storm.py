"""The design storm: a documented generator of the night that road heating is designed for.

Phases, as fractions of time since the start (local solar time decides sun, `snow_start_h` decides snow):

1. cooling: an overcast day, air falls steadily from about +2 to −1 °C as the trough arrives;
2. snow: `SNOW_H` hours, rate a half sine up to `peak_mm_h` with gusts of ±10 %, air −1 to −3 °C, overcast;
3. clearing: cloud goes within 3 h, dry north-west air, temperature falls;
4. radiative frost: clear sky, weak wind, air down to about −8 °C at dawn, dew point close below: the road radiates
   under the air's temperature while melt water is still on it;
5. the sun comes back the next day.

Everything else is derived by the same formulas as for measured weather (long-wave, clear sky, phase). Deterministic:
the same arguments and seed give the same storm.
"""

from __future__ import annotations

import numpy as np

from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather import longwave, phase
from supervisor.weather.estimate import standard_pressure_pa

SEOUL = Site(name="design storm", timezone="Asia/Seoul", latitude=37.59, longitude=127.02, elevation_m=60.0)
STEP_S = 600.0
SNOW_H = 6.0
PEAK_MM_H = 3.0
LEAD_H = 2.0  # the series begins so long before the start, so that a state estimate has a past

# hours since snow starts → value; interpolated linearly between
_AIR_C = ((-24.0, 3.0), (-8.0, 2.0), (0.0, -0.8), (6.0, -2.8), (12.0, -6.0), (17.0, -8.0), (22.0, -2.0), (48.0, -3.0))
_DEPRESSION_K = ((-24.0, 4.0), (-3.0, 3.0), (0.0, 0.8), (6.0, 0.8), (10.0, 3.0), (17.0, 1.5), (22.0, 6.0), (48.0, 6.0))
_WIND_M_S = ((-24.0, 2.0), (0.0, 3.0), (6.0, 4.0), (9.0, 5.0), (13.0, 1.5), (17.0, 1.0), (24.0, 3.0), (48.0, 2.0))
_CLOUD = ((-24.0, 0.6), (-8.0, 1.0), (6.0, 1.0), (9.0, 0.05), (24.0, 0.1), (48.0, 0.3))


def _shape(points: tuple[tuple[float, float], ...], hours: Array) -> Array:
    x, y = zip(*points, strict=True)
    result: Array = np.interp(hours, x, y)
    return result


def _noise(rng: np.random.Generator, count: int, deviation: float, memory_s: float = 7200.0) -> Array:
    """Red noise (n,) of given standard deviation: first-order autoregression with e-folding time `memory_s`."""
    keep = np.exp(-STEP_S / memory_s)
    shocks = rng.normal(0.0, deviation, count)
    noise = np.empty(count)
    noise[0] = shocks[0]
    for i in range(1, count):
        noise[i] = keep * noise[i - 1] + np.sqrt(1.0 - keep * keep) * shocks[i]
    return noise


def design_storm(
    start_utc_s: float,
    hours: float = 30.0,
    seed: int = 1,
    *,
    snow_start_h: float = 9.0,
    peak_mm_h: float = PEAK_MM_H,
    site: Site = SEOUL,
) -> WeatherSeries:
    """`hours` of weather from `start_utc_s` (and `LEAD_H` before), in 10-min rows.

    Snow begins `snow_start_h` after the start: with a start at 15:00 local time it falls from midnight to 06:00 and the
    frost comes the evening after the clearing. `peak_mm_h` is the highest rate, water equivalent.
    """
    rng = np.random.default_rng(seed)
    count = round((hours + LEAD_H) * 3600.0 / STEP_S) + 1
    times = start_utc_s - LEAD_H * 3600.0 + STEP_S * np.arange(count, dtype=np.float64)
    since = (times - start_utc_s) / 3600.0 - snow_start_h

    cloud = np.clip(_shape(_CLOUD, since) + _noise(rng, count, 0.03), 0.0, 1.0)
    air = _shape(_AIR_C, since) + _noise(rng, count, 0.25)
    dew = air - np.maximum(_shape(_DEPRESSION_K, since) + _noise(rng, count, 0.2), 0.2)
    wind = np.maximum(_shape(_WIND_M_S, since) + _noise(rng, count, 0.5), 0.3)

    middle = since - 0.5 * STEP_S / 3600.0  # rows are means over the interval that ends there
    snowing = (middle > 0.0) & (middle < SNOW_H)
    gusts = 1.0 + np.clip(_noise(rng, count, 0.1, 1800.0), -0.3, 0.0)  # never above the peak
    rate = np.where(snowing, peak_mm_h * np.sin(np.pi * np.clip(middle / SNOW_H, 0.0, 1.0)) * gusts, 0.0)
    pressure = np.full(count, standard_pressure_pa(site.elevation_m))
    return WeatherSeries(
        time_utc_s=times,
        air_c=air,
        dew_point_c=dew,
        wind_m_s=wind,
        pressure_pa=pressure,
        shortwave_w_m2=longwave.shortwave_of_cloud(times, STEP_S, cloud, site),
        longwave_w_m2=longwave.longwave_down_w_m2(air, dew, cloud),
        cloud_fraction=cloud,
        precipitation_mm_h=rate,
        snow_fraction=phase.snow_fraction(air, dew, pressure),
    )
