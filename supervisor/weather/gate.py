"""Quality gate: errors of real feeds are found here, by variable, place and value.

A service's answer goes on without what cannot be: it becomes missing and is counted. A file that a person prepares
(`strict`) is refused at the first fault, so that it is mended.

Columns come in as arrays with NaN where the source has nothing; `where(name, row)` says in the source's own words
where a value stands (column and line of a file, key and time of an answer), so that a person can find it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array
from supervisor.domain.zone import Site
from supervisor.road.radiation import SOLAR_CONSTANT_W_M2, sun_position

Columns = dict[str, Array]
Mask = npt.NDArray[np.bool_]
Where = Callable[[str, int], str]

TIME_UTC_S = (-2_208_988_800.0, 4_102_444_800.0)  # 1900 … 2100
GAP_MAX_S = 3 * 3600.0  # longer holes of a file are refused; also the data schema's limit for interpolation
DEW_EXCESS_MAX_K = 0.5  # rounding of both; above it one of the two is wrong
DAYLIGHT_EXCESS_MAX = 1.25  # sunny rows of a shifted clock are at most the rows of the days, and a margin for twilight
MMHG_AS_HPA = 0.750  # 760 mmHg is 1013.25 hPa; weather moves pressure by 3 %
HUMIDITY = "relative_humidity_pct"
ESSENTIAL = ("air_c", "precipitation_mm_h")  # no other column can stand in for these


EMPTY = "Leave the cell empty where nothing was measured"


@dataclass(frozen=True)
class Limit:
    """Physical range of a variable, and what a value outside it most often is."""

    low: float
    high: float
    suspects: tuple[tuple[float, float, str], ...] = ()

    def remedy(self, value: float) -> str:
        for low, high, what in self.suspects:
            if low <= value <= high:
                return f"It looks like {what}; convert it"
        return EMPTY


_SENTINELS = (-9999.0, -999.0, -99.9, -99.0, 99.9, 999.0, 999.9, 9999.0, 32767.0, -32768.0)

LIMITS: Mapping[str, Limit] = {
    "air_c": Limit(-60.0, 60.0, ((200.0, 330.0, "kelvin"), (60.0, 130.0, "degrees Fahrenheit"))),
    "dew_point_c": Limit(-80.0, 40.0, ((150.0, 320.0, "kelvin"),)),
    HUMIDITY: Limit(0.0, 105.0),
    "wind_m_s": Limit(0.0, 75.0),
    "pressure_pa": Limit(
        45_000.0, 110_000.0, ((450.0, 1100.0, "hPa (or mmHg)"), (45.0, 110.0, "kPa"), (13.0, 33.0, "inHg"))
    ),
    "shortwave_w_m2": Limit(-20.0, SOLAR_CONSTANT_W_M2),  # pyranometers read a little below zero at night
    "longwave_w_m2": Limit(40.0, 600.0),
    "cloud_fraction": Limit(0.0, 1.0, ((1.0, 10.0, "octas or tenths"), (10.0, 100.0, "percent"))),
    "precipitation_mm_h": Limit(0.0, 200.0),  # above any hourly record outside the tropics
    "snow_fraction": Limit(0.0, 1.0, ((1.0, 100.0, "percent"),)),
}


def utc_text(utc_s: float) -> str:
    """ISO 8601 with Z, for messages and files."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def refuse(message: str, where: str, remedy: str) -> WeatherError:
    return WeatherError(message, where=where, remedy=remedy)


class Gate:
    """Takes faults out of columns and counts them, or raises at the first where `strict`."""

    def __init__(self, where: Where, tally: Tally, *, strict: bool) -> None:
        self.where = where
        self.tally = tally
        self.strict = strict

    def values(self, columns: Columns) -> None:
        """Infinite values, codes for missing ones, values outside their physical range, dew points above the air.

        A column with more impossible values than possible ones has the wrong unit: it is taken out, and what cannot do
        without it is refused.
        """
        for name, values in list(columns.items()):
            limit = LIMITS[name]
            known = ~np.isnan(values)
            bad = known & ~((values >= limit.low) & (values <= limit.high))
            if not bad.any():
                continue
            code = np.isin(values, _SENTINELS)
            of_unit = bad & ~code
            wrong_unit = of_unit.sum() > 0.5 * (known & ~code).sum()
            row = int(np.argmax(of_unit if wrong_unit else bad))
            value = float(values[row])
            if value in _SENTINELS:
                text, remedy = f"{value:g} is a code for a missing value", EMPTY
            else:
                text, remedy = f"{value:g} is not within {limit.low:g}…{limit.high:g}", limit.remedy(value)
            if wrong_unit and name in ESSENTIAL:
                raise refuse(text, self.where(name, row), remedy)
            self._drop(columns, name, known if wrong_unit else bad, text, row, remedy)
        if "air_c" in columns and "dew_point_c" in columns:
            air, dew = columns["air_c"], columns["dew_point_c"]
            bad = dew - air > DEW_EXCESS_MAX_K  # NaN compares false
            if bad.any():
                row = int(np.argmax(bad))
                text = f"dew point {dew[row]:g} °C is above air temperature {air[row]:g} °C"
                self._drop(columns, "dew_point_c", bad, text, row, "Check units and columns")

    def patterns(self, columns: Columns, step_s: float) -> None:
        """Columns whose values are each possible but together are not weather: dead columns of real feeds."""
        day = max(2, round(86_400 / step_s))
        if "air_c" in columns and "dew_point_c" in columns:
            air = columns["air_c"]
            equal = columns["dew_point_c"] == air
            # Measured humidity does saturate for days; a dead column does it all the time, warm and cold.
            if equal.sum() >= max(day, 0.9 * air.size) and np.ptp(air[equal]) > 3.0:
                text = f"dew point equals air temperature in {equal.sum()} of {air.size} rows"
                remedy = "The humidity sensor or the conversion is dead; leave the column empty and give humidity"
                self._drop(columns, "dew_point_c", equal, text, int(np.argmax(equal)), remedy)
        if "cloud_fraction" in columns and "precipitation_mm_h" in columns:
            cloud = columns["cloud_fraction"]
            wet = np.nan_to_num(columns["precipitation_mm_h"]) > 0.0
            known = ~np.isnan(cloud)
            if known.sum() >= day and not cloud[known].any() and wet[known].sum() >= 3:
                text = "cloud is zero throughout, also while precipitation falls"
                remedy = "Leave the column empty where cloud was not observed"
                self._drop(columns, "cloud_fraction", known, text, int(np.argmax(wet & known)), remedy)

    def pressure(self, columns: Columns, standard_pa: float) -> None:
        """Station pressure that is ¾ of the standard one: millimetres of mercury written as hPa."""
        pressure = columns.get("pressure_pa", np.empty(0))
        if np.isnan(pressure).all():
            return
        median = float(np.nanmedian(pressure))
        if abs(median / standard_pa - MMHG_AS_HPA) < 0.03:
            text = f"median pressure {median:.0f} Pa, where {standard_pa:.0f} Pa is normal"
            remedy = "It looks like mmHg written as hPa; convert it"
            self._drop(columns, "pressure_pa", ~np.isnan(pressure), text, 0, remedy)

    def sun(self, time_utc_s: Array, columns: Columns, step_s: float, site: Site) -> None:
        """Raises WeatherError where the sun shines at night: the clock is shifted, or it is another place's weather.

        A tenth of the sunny rows must err before it is said, so that one spike does not reject a whole winter. A shift
        leaves as many sunny rows as the days have; with more of them it is the column that is wrong.
        """
        if "shortwave_w_m2" not in columns:
            return
        sun = columns["shortwave_w_m2"]
        ends = [sun_position(time_utc_s - part * step_s, site.latitude, site.longitude)[0] for part in (0.0, 0.5, 1.0)]
        night = np.max(ends, axis=0) < -1.0  # refraction and twilight give a little light above that
        bright = np.nan_to_num(sun) > 20.0
        wrong = bright & night
        if wrong.sum() < 3 or wrong.sum() <= 0.1 * bright.sum():
            return
        row = int(np.argmax(wrong))
        text = f"{sun[row]:g} W/m² of sun at {utc_text(time_utc_s[row])}, when it is night at {site.name}"
        remedy = "Times must be UTC and the end of the interval, and the weather the site's"
        if bright.sum() <= DAYLIGHT_EXCESS_MAX * (~night).sum():
            raise refuse(text, self.where("shortwave_w_m2", row), remedy)
        self._drop(columns, "shortwave_w_m2", ~np.isnan(sun), text, row, remedy)

    def _drop(self, columns: Columns, name: str, bad: Mask, text: str, row: int, remedy: str) -> None:
        """Make the values missing where `bad`; `text` and `row` describe the first fault."""
        if self.strict:
            raise refuse(text, self.where(name, row), remedy)
        columns[name] = np.where(bad, np.nan, columns[name])
        self.tally.add(Treatment.DROPPED, name, int(bad.sum()))
