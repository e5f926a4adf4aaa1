"""What the readers of provider answers share: JSON that may be cut off, nulls, units."""

from __future__ import annotations

import functools
import logging
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import msgspec
import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array
from supervisor.domain.zone import Site
from supervisor.weather.gate import HUMIDITY, LIMITS, TIME_UTC_S, Where, utc_text

logger = logging.getLogger(__name__)

NUMBER_MAX = 1e12  # above every time and value that a weather service means; JSON allows hundreds of digits
TEXT_MAX = 200  # letters of an unforeseen error's own words
MESSAGE_MAX = 500
ELEVATION_MAX_M = 9_000.0
ROWS_MAX = 20_000  # 16 days by the minute; the longest real answer has 2,600 hours


P = ParamSpec("P")
T = TypeVar("T")


def unexpected(error: Exception, source: str) -> WeatherError:
    """The WeatherError for an exception that a reader did not foresee; the log has its traceback."""
    logger.error("%s: an answer that was not foreseen", source, exc_info=error)
    try:
        text = " ".join(str(error).split())[:TEXT_MAX]
    except Exception:  # its text needs what failed
        text = ""
    return WeatherError(
        f"{type(error).__name__}: {text}" if text else type(error).__name__,
        where=source,
        remedy="The answer is not what the service documents; it is asked again",
    )


def named(error: WeatherError, source: str) -> None:
    """Make an error say its source, and no more of the answer than a person reads."""
    error.message = error.message[:MESSAGE_MAX]
    if source not in error.where:
        error.where = f"{source}: {error.where}" if error.where else source


def reader(source: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate what reads a source's answers: whatever it raises leaves as a WeatherError that names the source."""

    def decorate(read: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(read)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return read(*args, **kwargs)
            except WeatherError as error:
                named(error, source)
                raise
            except Exception as error:
                raise unexpected(error, source) from error

        return wrapped

    return decorate


def number(value: object) -> float:
    """A JSON number (or its text) as a float within `NUMBER_MAX`, null as NaN; raises ValueError."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{type(value).__name__} where a number belongs")
    if isinstance(value, int):
        if abs(value) > NUMBER_MAX:
            raise ValueError("a number of more than twelve digits")
        return float(value)
    found = float(value[:64]) if isinstance(value, str) else value
    if abs(found) > NUMBER_MAX:  # NaN stays: the gate knows it
        raise ValueError("a number of more than twelve digits")
    return found


def bounded(rows: Sequence[T], source: str, most: int = ROWS_MAX) -> Sequence[T]:
    """`rows` as they are; raises WeatherError where there are more than any answer has."""
    if len(rows) > most:
        raise WeatherError(f"{len(rows)} rows, at most {most} are read", where=source, remedy="Ask for less")
    return rows


MENDED_MAX_BYTES = 4 * 1024 * 1024  # answers beyond are as standard JSON or not at all
_NO_NUMBER = re.compile(rb"(?<=[\s:,\[])-?(?:nan|inf|infinity)(?=[\s,\]}])", re.IGNORECASE)


def load_json(body: bytes, source: str) -> dict[str, Any]:
    """The answer's object, with null for a NaN or an infinity, which some servers write against the standard.

    Raises WeatherError where it is cut off, not JSON or not an object.
    """
    try:
        try:
            answer = msgspec.json.decode(body)
        except msgspec.DecodeError:
            without = _NO_NUMBER.sub(b"null", body) if len(body) <= MENDED_MAX_BYTES else body
            if without == body:
                raise
            answer = msgspec.json.decode(without)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MemoryError) as error:
        start = body[:60].decode("utf-8", "replace")
        raise WeatherError(
            f"answer of {len(body)} bytes is not whole JSON ({error}); it begins {start!r}",
            where=source,
            remedy="The transfer was cut off or the service answers with a page of its own; it is asked again",
        ) from error
    if not isinstance(answer, dict):
        raise WeatherError("answer is not a JSON object", where=source, remedy="The format has changed")
    return answer


def refuse_message(answer: dict[str, Any], source: str, key_env: str) -> None:
    """Raises WeatherError where an answer is a message of KMA: {"result": {"status": 401, "message": "…"}}."""
    result = answer.get("result")
    if isinstance(result, dict) and "message" in result:
        text = f"service answers {result.get('status', '')} {str(result['message']).rstrip('. ')}"
        raise WeatherError(
            text, where=source, remedy=f"Check the key in {key_env}, and that it is granted this service"
        )


def number_or_nan(value: object, what: str, tally: Tally) -> float:
    """As `number`, but NaN for what is none, counted as dropped."""
    try:
        return number(value)
    except ValueError:
        tally.add(Treatment.DROPPED, what)
        return math.nan


def numbers(values: object, count: int, where: str, what: str, tally: Tally) -> Array:
    """A JSON list as floats, NaN for null and for what is not a number, the latter counted as `what`.

    Raises WeatherError on another length: it is not known which of them are missing.
    """
    if not isinstance(values, list) or len(values) != count:
        found = f"{len(values)} values" if isinstance(values, list) else type(values).__name__
        raise WeatherError(f"{found}, want {count}", where=where, remedy="The answer is cut short or has changed")
    return np.array([number_or_nan(v, what, tally) for v in values], dtype=np.float64)


def possible_mm_h(values: Array, what: str, tally: Tally) -> Array:
    """Amounts of an hour that stand in for others, without those that cannot be, which are counted as `what`."""
    limit = LIMITS["precipitation_mm_h"]
    bad = (values < limit.low) | (values > limit.high)
    tally.add(Treatment.DROPPED, what, int(bad.sum()))
    return np.where(bad, np.nan, values)


def own_site(source: str, latitude: object, longitude: object, elevation_m: object) -> Site:
    """The answer's own grid point; raises WeatherError where it has none."""
    point = [number_or_nan(value, "site", Tally()) for value in (latitude, longitude, elevation_m)]
    if not (abs(point[0]) <= 90.0 and abs(point[1]) <= 180.0):  # NaN compares false
        text = f"no grid point: latitude {latitude!r:.20}, longitude {longitude!r:.20}"
        raise WeatherError(text, where=source, remedy="The format has changed")
    height_m = point[2] if abs(point[2]) < ELEVATION_MAX_M else 0.0
    return Site(source, "UTC", point[0], point[1], height_m)


def place_in(source: str, keys: dict[str, str], time_utc_s: Sequence[float] | Array) -> Where:
    """`where` for answers: the source's own key and the time."""

    def where(name: str, row: int) -> str:
        at = float(time_utc_s[min(row, len(time_utc_s) - 1)]) if len(time_utc_s) else math.nan
        time = utc_text(at) if TIME_UTC_S[0] <= at <= TIME_UTC_S[1] else f"row {row}"
        return f"{source}: {keys.get(name, name)} at {time}"

    return where


Converter = Callable[[Array], Array]
_TEMPERATURE: dict[str, Converter] = {
    "°C": lambda v: v,
    "celsius": lambda v: v,
    "K": lambda v: v - 273.15,
    "°F": lambda v: (v - 32.0) / 1.8,
}
_SHARE: dict[str, Converter] = {"%": lambda v: v}
_SPEED: dict[str, Converter] = {
    "m/s": lambda v: v,
    "km/h": lambda v: v / 3.6,
    "mp/h": lambda v: v * 0.44704,
    "kn": lambda v: v * 0.514444,
}
_WATER: dict[str, Converter] = {"mm": lambda v: v, "inch": lambda v: v * 25.4, "cm": lambda v: v * 10.0}
SNOWFALL_CM = "snowfall_cm"  # depth of fresh snow
UNITS: dict[str, dict[str, Converter]] = {
    "air_c": _TEMPERATURE,
    "dew_point_c": _TEMPERATURE,
    HUMIDITY: _SHARE,
    "cloud_fraction": _SHARE,
    "wind_m_s": _SPEED,
    "pressure_pa": {"hPa": lambda v: v * 100.0, "Pa": lambda v: v},
    "shortwave_w_m2": {"W/m²": lambda v: v},
    SNOWFALL_CM: {"cm": lambda v: v, "mm": lambda v: v / 10.0, "inch": lambda v: v * 2.54},
}


def to_si(values: Array, unit: str, where: str, name: str) -> Array:
    """`name` (water, where it is not in `UNITS`) from the unit that the answer itself gives.

    Raises WeatherError for a unit that is not known, or not one of this quantity.
    """
    known = UNITS.get(name, _WATER)
    if unit not in known:
        raise WeatherError(f"unit {unit!r} is not one of {name}", where=where, remedy=f"Known are {', '.join(known)}")
    return known[unit](values)
