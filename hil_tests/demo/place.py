"""Where a weather file is from, by its short-wave radiation and its air pressure.

The district is moved to that place, so that shade, cloud and local time fit the weather. Short-wave is positive by day
only: the latitude and longitude whose days fit best are the file's, to a few degrees.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from supervisor.domain.weather import WeatherSeries
from supervisor.domain.zone import Site
from supervisor.road.radiation import sun_position
from supervisor.weather.estimate import SCALE_HEIGHT_M, STANDARD_PRESSURE_PA

BETTER_BY = 0.03  # of all rows must fit better elsewhere: near the equinox a latitude says little
LIGHT_W_M2 = 5.0  # twilight and the instrument's zero lie below
UP_DEG = 1.5  # the sun's height where a pyranometer begins to see it
ROWS = 1500  # of the file, spread over it
LATITUDES = np.arange(-66.0, 66.1, 2.0)
LONGITUDES = np.arange(-180.0, 180.0, 2.5)
MISFIT_MAX = 0.12  # above this share of rows the radiation fits no place, and the reader of the file reports it


def place_of(series: WeatherSeries, site: Site) -> Site:
    """`site`, or the place under the series' sun where that is another: position, height, zone of whole hours."""
    step_s = float(np.median(np.diff(series.time_utc_s)))
    rows = np.unique(np.linspace(0, len(series) - 1, ROWS).astype(np.intp))
    middle_utc_s = series.time_utc_s[rows] - 0.5 * step_s
    light = series.shortwave_w_m2[rows] > LIGHT_W_M2
    if not light.any():
        return site

    def misfit(latitude: float, longitude: float) -> float:
        up = sun_position(middle_utc_s, latitude, longitude)[0] > UP_DEG
        return float(np.mean(up != light))

    # The hour of the day first, at the site's own latitude, then both.
    noon = min(LONGITUDES, key=lambda longitude: misfit(site.latitude, longitude))
    around = noon + np.arange(-10.0, 10.1, 2.5)
    best, latitude, longitude = min((misfit(lat, lon), lat, lon) for lat in LATITUDES for lon in around)
    if best > MISFIT_MAX or misfit(site.latitude, site.longitude) < best + BETTER_BY:
        return site
    longitude = (longitude + 180.0) % 360.0 - 180.0
    height_m = -SCALE_HEIGHT_M * math.log(float(np.median(series.pressure_pa)) / STANDARD_PRESSURE_PA)
    return msgspec.structs.replace(
        site,
        latitude=float(latitude),
        longitude=float(longitude),
        elevation_m=float(round(max(0.0, height_m), -1)),
        timezone=zone_of(longitude),
    )


def zone_of(longitude_deg: float) -> str:
    """The zone of whole hours that holds a longitude; tz names count westward."""
    hours = round(longitude_deg / 15.0)
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


def words(site: Site) -> str:
    """59° N 25° E."""
    north = "N" if site.latitude >= 0 else "S"
    east = "E" if site.longitude >= 0 else "W"
    return f"{abs(site.latitude):.0f}° {north} {abs(site.longitude):.0f}° {east}"
