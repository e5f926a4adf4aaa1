"""Quality gate: errors of real feeds are refused here, by variable, place and value.

Columns come in as arrays with NaN where the source has nothing; `where(name, row)` says in the source's own words
where a value stands (column and line of a file, key and time of an answer), so that a person can find it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.weather import Array
from supervisor.domain.zone import Site
from supervisor.road.radiation import SOLAR_CONSTANT_W_M2, sun_position

Columns = dict[str, Array]
Where = Callable[[str, int], str]

TIME_UTC_S = (-2_208_988_800.0, 4_102_444_800.0)  # 1900 … 2100
GAP_MAX_S = 3 * 3600.0  # longer holes are refused; also the data schema's limit for interpolation
DEW_EXCESS_MAX_K = 0.5  # rounding of both; above it one of the two is wrong
MMHG_AS_HPA = 0.750  # 760 mmHg is 1013.25 hPa; weather moves pressure by 3 %
HUMIDITY = "relative_humidity_pct"


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
        return "Leave the cell empty where nothing was measured"


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


def check_values(columns: Columns, where: Where) -> None:
    """Raises WeatherError at the first infinite value, missing-value code or value outside its physical range."""
    for name, values in columns.items():
        limit = LIMITS[name]
        known = ~np.isnan(values)
        bad = known & ~((values >= limit.low) & (values <= limit.high))
        if bad.any():
            row = int(np.argmax(bad))
            value = float(values[row])
            if value in _SENTINELS:
                text = f"{value:g} is a code for a missing value"
                raise refuse(text, where(name, row), "Leave the cell empty where nothing was measured")
            raise refuse(f"{value:g} is not within {limit.low:g}…{limit.high:g}", where(name, row), limit.remedy(value))
    if "air_c" in columns and "dew_point_c" in columns:
        excess = columns["dew_point_c"] - columns["air_c"]
        bad = excess > DEW_EXCESS_MAX_K  # NaN compares false
        if bad.any():
            row = int(np.argmax(bad))
            raise refuse(
                f"dew point {columns['dew_point_c'][row]:g} °C is above air temperature {columns['air_c'][row]:g} °C",
                where("dew_point_c", row),
                "Check units and columns",
            )


def check_times(time_utc_s: Array, where: Where) -> float:
    """The step [s] of a series whose times rise on one grid with no hole over 3 h; else raises WeatherError."""
    if time_utc_s.size < 2:
        raise refuse(f"{time_utc_s.size} rows", where("time", 0), "A series needs at least two rows")
    odd = ~((time_utc_s >= TIME_UTC_S[0]) & (time_utc_s <= TIME_UTC_S[1]))
    if odd.any():
        row = int(np.argmax(odd))
        raise refuse(
            f"{time_utc_s[row]} s since 1970 is not a usable time", where("time", row), "Each row needs a time"
        )
    steps = np.diff(time_utc_s)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        kind = "duplicate time" if steps[row - 1] == 0 else "time goes backwards"
        raise refuse(f"{kind} {utc_text(time_utc_s[row])}", where("time", row), "Each row must be later than the last")
    if (steps > GAP_MAX_S).any():
        row = int(np.argmax(steps > GAP_MAX_S)) + 1
        raise refuse(
            f"gap of {steps[row - 1] / 3600:.1f} h before {utc_text(time_utc_s[row])}",
            where("time", row),
            "Gaps over 3 h cannot be repaired; cut the series there",
        )
    values, counts = np.unique(steps, return_counts=True)
    step = float(values[np.argmax(counts)])
    off = np.abs(steps / step - np.round(steps / step)) > 1e-6
    if off.any():
        row = int(np.argmax(off)) + 1
        raise refuse(
            f"time {utc_text(time_utc_s[row])} is off the {step:g} s grid",
            where("time", row),
            "Shifted times are refused: their hour is ambiguous",
        )
    return step


def check_patterns(columns: Columns, step_s: float, where: Where) -> None:
    """Raises WeatherError where values are each possible but together are not weather: dead columns of real feeds."""
    day = max(2, round(86_400 / step_s))
    if "air_c" in columns and "dew_point_c" in columns:
        air = columns["air_c"]
        equal = columns["dew_point_c"] == air
        # Measured humidity does saturate for days; a dead column does it all the time, warm and cold.
        if equal.sum() >= max(day, 0.9 * air.size) and np.ptp(air[equal]) > 3.0:
            raise refuse(
                f"dew point equals air temperature in {equal.sum()} of {air.size} rows",
                where("dew_point_c", int(np.argmax(equal))),
                "The humidity sensor or the conversion is dead; leave the column empty and give relative humidity",
            )
    if "cloud_fraction" in columns and "precipitation_mm_h" in columns:
        cloud = columns["cloud_fraction"]
        wet = np.nan_to_num(columns["precipitation_mm_h"]) > 0.0
        known = ~np.isnan(cloud)
        if known.sum() >= day and not cloud[known].any() and wet[known].sum() >= 3:
            row = int(np.argmax(wet & known))
            raise refuse(
                "cloud is zero throughout, also while precipitation falls",
                where("cloud_fraction", row),
                "Leave the column empty where cloud was not observed",
            )


def check_pressure(pressure_pa: Array, standard_pa: float, where: Where) -> None:
    """Raises WeatherError where station pressure is ¾ of the standard one: millimetres of mercury written as hPa."""
    ratio = float(np.nanmedian(pressure_pa)) / standard_pa
    if abs(ratio - MMHG_AS_HPA) < 0.03:
        text = f"median pressure {np.nanmedian(pressure_pa):.0f} Pa, where {standard_pa:.0f} Pa is normal"
        raise refuse(text, where("pressure_pa", 0), "It looks like mmHg written as hPa; convert it")


def check_sun(time_utc_s: Array, shortwave_w_m2: Array, step_s: float, site: Site, where: Where) -> None:
    """Raises WeatherError where the sun shines at night: the clock is shifted, or it is another place's weather.

    A tenth of the sunny rows must err before it is said, so that one spike does not reject a whole winter.
    """
    ends = [sun_position(time_utc_s - part * step_s, site.latitude, site.longitude)[0] for part in (0.0, 0.5, 1.0)]
    night = np.max(ends, axis=0) < -1.0  # refraction and twilight give a little light above that
    bright = np.nan_to_num(shortwave_w_m2) > 20.0
    wrong = bright & night
    if wrong.sum() >= 3 and wrong.sum() > 0.1 * bright.sum():
        row = int(np.argmax(wrong))
        raise refuse(
            f"{shortwave_w_m2[row]:g} W/m² of sun at {utc_text(time_utc_s[row])}, when it is night at {site.name}",
            where("shortwave_w_m2", row),
            "Times must be UTC and the end of the interval, and the weather the site's",
        )
