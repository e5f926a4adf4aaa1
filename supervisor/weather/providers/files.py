"""Weather in CSV files: one row per interval end, SI units, UTC; empty cell = not measured.

Columns (README of the measured weather): time_utc, air_temperature_degC, dew_point_degC, relative_humidity_pct,
wind_speed_m_s, pressure_Pa, shortwave_down_W_m2, longwave_down_W_m2, longwave_down_est_W_m2, cloud_fraction,
precipitation_mm_h, snowfall_fraction, precip_type, filled. Others are ignored.
"""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.assemble import assemble
from supervisor.weather.gate import HUMIDITY, utc_text
from supervisor.weather.providers.answers import named, unexpected

COLUMNS = {
    "air_c": "air_temperature_degC",
    "dew_point_c": "dew_point_degC",
    HUMIDITY: "relative_humidity_pct",
    "wind_m_s": "wind_speed_m_s",
    "pressure_pa": "pressure_Pa",
    "shortwave_w_m2": "shortwave_down_W_m2",
    "longwave_w_m2": "longwave_down_W_m2",
    "cloud_fraction": "cloud_fraction",
    "precipitation_mm_h": "precipitation_mm_h",
    "snow_fraction": "snowfall_fraction",
}
TIME = "time_utc"
FILE_MAX_BYTES = 256 * 1024 * 1024  # ten years by the ten minutes have 60 MB
LONGWAVE_ESTIMATE = "longwave_down_est_W_m2"
TRACE_TYPES = {"snow": 1.0, "sleet": 0.5}
# KMA writes 0.0 mm with snow for less than 0.1 mm in the hour: the schema says to treat it as <0.1 mm/h of snow. Most
# flurries are far below the limit, so a fifth of it: five such hours make the 0.1 mm that count as ice.
TRACE_MM_H = 0.02
REQUIRED = ("air_c", "wind_m_s", "precipitation_mm_h", "shortwave_w_m2")
DECIMALS = {"snow_fraction": 4, "precipitation_mm_h": 4, "cloud_fraction": 3, "pressure_pa": 0}


def read_weather_csv(
    path: Path | str,
    site: Site | None = None,
    *,
    start_utc_s: float | None = None,
    end_utc_s: float | None = None,
) -> tuple[WeatherSeries, Tally]:
    """The series of a file and what was repaired, by kind; of the rows in [start, end] only, where given.

    With a site, times are also checked against the sun. Raises WeatherError naming file, column and line, and nothing
    else, whatever the file holds.
    """
    try:
        return _read(Path(path), site, start_utc_s, end_utc_s)
    except WeatherError as error:
        named(error, str(path))
        raise
    except Exception as error:
        raise unexpected(error, str(path)) from error


def _read(
    path: Path, site: Site | None, start_utc_s: float | None, end_utc_s: float | None
) -> tuple[WeatherSeries, Tally]:
    rows, lines = _rows(path)
    times = np.array([_time(path, line, row) for line, row in zip(lines, rows, strict=True)])
    chosen = np.ones(times.size, dtype=bool)
    if start_utc_s is not None:
        chosen &= times >= start_utc_s
    if end_utc_s is not None:
        chosen &= times <= end_utc_s
    rows = [row for row, keep in zip(rows, chosen, strict=True) if keep]
    lines = [line for line, keep in zip(lines, chosen, strict=True) if keep]
    if len(rows) < 2:
        raise WeatherError(
            "fewer than two rows in the wanted period", where=str(path), remedy="Check the file and the dates"
        )

    def where(name: str, row: int) -> str:
        column = TIME if name == "time" else COLUMNS.get(name, name)
        return f"{path}: column {column}, line {lines[min(row, len(lines) - 1)]}"

    columns = {
        name: _column(path, column, rows, lines) for name, column in COLUMNS.items() if rows and column in rows[0]
    }
    tally = Tally()
    if LONGWAVE_ESTIMATE in rows[0]:
        estimate = _column(path, LONGWAVE_ESTIMATE, rows, lines)
        measured = columns.get("longwave_w_m2", np.full(len(rows), np.nan))
        columns["longwave_w_m2"] = np.where(np.isnan(measured), estimate, measured)
    filled = _column(path, "filled", rows, lines) if "filled" in rows[0] else np.zeros(len(rows))
    tally.add(Treatment.REPAIRED, "filled by the source", int((filled > 0).sum()))
    _mark_traces(rows, columns, tally)
    series, more = assemble(times[chosen], columns, where, site, daily_ok=(filled == 2).astype(np.float64))
    tally.update(more)
    return series, tally


def write_weather_csv(path: Path | str, series: WeatherSeries) -> None:
    """A file that `read_weather_csv` gives back, to the written decimals."""
    names = [name for name in COLUMNS if hasattr(series, name)]
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([TIME, *(COLUMNS[name] for name in names)])
        for i, time in enumerate(series.time_utc_s):
            writer.writerow(
                [utc_text(float(time)), *(f"{getattr(series, n)[i]:.{DECIMALS.get(n, 2)}f}" for n in names)]
            )


def _rows(path: Path) -> tuple[list[dict[str, str]], list[int]]:
    """Rows and their line numbers; raises WeatherError on a file that is not such a table."""
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise WeatherError(f"over {FILE_MAX_BYTES} bytes", where=str(path), remedy="Cut it to the years needed")
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or []
            for wanted in (TIME, *(COLUMNS[name] for name in REQUIRED)):
                if wanted not in names:
                    raise WeatherError(
                        f"column {wanted} is missing",
                        where=f"{path}: line 1",
                        remedy="docs/weather.md lists the columns",
                    )
            rows, lines = [], []
            for row in reader:
                if None in row or None in row.values():
                    raise WeatherError(
                        f"a row of {len(names)} columns was expected",
                        where=f"{path}: line {reader.line_num}",
                        remedy="The row is cut short or has extra cells",
                    )
                rows.append(row)
                lines.append(reader.line_num)
            return rows, lines
    except OSError as error:
        raise WeatherError(
            error.strerror or "cannot be read", where=str(path), remedy="Check path and rights"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise WeatherError(f"not a CSV file: {error}", where=str(path), remedy="Save it as UTF-8 CSV") from error


def _time(path: Path, line: int, row: dict[str, str]) -> float:
    where = f"{path}: column {TIME}, line {line}"
    try:
        time = datetime.fromisoformat(row[TIME].strip())
    except ValueError as error:
        raise WeatherError(f"{row[TIME]!r} is not a time", where=where, remedy="Write 2023-12-30T09:00:00Z") from error
    if time.tzinfo is None:
        raise WeatherError(f"{row[TIME]!r} has no time zone", where=where, remedy="Write UTC with a Z at the end")
    return time.timestamp()


def _column(path: Path, column: str, rows: list[dict[str, str]], lines: list[int]) -> Array:
    """Numbers of one column, NaN where empty. A written "NaN" is refused: it hides why there is no value."""
    values = np.full(len(rows), np.nan)
    for i, row in enumerate(rows):
        text = row[column].strip()
        if not text:
            continue
        try:
            values[i] = float(text)
        except ValueError:
            values[i] = np.nan
        if not np.isfinite(values[i]):
            raise WeatherError(
                f"{text!r} is not a number",
                where=f"{path}: column {column}, line {lines[i]}",
                remedy="Leave the cell empty where nothing was measured",
            )
    return values


def _mark_traces(rows: list[dict[str, str]], columns: dict[str, Array], tally: Tally) -> None:
    """Snow of less than the gauge can weigh becomes `TRACE_MM_H`."""
    if "precip_type" not in rows[0]:
        return
    fraction = columns.setdefault("snow_fraction", np.full(len(rows), np.nan))
    for i, row in enumerate(rows):
        share = TRACE_TYPES.get(row["precip_type"])
        if share is not None and columns["precipitation_mm_h"][i] == 0.0:
            columns["precipitation_mm_h"][i] = TRACE_MM_H
            if np.isnan(fraction[i]):
                fraction[i] = share
            tally.add(Treatment.REPAIRED, "trace of snow")
