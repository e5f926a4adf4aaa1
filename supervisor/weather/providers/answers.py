"""What the readers of provider answers share: JSON that may be cut off, nulls, tails beyond a model's horizon."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import msgspec
import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.weather import Array
from supervisor.weather.gate import HUMIDITY, TIME_UTC_S, Columns, Where, utc_text

logger = logging.getLogger(__name__)

NUMBER_MAX = 1e12  # above every time and value that a weather service means; JSON allows hundreds of digits
TEXT_MAX = 200  # letters of an unforeseen error's own words
MESSAGE_MAX = 500
ROWS_MAX = 20_000  # 16 days by the minute; the longest real answer has 2,600 hours
REQUIRED = ("air_c", "wind_m_s", "precipitation_mm_h")


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


def bounded(rows: Sequence[T], source: str) -> Sequence[T]:
    """`rows` as they are; raises WeatherError where there are more than any answer has."""
    if len(rows) > ROWS_MAX:
        raise WeatherError(f"{len(rows)} rows, at most {ROWS_MAX} are read", where=source, remedy="Ask for less")
    return rows


def load_json(body: bytes, source: str) -> dict[str, Any]:
    """The answer's object; raises WeatherError where it is cut off, not JSON or not an object."""
    try:
        answer = msgspec.json.decode(body)
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


def numbers(values: object, count: int, where: str) -> Array:
    """A JSON list as floats, null as NaN; raises WeatherError on another length or on text."""
    if not isinstance(values, list) or len(values) != count:
        found = f"{len(values)} values" if isinstance(values, list) else type(values).__name__
        raise WeatherError(f"{found}, want {count}", where=where, remedy="The answer is cut short or has changed")
    try:
        return np.array([number(v) for v in values], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise WeatherError(f"not numbers: {error}", where=where, remedy="The format has changed") from error


def trim(time_utc_s: Array, columns: Columns) -> tuple[Array, Columns]:
    """Without the empty rows at either end: past and future that the model does not reach."""
    names = [name for name in (*REQUIRED, "dew_point_c", HUMIDITY) if name in columns]
    known = np.ones(time_utc_s.size, dtype=bool)
    for name in names:
        if not np.isnan(columns[name]).all():
            known &= ~np.isnan(columns[name])
    if not known.any():
        return time_utc_s, columns
    first, last = int(np.argmax(known)), known.size - int(np.argmax(known[::-1]))
    return time_utc_s[first:last], {name: values[first:last] for name, values in columns.items()}


def place_in(source: str, keys: dict[str, str], time_utc_s: Sequence[float] | Array) -> Where:
    """`where` for answers: the source's own key and the time."""

    def where(name: str, row: int) -> str:
        at = float(time_utc_s[min(row, len(time_utc_s) - 1)]) if len(time_utc_s) else math.nan
        time = utc_text(at) if TIME_UTC_S[0] <= at <= TIME_UTC_S[1] else f"row {row}"
        return f"{source}: {keys.get(name, name)} at {time}"

    return where


Converter = Callable[[Array], Array]
UNITS: dict[str, Converter] = {
    "°C": lambda v: v,
    "celsius": lambda v: v,
    "°F": lambda v: (v - 32.0) / 1.8,
    "%": lambda v: v,
    "m/s": lambda v: v,
    "km/h": lambda v: v / 3.6,
    "mp/h": lambda v: v * 0.44704,
    "kn": lambda v: v * 0.514444,
    "mm": lambda v: v,
    "inch": lambda v: v * 25.4,
    "cm": lambda v: v,
    "hPa": lambda v: v * 100.0,
    "W/m²": lambda v: v,
}


def to_si(values: Array, unit: str, where: str) -> Array:
    """From the unit that the answer itself names; raises WeatherError on one we do not know."""
    if unit not in UNITS:
        raise WeatherError(f"unit {unit!r} is not known", where=where, remedy=f"Known are {', '.join(UNITS)}")
    return UNITS[unit](values)
