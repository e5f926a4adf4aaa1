"""Weather in CSV files: one row per interval end, SI units, UTC; empty cell = not measured.

Columns (README of the measured weather): time_utc, air_temperature_degC, dew_point_degC, relative_humidity_pct,
wind_speed_m_s, pressure_Pa, shortwave_down_W_m2, longwave_down_W_m2, longwave_down_est_W_m2, cloud_fraction,
precipitation_mm_h, snowfall_fraction, precip_type, filled. Others are ignored. Files of other forms, known by their
header, become such rows first (`file_formats`).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Site
from supervisor.weather.assemble import assemble
from supervisor.weather.gate import ESSENTIAL, HUMIDITY, utc_text
from supervisor.weather.hours import HOUR
from supervisor.weather.providers.answers import named, unexpected
from supervisor.weather.providers.file_format import FileFormat
from supervisor.weather.providers.file_formats import ENCODINGS, known_format, remedy_for

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
HEADER_MAX_BYTES = 65_536
SNOW_DEPTH = "snow_depth_m"
SNOW_DEPTH_MAX_M = 12.0  # the deepest that was ever measured at a station is 11.82 m (Mount Ibuki, 1927)
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
    strict: bool = True,
) -> tuple[WeatherSeries, Tally]:
    """The series of a file and what became of its parts; of the rows in [start, end] only, where given.

    With a site, times are also checked against the sun. Raises WeatherError naming file, column and line, and nothing
    else, whatever the file holds; where not `strict`, bad cells and rows are dropped and the rest is used.
    """
    try:
        return _Table(Path(path), strict=strict).series(site, start_utc_s, end_utc_s)
    except WeatherError as error:
        named(error, str(path))
        raise
    except Exception as error:
        raise unexpected(error, str(path)) from error


def read_snow_depth(path: Path | str, times_utc_s: Array) -> Array | None:
    """Depth of snow on the ground [m] at the times (n,), NaN where the file does not say; None where it has no depth.

    Raises WeatherError where the file cannot be read; a cell that is not a number, or none that can be, says nothing.
    """
    return _Table(Path(path), strict=False).at(SNOW_DEPTH, times_utc_s)


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


class _Table:
    """The rows of a file. A strict one refuses the first cell that cannot be read; else it is dropped and counted."""

    def __init__(self, path: Path, *, strict: bool) -> None:
        self._path = path
        self._strict = strict
        self._tally = Tally()
        self._rows: list[dict[str, str]] = []
        self._lines: list[int] = []
        self._names: Mapping[str, str] = {}  # what the file calls our columns, where it differs

    def series(
        self, site: Site | None, start_utc_s: float | None, end_utc_s: float | None
    ) -> tuple[WeatherSeries, Tally]:
        """What `read_weather_csv` returns; raises WeatherError."""
        self._open(site)
        times = np.array([self._time(line, row) for line, row in zip(self._lines, self._rows, strict=True)])
        chosen = ~np.isnan(times)
        self._tally.add(Treatment.DROPPED, HOUR, int((~chosen).sum()))
        if start_utc_s is not None:
            chosen &= times >= start_utc_s
        if end_utc_s is not None:
            chosen &= times <= end_utc_s
        self._rows = [row for row, keep in zip(self._rows, chosen, strict=True) if keep]
        lines = self._lines = [line for line, keep in zip(self._lines, chosen, strict=True) if keep]
        if len(self._rows) < 2:
            text, remedy = "fewer than two rows in the wanted period", "Check the file and the dates"
            raise WeatherError(text, where=str(self._path), remedy=remedy)

        def where(name: str, row: int) -> str:
            column = TIME if name == "time" else COLUMNS.get(name, name)
            return f"{self._path}: column {self._names.get(column, column)}, line {lines[min(row, len(lines) - 1)]}"

        columns = {name: self._column(column) for name, column in COLUMNS.items() if column in self._rows[0]}
        if LONGWAVE_ESTIMATE in self._rows[0]:
            estimate = self._column(LONGWAVE_ESTIMATE)
            measured = columns.get("longwave_w_m2", np.full(len(lines), np.nan))
            columns["longwave_w_m2"] = np.where(np.isnan(measured), estimate, measured)
        filled = self._column("filled") if "filled" in self._rows[0] else np.zeros(len(lines))
        self._tally.add(Treatment.REPAIRED, "filled by the source", int((filled > 0).sum()))
        _mark_traces(self._rows, columns, self._tally)
        # a column that is empty throughout is one that the file does not have
        columns = {name: values for name, values in columns.items() if not np.isnan(values).all()}
        daily_ok = (filled == 2).astype(np.float64)
        series, more = assemble(times[chosen], columns, where, site, daily_ok, strict=self._strict)
        self._tally.update(more)
        return series, self._tally

    def at(self, column: str, times_utc_s: Array) -> Array | None:
        """A column by time, NaN where there is none; None where the file does not have it."""
        self._open(None)
        if not self._rows or column not in self._rows[0]:
            return None
        values = self._column(column)
        values[(values < 0.0) | (values > SNOW_DEPTH_MAX_M)] = np.nan
        known = dict(
            zip((self._time(n, row) for n, row in zip(self._lines, self._rows, strict=True)), values, strict=True)
        )
        return np.array([known.get(float(time), math.nan) for time in times_utc_s])

    def _open(self, site: Site | None) -> None:
        """Read rows and their line numbers; raises WeatherError on a file that is not such a table."""
        try:
            if self._path.stat().st_size > FILE_MAX_BYTES:
                text, remedy = f"over {FILE_MAX_BYTES} bytes", "Cut it to the years needed"
                raise WeatherError(text, where=str(self._path), remedy=remedy)
            encoding = _encoding(self._path)
            with self._path.open(newline="", encoding=encoding, errors=None if self._strict else "replace") as file:
                reader = csv.DictReader(file)
                names = reader.fieldnames or []
                form = known_format(names)
                if form is None:
                    self._need_columns(names)
                for row in self._readable(reader):
                    if None in row or None in row.values():
                        self._cut_short(len(names), reader.line_num)
                        continue
                    self._rows.append(row)
                    self._lines.append(reader.line_num)
        except OSError as error:
            text = error.strerror or "cannot be read"
            raise WeatherError(text, where=str(self._path), remedy="Check path and rights") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise WeatherError(
                f"not a CSV file: {error}", where=str(self._path), remedy="Save it as UTF-8 CSV"
            ) from error
        if form is not None:
            self._translate(form, names, site)

    def _need_columns(self, names: Sequence[str]) -> None:
        for wanted in (TIME, *(COLUMNS[name] for name in (REQUIRED if self._strict else ESSENTIAL))):
            if wanted not in names:
                where = f"{self._path}: line 1"
                raise WeatherError(f"column {wanted} is missing", where=where, remedy=remedy_for(names))

    def _translate(self, form: FileFormat, names: Sequence[str], site: Site | None) -> None:
        try:
            translated = form.translate(names, self._rows, site)
        except ValueError as error:
            message, remedy = error.args if len(error.args) == 2 else (str(error), "Download the file again")
            raise WeatherError(f"{form.name}: {message}", where=f"{self._path}: line 1", remedy=remedy) from error
        self._rows, self._names = translated.rows, translated.names

    def _readable(self, reader: csv.DictReader[str]) -> Iterator[dict[str, str]]:
        """The rows that are CSV: a line that is not, such as one of a megabyte, is dropped."""
        while True:
            try:
                yield next(reader)
            except StopIteration:
                return
            except csv.Error:
                if self._strict:
                    raise
                self._tally.add(Treatment.DROPPED, HOUR)

    def _cut_short(self, columns: int, line: int) -> None:
        if self._strict:
            raise WeatherError(
                f"a row of {columns} columns was expected",
                where=f"{self._path}: line {line}",
                remedy="The row is cut short or has extra cells",
            )
        self._tally.add(Treatment.DROPPED, HOUR)

    def _time(self, line: int, row: dict[str, str]) -> float:
        """Seconds since 1970; NaN where it cannot be read."""
        where = f"{self._path}: column {self._names.get(TIME, TIME)}, line {line}"
        text, remedy = f"{row[TIME]!r} is not a time", "Write 2023-12-30T09:00:00Z"
        try:
            time = datetime.fromisoformat(row[TIME].strip())
            if time.tzinfo is not None:
                return time.timestamp()
            text, remedy = f"{row[TIME]!r} has no time zone", "Write UTC with a Z at the end"
        except (ValueError, OverflowError):
            pass
        if self._strict:
            raise WeatherError(text, where=where, remedy=remedy)
        return math.nan

    def _column(self, column: str) -> Array:
        """Numbers of one column, NaN where empty. A written "NaN" is a fault: it hides why there is no value."""
        values = np.full(len(self._rows), np.nan)
        for i, row in enumerate(self._rows):
            text = row[column].strip()
            if not text:
                continue
            try:
                values[i] = float(text)
            except ValueError:
                values[i] = np.nan
            if np.isfinite(values[i]):
                continue
            if self._strict:
                raise WeatherError(
                    f"{text!r} is not a number",
                    where=f"{self._path}: column {self._names.get(column, column)}, line {self._lines[i]}",
                    remedy="Leave the cell empty where nothing was measured",
                )
            values[i] = np.nan
            self._tally.add(Treatment.DROPPED, next((name for name, of in COLUMNS.items() if of == column), column))
        return values


def _encoding(path: Path) -> str:
    """The encoding of the header; UTF-8 where none fits, so that reading says what is wrong."""
    with path.open("rb") as file:
        header = file.readline(HEADER_MAX_BYTES)
    for encoding in ENCODINGS:
        try:
            names = header.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == ENCODINGS[0] or known_format(next(csv.reader([names]), [])) is not None:
            return encoding
    return ENCODINGS[0]


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
