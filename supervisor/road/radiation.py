"""Sun, sky and long-wave. Pure functions; arrays broadcast together; time is UTC seconds since 1970."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np

from supervisor.domain.errors import PhysicsError
from supervisor.road import arrays
from supervisor.road.air import KELVIN, vapour_pressure_water_pa
from supervisor.road.maths import Array, Maths, T

STEFAN_BOLTZMANN = 5.670374e-8
SOLAR_CONSTANT_W_M2 = 1361.0
CLOUD_EMISSIVITY_FACTOR = 0.84  # Unsworth & Monteith (1975) eq. 11


def sun_position(time_utc_s: Array, latitude: float, longitude: float) -> tuple[Array, Array, Array]:
    """Elevation [°], azimuth from north [°], extraterrestrial irradiance on the horizontal [W/m²].

    Spencer (1971) Fourier series for declination, equation of time and distance: elevation within 0.1°.
    """
    time_utc_s = np.asarray(time_utc_s, dtype=np.float64)
    days = time_utc_s / 86400.0
    year_day = (days - 10957.0) % 365.25  # 2000-01-01 is day 10957
    g = 2.0 * np.pi * year_day / 365.25
    declination = (
        0.006918
        - 0.399912 * np.cos(g)
        + 0.070257 * np.sin(g)
        - 0.006758 * np.cos(2 * g)
        + 0.000907 * np.sin(2 * g)
        - 0.002697 * np.cos(3 * g)
        + 0.00148 * np.sin(3 * g)
    )
    equation_min = 229.18 * (
        0.000075 + 0.001868 * np.cos(g) - 0.032077 * np.sin(g) - 0.014615 * np.cos(2 * g) - 0.040849 * np.sin(2 * g)
    )
    distance = 1.00011 + 0.034221 * np.cos(g) + 0.00128 * np.sin(g) + 0.000719 * np.cos(2 * g)
    hour_angle = np.radians((time_utc_s % 86400.0) / 240.0 + equation_min / 4.0 + longitude - 180.0)
    phi = np.radians(latitude)
    sin_elevation = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour_angle)
    azimuth = np.degrees(
        np.arctan2(
            -np.cos(declination) * np.sin(hour_angle),
            np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(hour_angle),
        )
    )
    elevation = np.degrees(np.arcsin(np.clip(sin_elevation, -1.0, 1.0)))
    return elevation, azimuth % 360.0, SOLAR_CONSTANT_W_M2 * distance * np.maximum(sin_elevation, 0.0)


def clear_sky_w_m2(extraterrestrial_w_m2: Array, elevation_deg: Array) -> Array:
    """Global horizontal irradiance under a clear sky [W/m²], Haurwitz (1945): 1098 sin h exp(−0.057 / sin h)."""
    sine = np.maximum(np.sin(np.radians(elevation_deg)), 1e-3)
    result: Array = np.where(extraterrestrial_w_m2 > 0.0, 1098.0 * sine * np.exp(-0.057 / sine), 0.0)
    return result


def cloudy_w_m2(clear_w_m2: Array, cloud_fraction: Array) -> Array:
    """Global irradiance under cloud [W/m²], Kasten & Czeplak (1980) eq. 3: 1 − 0.75 n^3.4."""
    result: Array = clear_w_m2 * (1.0 - 0.75 * np.clip(cloud_fraction, 0.0, 1.0) ** 3.4)
    return result


def cloud_from_shortwave(global_w_m2: Array, clear_w_m2: Array) -> Array:
    """Cloud fraction that explains a measured global irradiance [0–1], inverse of `cloudy_w_m2`; NaN without sun."""
    ratio = np.divide(global_w_m2, clear_w_m2, out=np.full_like(clear_w_m2, np.nan), where=clear_w_m2 > 50.0)
    result: Array = np.clip((1.0 - np.minimum(ratio, 1.0)) / 0.75, 0.0, 1.0) ** (1.0 / 3.4)
    return result


def diffuse_fraction(global_w_m2: Array, extraterrestrial_w_m2: Array) -> Array:
    """Diffuse part of global irradiance [0–1], Erbs, Klein & Duffie (1982)."""
    top = np.maximum(extraterrestrial_w_m2, 1.0)
    kt = np.clip(global_w_m2 / top, 0.0, 1.0)
    middle = 0.9511 - 0.1604 * kt + 4.388 * kt**2 - 16.638 * kt**3 + 12.336 * kt**4
    result: Array = np.where(kt <= 0.22, 1.0 - 0.09 * kt, np.where(kt <= 0.80, middle, 0.165))
    return result


def behind_horizon_w_m2(global_w_m2: Array, sun_elevation_deg: Array, obstacle_deg: Array, sky_view: Array) -> Array:
    """Global irradiance behind a skyline [W/m²]: no beam from a sun under it, the diffuse part by the sky view."""
    top = SOLAR_CONSTANT_W_M2 * np.maximum(np.sin(np.radians(sun_elevation_deg)), 0.0)
    diffuse = diffuse_fraction(global_w_m2, top)
    beam = np.where(sun_elevation_deg > obstacle_deg, 1.0 - diffuse, 0.0)
    result: Array = global_w_m2 * (beam + diffuse * sky_view)
    return result


def longwave_down_w_m2(air_c: Array, dew_point_c: Array, cloud_fraction: Array) -> Array:
    """Downward long-wave irradiance [W/m²].

    Clear sky by Prata (1996) eq. 19 with precipitable water w = 46.5 e/T [g/cm², e in hPa]; cloud by Unsworth &
    Monteith (1975): ε = ε₀ (1 − 0.84 n) + 0.84 n. Raises PhysicsError where dew point exceeds air by more than 0.5 K.
    """
    air_c, dew_point_c = np.asarray(air_c), np.asarray(dew_point_c)
    if np.any(dew_point_c > air_c + 0.5):
        excess = float(np.max(dew_point_c - air_c))
        raise PhysicsError(
            f"dew point {excess:.1f} K above air temperature", where="dew_point_c", remedy="Correct the weather."
        )
    kelvin = air_c + KELVIN
    water = 46.5 * vapour_pressure_water_pa(np.minimum(dew_point_c, air_c)) / 100.0 / kelvin
    clear = 1.0 - (1.0 + water) * np.exp(-np.sqrt(1.2 + 3.0 * water))
    cloud = CLOUD_EMISSIVITY_FACTOR * np.clip(cloud_fraction, 0.0, 1.0)
    result: Array = (clear * (1.0 - cloud) + cloud) * STEFAN_BOLTZMANN * kelvin**4
    return result


YOUNG_SNOW_ALBEDO = 0.80
OLD_SNOW_ALBEDO = 0.5  # grey; RoadSurf ends at 0.6, METRo at 0.5
SNOW_AGEING_S = 24 * 3600.0  # on a road; a field takes days (Douville et al. 1995)
SNOW_RENEWAL_MM = 1.0
SNOW_COVER_MM = 0.7  # 7 mm of young snow hide most of the road


def aged_snow_albedo(albedo: T, snowed_mm: T, dt_s: float, m: Maths[Any] = arrays) -> T:
    """Albedo of full snow cover after a step [-]: decays to grey; new snow renews 1 − exp(−fallen / 1 mm) of it."""
    old = OLD_SNOW_ALBEDO + (albedo - OLD_SNOW_ALBEDO) * exp(-dt_s / SNOW_AGEING_S)
    if not m.anywhere(snowed_mm):
        return old
    result: T = old + (YOUNG_SNOW_ALBEDO - old) * -m.expm1(-snowed_mm / SNOW_RENEWAL_MM)
    return result


def road_albedo(dry_albedo: T, snow_albedo: T, snow_mm: T, m: Maths[Any] = arrays) -> T:
    """Albedo of a road with snow [-]: 1 − exp(−snow / 0.7 mm) of it is hidden."""
    result: T = dry_albedo + (snow_albedo - dry_albedo) * -m.expm1(-snow_mm / SNOW_COVER_MM)
    return result
