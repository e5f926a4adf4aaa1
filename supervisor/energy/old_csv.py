"""Energy of an older system from its CSV: rows by the interval in which the energy was drawn, and what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from supervisor.domain.errors import CommandError
from supervisor.domain.plan import SLOT_S
from supervisor.store.meter import RATED_PERCENT

WH: Final = {"Wh": 1.0, "kWh": 1000.0, "MWh": 1_000_000.0}
ROWS_MAX: Final = 5_000_000  # hours of a hundred zones over five years; the rows of a file are in memory at once
ROUNDING: Final = 1.0  # of the file's figure, in its last watt-hour


class Form(Struct, frozen=True, kw_only=True):
    """How the file is to be read."""

    time: str  # name of the column
    energy: str  # name of the column
    zone_column: str = ""  # "": all rows are of `zone`
    zone: str = ""
    zones: Mapping[str, str] = {}  # name in the file → id in city.toml
    unit: str = "kWh"
    interval_s: int = 3600
    stamped_at_end: bool = False
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8-sig"
    time_format: str = ""  # of strptime; "": ISO 8601


class Bad(Struct, frozen=True):
    """A line that cannot be taken, and why."""

    number: int
    why: str


class Found(Struct):
    """What a file holds."""

    rows: int
    energy_wh: dict[tuple[str, int], int]  # (zone, start of the quarter [UTC s]) → energy
    repeated: int  # rows that say again what another said
    bad: list[Bad]


def read(path: Path, form: Form, timezone: ZoneInfo, rated_w: Mapping[str, float], now_utc_s: float) -> Found:
    """The file's rows. `rated_w`: the zones of city.toml, and the most that each can draw.

    Raises CommandError where it cannot be read as such a file at all.
    """
    reader = _Reader(form, timezone, rated_w, now_utc_s)
    try:
        with path.open(encoding=form.encoding, newline="") as file:
            rows = csv.reader(file, delimiter=form.delimiter)
            columns = _columns(next(rows, []), form, path)
            for cells in rows:
                reader.take(rows.line_num, cells, columns)
    except LookupError:
        raise CommandError("unknown encoding", where=f"--encoding {form.encoding}", remedy="Such as cp949") from None
    except UnicodeDecodeError as error:
        remedy = "Give its --encoding: cp949 for files of Korean Excel"
        raise CommandError(f"not {form.encoding} text (byte {error.start})", where=str(path), remedy=remedy) from None
    except (OSError, csv.Error) as error:
        raise CommandError(f"cannot be read: {error}", where=str(path), remedy="Give a CSV file") from error
    return reader.found


def _columns(header: list[str], form: Form, path: Path) -> dict[str, int]:
    names = [name.strip() for name in header]
    wanted = [form.time, form.energy, *([form.zone_column] if form.zone_column else [])]
    for name in wanted:
        if names.count(name) != 1:
            what = "no column" if name not in names else "more than one column"
            has = ", ".join(name for name in names if name) or "nothing"
            raise CommandError(f"{what} {name!r}", where=f"{path}, line 1", remedy=f"Its columns are: {has}")
    return {name: names.index(name) for name in wanted}


class _Reader:
    """Takes the rows of one file."""

    def __init__(self, form: Form, timezone: ZoneInfo, rated_w: Mapping[str, float], now_utc_s: float) -> None:
        self._form, self._timezone, self._rated_w, self._now_utc_s = form, timezone, rated_w, now_utc_s
        self._lines: dict[tuple[str, int], tuple[int, int]] = {}  # interval → line, energy
        self.found = Found(0, {}, 0, [])

    def take(self, number: int, cells: list[str], columns: Mapping[str, int]) -> None:
        """One row; empty ones count for nothing."""
        if not any(cell.strip() for cell in cells):
            return
        self.found.rows += 1
        if self.found.rows > ROWS_MAX:
            raise CommandError(f"more than {ROWS_MAX:,} rows", where="the file", remedy="Import it in parts")
        try:
            cell = {name: cells[at].strip() for name, at in columns.items()}
        except IndexError:
            self._refuse(number, f"has {len(cells)} columns only")
            return
        try:
            self._keep(number, cell)
        except ValueError as error:
            self._refuse(number, str(error))

    def _keep(self, number: int, cell: Mapping[str, str]) -> None:
        """Raises ValueError with what is wrong."""
        form = self._form
        zone = self._zone(cell[form.zone_column]) if form.zone_column else form.zone
        energy_wh = self._energy_wh(cell[form.energy], zone)
        text = cell[form.time]
        starts = list(self._starts(text))
        for start_utc_s in starts:
            held = self._lines.get((zone, start_utc_s))
            if held is None:
                if start_utc_s + form.interval_s > self._now_utc_s:
                    raise ValueError(f"{text}: in the future")
                self._lines[zone, start_utc_s] = number, energy_wh
                self._spread(zone, start_utc_s, energy_wh)
                return
        line, other_wh = self._lines[zone, starts[-1]]
        if other_wh != energy_wh:
            raise ValueError(f"{zone} at {text} is in line {line} too, with {other_wh / 1000:g} kWh")
        self.found.repeated += 1

    def _zone(self, name: str) -> str:
        zone = self._form.zones.get(name, name)
        if zone not in self._rated_w:
            raise ValueError(f"zone {name!r} is not in city.toml")
        return zone

    def _energy_wh(self, text: str, zone: str) -> int:
        thousands = "," if self._form.decimal == "." else "."
        plain = text.replace(" ", "").replace(thousands, "").replace(self._form.decimal, ".")
        try:
            energy_wh = float(plain) * WH[self._form.unit]
        except ValueError:
            raise ValueError(f"energy {text!r} is not a number") from None
        most_wh = self._rated_w[zone] * self._form.interval_s / 3600 * RATED_PERCENT / 100
        if not 0 <= energy_wh <= most_wh + ROUNDING:
            raise ValueError(
                f"{text} {self._form.unit} is outside 0 to {most_wh / 1000:g} kWh, all that {zone} can draw"
            )
        return round(energy_wh)

    def _starts(self, text: str) -> Iterator[int]:
        """When the interval may have begun [UTC s]: of a local time that exists twice both, in order."""
        local, days = _moment(text, self._form.time_format)
        back_s = self._form.interval_s if self._form.stamped_at_end else 0
        if local.tzinfo is not None:
            moments = [local]
        else:
            moments = [local.replace(tzinfo=self._timezone, fold=fold) for fold in (0, 1)]
            if moments[0].utcoffset() == moments[1].utcoffset():
                moments.pop()
            elif moments[0].astimezone(UTC).astimezone(self._timezone).replace(tzinfo=None) != local:
                raise ValueError(f"{text} does not exist in {self._timezone.key}: summer time begins then")
        for moment in moments:
            start_utc_s = int(moment.timestamp()) + 86_400 * days - back_s
            if start_utc_s % min(self._form.interval_s, 3600):
                raise ValueError(f"{text} does not begin an interval of {self._form.interval_s // 60} min")
            yield start_utc_s

    def _spread(self, zone: str, start_utc_s: int, energy_wh: int) -> None:
        """Evenly over the interval's quarters of an hour, to the watt-hour."""
        quarters = self._form.interval_s // SLOT_S
        for n in range(quarters):
            part = energy_wh * (n + 1) // quarters - energy_wh * n // quarters
            self.found.energy_wh[zone, start_utc_s + n * SLOT_S] = part

    def _refuse(self, number: int, why: str) -> None:
        self.found.bad.append(Bad(number, why))


def _moment(text: str, time_format: str) -> tuple[datetime, int]:
    """A time as written, and the days to add: 24:00 is the next day's midnight. Raises ValueError."""
    plain, days = text, 0
    if not time_format:
        plain = text.replace("/", "-").replace(".", "-", 2) if text[4:5] in "/." else text
        date, _, clock = plain.replace("T", " ").partition(" ")
        if clock.startswith("24:00"):
            plain, days = f"{date} 00:00", 1
    try:
        if not time_format:
            return datetime.fromisoformat(plain), days
        return datetime.strptime(plain, time_format), 0  # noqa: DTZ007 (the caller knows the time zone)
    except ValueError:
        raise ValueError(f"time {text!r} is not like {time_format or '2021-01-06 13:00'}") from None
