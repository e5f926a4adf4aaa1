"""What the readers of provider answers share: JSON that may be cut off, nulls, tails beyond a model's horizon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.weather import Array
from supervisor.weather.gate import HUMIDITY, Columns, Where, utc_text

REQUIRED = ("air_c", "wind_m_s", "precipitation_mm_h")


def load_json(body: bytes, source: str) -> dict[str, Any]:
    """The answer's object; raises WeatherError where it is cut off, no JSON or no object."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
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
        return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
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
        time = utc_text(float(time_utc_s[min(row, len(time_utc_s) - 1)])) if len(time_utc_s) else "no time"
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
