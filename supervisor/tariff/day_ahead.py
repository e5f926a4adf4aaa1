"""Day-ahead prices from a CSV file.

A file is read as far as it can be: unusable rows are left out and named, the rest becomes a complete series
(`price_series`). For bills and checks use `read_prices`, which refuses a file with anything wrong; for planning use
`read_usable`.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.kind import Array, FileSettings, TariffKind
from supervisor.tariff.price_series import DAY, SPAN_MAX_S, Label, PriceSeries, complete

FILE_MAX_BYTES = 16 * 1024 * 1024  # ten years of quarters have 12 MB
_COLUMN = re.compile(r"price_([A-Za-z]{3})_per_(kwh|mwh)")
_SCALE = {"mwh": 1e-3, "kwh": 1.0}  # to currency per kWh
_REMEDY = "Give time_utc_start (ISO 8601, Z) and price_<currency>_per_mwh or _per_kwh, one row a step, none missing"


@dataclass(frozen=True, eq=False)
class SpotTariff:
    """Prices of a file as they stand in it.

    Day-ahead prices are known for a day at most: past their end the price of the same hour one day before is taken,
    for two days. For times beyond that, planning uses `PriceSeries`.
    """

    series: PriceSeries
    where: str = "tariff"

    @property
    def currency(self) -> str:
        return self.series.currency

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        """Raises TariffError for a time before the first price, or more than two days after the last one."""
        last = start_utc_s + slot_s * (n_slots - 1)
        early, late = start_utc_s < self.series.start_utc_s, last >= self.series.end_utc_s + 2 * DAY * SLOT_S
        if n_slots and (early or late):
            at = start_utc_s if early else last
            raise TariffError(
                f"no price for {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%MZ}",
                where=self.where,
                remedy="Bring the file up to date",
            )
        return self.series.prices(start_utc_s, n_slots, slot_s)


def read_prices(path: Path, adder_per_kwh: float = 0.0) -> SpotTariff:
    """Prices of a CSV file; raises TariffError naming file and line for a gap, an overlap or an unusable value."""
    series, problems = read_usable(path, adder_per_kwh)
    if problems:
        raise problems[0]
    return SpotTariff(series, str(path))


def read_usable(path: Path, adder_per_kwh: float = 0.0) -> tuple[PriceSeries, tuple[TariffError, ...]]:
    """All prices that a CSV file holds as a whole series, and what is wrong with it, in the file's order.

    Raises TariffError, and nothing else, where it holds none.
    """
    try:
        return _read(path, adder_per_kwh)
    except TariffError:
        raise
    except OSError as error:
        raise TariffError(
            f"cannot be read: {error.strerror or error}", where=str(path), remedy="Check tariff.file"
        ) from error
    except Exception as error:  # not text, not CSV, or an unexpected error
        raise TariffError(
            f"not a price table ({type(error).__name__}: {str(error)[:200]})", where=str(path), remedy=_REMEDY
        ) from error


def _read(path: Path, adder_per_kwh: float) -> tuple[PriceSeries, tuple[TariffError, ...]]:
    if path.stat().st_size > FILE_MAX_BYTES:
        raise TariffError(f"over {FILE_MAX_BYTES} bytes", where=str(path), remedy="Keep the last months in it")
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as handle:
        rows = csv.DictReader(handle)
        names = list(rows.fieldnames or [])
        found = next((match for name in names if (match := _COLUMN.fullmatch(name))), None)
        if found is None or "time_utc_start" not in names:
            raise TariffError(_why_no_table(names), where=f"{path}:1", remedy=_REMEDY)
        known: list[tuple[int, float, float]] = []
        wrong: dict[int, str] = {}  # by line
        for row in rows:
            try:
                time = _time(row["time_utc_start"])
                known.append((rows.line_num, time, _price(row[found.group(0)]) * _SCALE[found.group(2)]))
            except (ValueError, TypeError, AttributeError, OverflowError) as error:
                wrong[rows.line_num] = str(error)[:200]
    known = _within_span(known, wrong)
    if not known:
        line = min(wrong, default=1)
        raise TariffError(wrong.get(line, "not a price table: no rows"), where=f"{path}:{line}", remedy=_REMEDY)
    if len(known) == 1:
        wrong.setdefault(known[0][0] + 1, "only one price can be read")
    times = np.array([time for _, time, _ in known])
    series = complete(times, np.array([price for _, _, price in known]), found.group(1).upper(), adder_per_kwh)
    _name_order(known, wrong)
    _name_labels(series, known, wrong)
    return series, tuple(TariffError(wrong[line], where=f"{path}:{line}", remedy=_REMEDY) for line in sorted(wrong))


def _why_no_table(names: list[str]) -> str:
    """What is wrong with the first line, for common exports."""
    if any(";" in name for name in names):
        return "separated by semicolons: save it with commas between cells and points in numbers"
    odd = next((name for name in names if name.startswith("price_")), None)
    if odd is not None and "time_utc_start" in names:
        return f"column {odd[:40]!r} names no currency of three letters and no MWh or kWh"
    return "not a price table"


def _time(text: str) -> float:
    """UTC of an ISO time; one without an offset is UTC. Raises ValueError."""
    time = datetime.fromisoformat(text.strip())
    utc_s = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    if utc_s % SLOT_S:
        raise ValueError(f"{text} is not on a quarter of an hour")
    return utc_s


def _price(text: str) -> float:
    price = float(text)
    if not math.isfinite(price):
        raise ValueError("price is not a number")
    return price


def _within_span(known: list[tuple[int, float, float]], wrong: dict[int, str]) -> list[tuple[int, float, float]]:
    """Without rows of another century: a series over them would fill the memory."""
    if not known:
        return known
    middle = sorted(time for _, time, _ in known)[len(known) // 2]
    for line, time, _ in known:
        if abs(time - middle) > SPAN_MAX_S / 2:
            wrong[line] = "its time is years away from that of the other rows"
    return [row for row in known if row[0] not in wrong]


def _name_order(known: list[tuple[int, float, float]], wrong: dict[int, str]) -> None:
    """Name each row whose time does not come after the row before it."""
    before = -math.inf
    for line, time, _ in known:
        if time <= before:
            wrong[line] = f"overlap at {_text(time)}"
        before = max(before, time)


def _name_labels(series: PriceSeries, known: list[tuple[int, float, float]], wrong: dict[int, str]) -> None:
    """Name rows after a gap, and those whose price is out of all proportion."""
    slot_of = {round((time - series.start_utc_s) / SLOT_S): (line, price) for line, time, price in known}
    for slot, (line, price) in slot_of.items():
        if line in wrong:
            continue
        if series.labels[slot] == Label.BOUNDED:
            wrong[line] = f"a price of {price:g} per kWh is more than 50 times the median of this file"
        elif slot > 0 and series.labels[slot - 1] == Label.FILLED:
            wrong[line] = f"gap before {_text(series.start_utc_s + SLOT_S * slot)}"


def _text(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%MZ")


class DayAheadSettings(FileSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kind "day-ahead"."""


KIND = TariffKind(
    name="day-ahead",
    key="file",
    suffix=".csv",
    settings=DayAheadSettings,
    load=lambda settings, district: read_prices(district.resolve(settings.file)),
    load_usable=lambda settings, district: read_usable(district.resolve(settings.file)),
)
