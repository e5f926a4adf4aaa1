"""Hourly ASOS observations as data.kma.go.kr gives them to download: CSV in EUC-KR, Korean headers, Korean time.

An empty amount of precipitation means none, 0.0 less than the gauge can weigh; radiation [MJ/m²] is the total of the
hour before and empty at night. In the flag column of a value ("QC플래그"), 1 marks a wrong one and 9 a missing one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np

from supervisor.domain.zone import Site
from supervisor.weather.gate import HUMIDITY
from supervisor.weather.longwave import clear_sky_means_w_m2
from supervisor.weather.providers.file_format import FileFormat, Row, Translated

KST = timezone(timedelta(hours=9))
TIME, STATION = "일시", "지점"
DARK_W_M2 = 5.0  # of a clear sky in the mean of the hour: an empty cell means night
WET_CLOUD = 0.5  # the automatic sensor misses the cloud it snows from: below it, precipitation means overcast
BAD_FLAGS = ("1", "9")
_HEADER = re.compile(r"\s*([^()]+?)\s*(?:\((.*)\))?\s*")
_TIME = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})[ T](\d{1,2})(?::(\d{2})(?::\d{2})?)?")


@dataclass(frozen=True)
class Column:
    """Our column, the factor to its unit, and the units in which the portal gives it."""

    own: str
    factor: float
    units: tuple[str, ...]


AIR, WATER, SNOW_TYPE = "air_temperature_degC", "precipitation_mm_h", "precip_type"
SUN, CLOUD = "shortwave_down_W_m2", "cloud_fraction"
COLUMNS = {
    "기온": Column(AIR, 1.0, ("°C", "℃")),
    "이슬점온도": Column("dew_point_degC", 1.0, ("°C", "℃")),
    "습도": Column(HUMIDITY, 1.0, ("%",)),
    "풍속": Column("wind_speed_m_s", 1.0, ("m/s",)),
    "현지기압": Column("pressure_Pa", 100.0, ("hPa",)),
    "일사": Column(SUN, 1e6 / 3600.0, ("MJ/m2", "MJ/m^2", "MJ/m²", "MJ/㎡")),
    "전운량": Column(CLOUD, 0.1, ("10분위", "1/10")),
    "강수량": Column(WATER, 1.0, ("mm",)),
    "적설": Column("snow_depth_m", 0.01, ("cm",)),
}
NEEDED = ("기온", "강수량", "풍속")


def knows(header: Sequence[str]) -> bool:
    """Whether these are the portal's headers: a time, and air temperature with its unit."""
    names = [_parts(cell)[0] for cell in header]
    return TIME in names and "기온" in names


def translate(header: Sequence[str], rows: Sequence[Row], site: Site | None) -> Translated:
    """Rows in our columns; of one station only, the commonest."""
    found: dict[str, str] = {}  # our name of the column: the portal's whole header
    flags: dict[str, str] = {}
    for cell in header:
        name, unit = _parts(cell)
        if name.endswith("QC플래그"):
            flags[name.removesuffix("QC플래그").strip()] = cell
        elif name in COLUMNS and COLUMNS[name].own not in found:
            if unit and unit not in COLUMNS[name].units:
                raise ValueError(f"unit {unit!r} of {name}", f"Known is {', '.join(COLUMNS[name].units)}")
            found[COLUMNS[name].own] = cell
    for name in NEEDED:
        if COLUMNS[name].own not in found:
            raise ValueError(f"column {name} is missing", "Choose it on the portal and download again")
    if SUN not in found and CLOUD not in found:
        raise ValueError("columns 일사 and 전운량 are missing", "Choose one of them on the portal and download again")
    time = next(cell for cell in header if _parts(cell)[0] == TIME)
    _one_station(header, rows)
    ours = [_row(row, time, found, flags) for row in rows]
    _traces(ours)
    if site is not None and SUN in found:
        _night_is_dark(ours, site)
    return Translated(ours, {"time_utc": time, **found})


def _parts(cell: str) -> tuple[str, str]:
    """Name and unit of a header such as "기온(°C)"."""
    match = _HEADER.fullmatch(cell)
    return (match[1], match[2] or "") if match else (cell.strip(), "")


def _one_station(header: Sequence[str], rows: Sequence[Row]) -> None:
    column = next((cell for cell in header if _parts(cell)[0] == STATION), None)
    stations = Counter(row[column].strip() for row in rows) if column else Counter()
    if len(stations) > 1:
        shown = ", ".join(sorted(stations)[:5])
        raise ValueError(f"rows of {len(stations)} stations ({shown})", "Keep the rows of the nearest one")


def _row(row: Row, time: str, found: dict[str, str], flags: dict[str, str]) -> dict[str, str]:
    ours = {"time_utc": _utc(row[time])}
    for name, column in COLUMNS.items():
        if column.own not in found:
            continue
        text = row[found[column.own]].strip()
        bad = name in flags and row[flags[name]].strip() in BAD_FLAGS
        if bad:
            text = ""
        elif name == "강수량" and not text:
            text = "0"
            ours["dry"] = "1"
        elif name == "적설" and not text:  # none lies
            text = "0"
        ours[column.own] = _scaled(text, column.factor)
    if _number(ours[WATER]) > 0.0 and CLOUD in ours and _number(ours[CLOUD]) < WET_CLOUD:
        ours[CLOUD] = "1"
    return ours


def _utc(text: str) -> str:
    """ISO 8601 with its offset; what is no time stays as it is."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return text
    year, month, day, hour, minute = (int(part or 0) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, tzinfo=KST).isoformat()
    except ValueError:
        return text


def _scaled(text: str, factor: float) -> str:
    value = _number(text)
    return text if factor == 1.0 or math.isnan(value) else repr(round(value * factor, 4))


def _number(text: str) -> float:
    """NaN for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _traces(rows: Sequence[dict[str, str]]) -> None:
    """In place: 0.0 in frost is a trace of snow. In a file whose dry hours are all 0, it says nothing."""
    empty = [row.pop("dry", "") for row in rows]
    if not any(empty):
        return
    for row, dry in zip(rows, empty, strict=True):
        if not dry and _number(row[WATER]) == 0.0 and _number(row[AIR]) <= 0.0:
            row[SNOW_TYPE] = "snow"
    for row in rows:
        row.setdefault(SNOW_TYPE, "")


def _night_is_dark(rows: Sequence[dict[str, str]], site: Site) -> None:
    """In place: no radiation at night is 0."""
    empty = [row for row in rows if not row[SUN]]
    times = np.array([_seconds(row["time_utc"]) for row in empty])
    known = np.flatnonzero(~np.isnan(times))
    if known.size:
        dark = clear_sky_means_w_m2(times[known], 3600.0, site) < DARK_W_M2
        for k, is_dark in zip(known, dark, strict=True):
            if is_dark:
                empty[k][SUN] = "0"


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return math.nan


FORMAT = FileFormat("KMA portal", knows, translate)
