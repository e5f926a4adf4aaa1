"""Columns of any source → `WeatherSeries`: gate, repair, derive. Used by every reader."""

from __future__ import annotations

import math

import numpy as np

from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.road.air import vapour_pressure_water_pa
from supervisor.weather import longwave, phase
from supervisor.weather.gate import (
    HUMIDITY,
    Columns,
    Where,
    check_patterns,
    check_pressure,
    check_sun,
    check_times,
    check_values,
    refuse,
)
from supervisor.weather.repair import clip, dew_below_air, fill, insert_rows

STANDARD_PRESSURE_PA = 101_325.0
SCALE_HEIGHT_M = 8_434.0  # isothermal at 15 °C; 0.3 % at 1,500 m
HUMIDITY_MIN_PCT = 1.0  # dew point of perfectly dry air has no value


def standard_pressure_pa(elevation_m: float) -> float:
    """Mean pressure at a height above the sea [Pa]."""
    return STANDARD_PRESSURE_PA * math.exp(-elevation_m / SCALE_HEIGHT_M)


def dew_point_of_humidity_c(air_c: Array, humidity_pct: Array) -> Array:
    """Dew point over water [°C] from relative humidity [%]; inverse Magnus, WMO-No. 8 (2018) eq. 4.B.1."""
    vapour = vapour_pressure_water_pa(air_c) * np.clip(humidity_pct, HUMIDITY_MIN_PCT, 100.0) / 100.0
    ratio = np.log(vapour / 611.2)
    result: Array = 243.12 * ratio / (17.62 - ratio)
    return result


def assemble(
    time_utc_s: Array, columns: Columns, where: Where, site: Site | None = None, daily_ok: Array | None = None
) -> tuple[WeatherSeries, Tally]:
    """A finite series from columns (n,) with NaN where the source has nothing, and what was repaired, by kind.

    Needs air temperature, wind, precipitation, dew point or relative humidity, and something about the sky: short-wave,
    cloud or long-wave (without a site: short-wave, and one of the other two). Raises WeatherError with the place of
    the first fault.
    """
    tally = Tally()
    step_s = check_times(time_utc_s, where)
    columns = {name: values for name, values in columns.items() if not np.isnan(values).all()}
    check_values(columns, where)
    check_patterns(columns, step_s, where)
    _need(columns, where)
    if site is not None and "shortwave_w_m2" in columns:
        check_sun(time_utc_s, columns["shortwave_w_m2"], step_s, site, where)
    if site is not None and "pressure_pa" in columns:
        check_pressure(columns["pressure_pa"], standard_pressure_pa(site.elevation_m), where)

    times, columns, source = insert_rows(time_utc_s, columns, step_s, tally)
    allowed = np.zeros(times.size) if daily_ok is None else daily_ok[source.astype(np.intp)]
    fraction = columns.pop("snow_fraction", np.full(times.size, np.nan))

    def row_where(name: str, row: int) -> str:
        return where(name, math.ceil(source[row]))

    columns = {
        name: fill(name, times, values, step_s, row_where, tally, allowed.astype(bool))
        for name, values in columns.items()
        if name != HUMIDITY or "dew_point_c" not in columns
    }
    air = columns["air_c"]
    if "dew_point_c" in columns:
        dew = dew_below_air(air, columns["dew_point_c"], tally)
    else:
        dew = dew_below_air(air, dew_point_of_humidity_c(air, columns[HUMIDITY]), Tally())
        tally.add(Treatment.REPAIRED, "dew_point_c", times.size)
    pressure = columns.get("pressure_pa")
    if pressure is None:
        pressure = np.full(times.size, standard_pressure_pa(site.elevation_m if site else 0.0))
        tally.add(Treatment.REPAIRED, "pressure_pa", times.size)
    shortwave, cloud, down = _sky(times, step_s, columns, air, dew, site, tally)

    derived = phase.snow_fraction(air, dew, pressure)
    wet = columns["precipitation_mm_h"] > 0.0
    unknown = np.isnan(fraction)
    if (wet & unknown).any():
        tally.add(Treatment.REPAIRED, "snow_fraction", int((wet & unknown).sum()))
    series = WeatherSeries(
        time_utc_s=times,
        air_c=air,
        dew_point_c=dew,
        wind_m_s=columns["wind_m_s"],
        pressure_pa=pressure,
        shortwave_w_m2=shortwave,
        longwave_w_m2=down,
        cloud_fraction=cloud,
        precipitation_mm_h=columns["precipitation_mm_h"],
        snow_fraction=np.where(unknown, derived, fraction),
    )
    return series, tally


def _need(columns: Columns, where: Where) -> None:
    for name in ("air_c", "wind_m_s", "precipitation_mm_h"):
        if name not in columns:
            raise refuse("missing", where(name, 0), "The road model needs it")
    if "dew_point_c" not in columns and HUMIDITY not in columns:
        raise refuse("missing", where("dew_point_c", 0), "Give dew point or relative humidity")


def _sky(
    times: Array, step_s: float, columns: Columns, air: Array, dew: Array, site: Site | None, tally: Tally
) -> tuple[Array, Array, Array]:
    """Short-wave, cloud, long-wave; each measured where the source has it, else from the others."""
    shortwave, cloud, down = (columns.get(name) for name in ("shortwave_w_m2", "cloud_fraction", "longwave_w_m2"))
    if shortwave is not None:
        shortwave = clip("shortwave_w_m2", shortwave, 0.0, math.inf, tally)
    if cloud is None:
        if down is not None:
            cloud = longwave.cloud_of_longwave(air, dew, down)
        elif shortwave is not None and site is not None:
            cloud = longwave.cloud_of_shortwave(times, step_s, shortwave, site)
        else:
            raise refuse("missing", "cloud_fraction", "Give cloud or long-wave, or short-wave and a site")
        tally.add(Treatment.REPAIRED, "cloud_fraction", times.size)
    if shortwave is None:
        if site is None:
            raise refuse("missing", "shortwave_w_m2", "Give short-wave, or a site to estimate it from cloud")
        shortwave = longwave.shortwave_of_cloud(times, step_s, cloud, site)
        tally.add(Treatment.REPAIRED, "shortwave_w_m2", times.size)
    if down is None:
        down = longwave.longwave_down_w_m2(air, dew, cloud)
        tally.add(Treatment.REPAIRED, "longwave_w_m2", times.size)
    return shortwave, cloud, down
