"""What a series needs besides the columns of its source: each variable from what is known, in the order of trust."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from supervisor.domain.treatment import Treatment
from supervisor.domain.weather import Array
from supervisor.domain.zone import Site
from supervisor.weather import longwave, phase
from supervisor.weather.estimate import dew_point_of_humidity_c, dew_point_of_minimum_c, unknown_cloud
from supervisor.weather.gate import GAP_MAX_S, HUMIDITY, LIMITS, Columns, Gate, Mask, refuse
from supervisor.weather.hours import holes
from supervisor.weather.repair import clip, dew_below_air, fill

# Cloud edges and snow on slopes brighten an hour by up to half, and grid cells and valleys disagree about twilight
CLEAR_SKY_FACTOR_MAX, CLEAR_SKY_EXCESS_W_M2 = 1.5, 100.0


@dataclass(frozen=True)
class Grid:
    """Columns (n,) that have passed the gate, on times without gaps; NaN where the source has nothing."""

    time_utc_s: Array
    step_s: float
    columns: Columns  # those of which something is known
    given: frozenset[str]  # those that the source gives, if only empty
    daily_ok: Mask  # rows that the source itself has filled from other days
    site: Site | None
    gate: Gate

    def filled(self, name: str) -> Array | None:
        """A column without holes; None where nothing of it is known."""
        values = self.columns.get(name)
        if values is None:
            return None
        self.columns[name] = fill(name, self.time_utc_s, values, self.step_s, self.gate, self.daily_ok)
        return self.columns[name]

    def filled_or(self, name: str, instead: float) -> Array:
        """A column without holes, or one number everywhere."""
        values = self.filled(name)
        if values is None:
            self._count(name, self.time_utc_s.size)
            return np.full(self.time_utc_s.size, instead)
        return values

    def dew_point(self, air: Array, water: Array) -> Array:
        """Dew point: measured, else from humidity, else its distance from the air as before and after, else as moist as
        the day allows.
        """
        nothing = np.full(air.size, np.nan)
        dew, humidity = self.columns.get("dew_point_c", nothing), self.columns.get(HUMIDITY, nothing)
        derived = np.isnan(dew) & ~np.isnan(humidity)
        dew = np.where(derived, _possible("dew_point_c", np.minimum(dew_point_of_humidity_c(air, humidity), air)), dew)
        self.gate.tally.add(Treatment.REPAIRED, "dew_point_c", int(derived.sum()))
        if np.isnan(dew).all():
            measured = {"dew_point_c", HUMIDITY} & self.given
            self.gate.tally.add(Treatment.ESTIMATED if measured else Treatment.REPAIRED, "dew_point_c", air.size)
            return dew_point_of_minimum_c(air, water, self.step_s)
        dew = dew_below_air(air, dew, self.gate.tally)
        name = "dew_point_c" if "dew_point_c" in self.given else HUMIDITY
        missing = np.isnan(dew)
        below = fill(name, self.time_utc_s, air - dew, self.step_s, self.gate, self.daily_ok)
        return np.where(missing, air - np.maximum(below, 0.0), dew)

    def sky(self, air: Array, dew: Array, water: Array) -> tuple[Array, Array, Array]:
        """Short-wave, cloud, long-wave; each measured where the source has it, else from the others."""
        cloud = self.filled("cloud_fraction")
        if cloud is None:
            cloud = self._cloud(air, dew, water)
            self._count("cloud_fraction", air.size)
        if "shortwave_w_m2" not in self.columns or (self.site is not None and not self.gate.strict):
            if self.site is None:
                raise refuse("missing", "shortwave_w_m2", "Give short-wave, or a site to estimate it from cloud")
            self._no_sun_beyond_clear_sky(self.site)
            of_cloud = longwave.shortwave_of_cloud(self.time_utc_s, self.step_s, cloud, self.site)
            self._take("shortwave_w_m2", of_cloud)
        if "longwave_w_m2" not in self.columns or not self.gate.strict:
            self._take("longwave_w_m2", _possible("longwave_w_m2", longwave.longwave_down_w_m2(air, dew, cloud)))
        shortwave, down = self.filled("shortwave_w_m2"), self.filled("longwave_w_m2")
        assert shortwave is not None
        assert down is not None
        return clip("shortwave_w_m2", shortwave, 0.0, math.inf, self.gate.tally), cloud, down

    def _no_sun_beyond_clear_sky(self, site: Site) -> None:
        """Short-wave that the sun cannot give at that hour is dropped: a spike, or a column of another kind."""
        sun = self.columns.get("shortwave_w_m2")
        if sun is None or self.gate.strict:
            return
        clear = longwave.clear_sky_means_w_m2(self.time_utc_s, self.step_s, site)
        bad = sun > CLEAR_SKY_FACTOR_MAX * clear + CLEAR_SKY_EXCESS_W_M2  # NaN compares false
        self.columns["shortwave_w_m2"] = np.where(bad, np.nan, sun)
        self.gate.tally.add(Treatment.DROPPED, "shortwave_w_m2", int(bad.sum()))

    def phase(self, fraction: Array | None, air: Array, dew: Array, pressure: Array, water: Array) -> Array:
        """Snow fraction: as the source says where that is possible, else by wet bulb."""
        wet = water > 0.0
        said = np.full(air.size, np.nan) if fraction is None else fraction
        believed = ~np.isnan(said)
        if not self.gate.strict:  # measured phases of a file that a person prepared stand
            believed &= phase.believed(said, air, dew, pressure)
        tally = self.gate.tally
        tally.add(Treatment.REPAIRED, "snow_fraction", int((wet & np.isnan(said)).sum()))
        tally.add(Treatment.DROPPED, "snow_fraction", int((wet & ~np.isnan(said) & ~believed).sum()))
        return np.where(believed, said, phase.snow_fraction(air, dew, pressure))

    def _cloud(self, air: Array, dew: Array, water: Array) -> Array:
        """Cloud fraction from long-wave or short-wave, else from what falls."""
        down = self.filled("longwave_w_m2")
        if down is not None:
            return longwave.cloud_of_longwave(air, dew, down)
        sun = self.columns.get("shortwave_w_m2")
        if sun is not None and self.site is not None:
            usual = longwave.shortwave_of_cloud(self.time_utc_s, self.step_s, unknown_cloud(water), self.site)
            known = np.where(np.isnan(sun), usual, sun)
            return longwave.cloud_of_shortwave(self.time_utc_s, self.step_s, np.maximum(known, 0.0), self.site)
        if self.gate.strict:
            raise refuse("missing", "cloud_fraction", "Give cloud or long-wave, or short-wave and a site")
        return unknown_cloud(water)

    def _take(self, name: str, derived: Array) -> None:
        """Put what is derived from cloud into holes that are too long to be interpolated."""
        values = self.columns.get(name, np.full(derived.size, np.nan)).copy()
        for start, end in holes(np.isnan(values)):
            if (end - start) * self.step_s > GAP_MAX_S or end - start == values.size:
                values[start:end] = derived[start:end]
                self._count(name, end - start)
        self.columns[name] = values

    def _count(self, name: str, rows: int) -> None:
        """What a source gives and lacks is estimated; what it never gives is derived as documented.

        Pressure is known well enough from the height: many models lack it, and nobody needs to be told.
        """
        estimated = name in self.given and name != "pressure_pa"
        self.gate.tally.add(Treatment.ESTIMATED if estimated else Treatment.REPAIRED, name, rows)


def _possible(name: str, values: Array) -> Array:
    """A derived column within the range of its variable: 60 °C and 90 % are each possible, their dew point is not."""
    result: Array = np.clip(values, LIMITS[name].low, LIMITS[name].high)
    return result
