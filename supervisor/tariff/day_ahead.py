"""Day-ahead prices from a file: a CSV table (`price_csv`) or ENTSO-E's XML (`a44`).

A file is read as far as it can be: unusable rows are left out and named, the rest becomes a complete series
(`price_series`). For bills and checks use `read_prices`, which refuses a file with anything wrong; for planning use
`read_usable`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.a44 import read_a44
from supervisor.tariff.kind import Array, FileSettings, TariffKind
from supervisor.tariff.price_csv import REMEDY, decode, read_csv
from supervisor.tariff.price_series import DAY, NO_CHARGES, SPAN_MAX_S, Charges, Label, PriceSeries, complete
from supervisor.tariff.rows import Rows

FILE_MAX_BYTES = 16 * 1024 * 1024  # ten years of quarters have 12 MB


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
        """Raises TariffError for a time before the first price, without one, or over two days after the last one."""
        last = start_utc_s + slot_s * (n_slots - 1)
        early, late = start_utc_s < self.series.start_utc_s, last >= self.series.end_utc_s + 2 * DAY * SLOT_S
        if n_slots and (early or late):
            at = start_utc_s if early else last
            raise TariffError(
                f"no price for {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%MZ}",
                where=self.where,
                remedy="Bring the file up to date",
            )
        labels = self.series.labels_of(start_utc_s, n_slots, slot_s)
        unknown = np.flatnonzero((labels == Label.FILLED) | (labels == Label.BOUNDED))
        if unknown.size:
            raise TariffError(
                f"no usable price for {_text(start_utc_s + slot_s * int(unknown[0]))}",
                where=self.where,
                remedy="Add it to the file",
            )
        return self.series.prices(start_utc_s, n_slots, slot_s)


@dataclass(frozen=True)
class Reading:
    """How to read a file: the configured currency for ambiguous names, the bidding zone, what comes on top."""

    currency: str = ""
    area: str = ""
    charges: Charges = NO_CHARGES


AS_IT_STANDS = Reading()


def read_prices(path: Path, how: Reading = AS_IT_STANDS) -> SpotTariff:
    """Prices of a file; raises TariffError naming file and line for a gap, an overlap or an unusable value."""
    series, problems = read_usable(path, how)
    if problems:
        raise problems[0]
    return SpotTariff(series, str(path))


def read_usable(path: Path, how: Reading = AS_IT_STANDS) -> tuple[PriceSeries, tuple[TariffError, ...]]:
    """All prices that a file holds as a whole series, and what is wrong with it, in the file's order.

    Raises TariffError, and nothing else, where it holds none.
    """
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise TariffError(f"over {FILE_MAX_BYTES} bytes", where=str(path), remedy="Keep the last months in it")
        return whole(rows_of(path.read_bytes(), str(path), how), str(path), how.charges)
    except TariffError:
        raise
    except OSError as error:
        raise TariffError(
            f"cannot be read: {error.strerror or error}", where=str(path), remedy="Check tariff.file"
        ) from error
    except Exception as error:  # not text, not CSV, or an unexpected error
        raise TariffError(
            f"not a price table ({type(error).__name__}: {str(error)[:200]})", where=str(path), remedy=REMEDY
        ) from error


def rows_of(content: bytes, path: str, how: Reading) -> Rows:
    """The rows of a file of either form; raises TariffError."""
    text = decode(content)
    if text.lstrip()[:5] == "<?xml" or "_MarketDocument" in text[:2000]:
        return read_a44(text, path, how.area)
    return read_csv(text, path, how.currency, how.area)


def whole(rows: Rows, path: str, charges: Charges) -> tuple[PriceSeries, tuple[TariffError, ...]]:
    """The complete series of the rows, and what is wrong with them; raises TariffError where there are none."""
    _drop_distant(rows)
    if not rows.known:
        first = min(rows.wrong, default=1)
        message = rows.wrong.get(first, "not a price table: no rows")
        raise TariffError(message, where=f"{path}{rows.place}{first}", remedy=REMEDY)
    if len(rows.known) == 1:
        rows.wrong.setdefault(rows.known[0].place + 1, "only one price can be read")
    times = np.array([row.utc_s for row in rows.known])
    dropped = len(rows.wrong)
    series = complete(times, np.array([row.price_per_kwh for row in rows.known]), rows.currency, charges, dropped)
    _name_order(rows)
    _name_labels(series, rows)
    errors = (
        TariffError(rows.wrong[place], where=f"{path}{rows.place}{place}", remedy=REMEDY)
        for place in sorted(rows.wrong)
    )
    return series, tuple(errors)


def _drop_distant(rows: Rows) -> None:
    """Drop rows of another century: a series over them would fill the memory."""
    middle = sorted(row.utc_s for row in rows.known)[len(rows.known) // 2] if rows.known else 0.0
    for row in rows.known:
        if abs(row.utc_s - middle) > SPAN_MAX_S / 2:
            rows.wrong[row.place] = "its time is years away from that of the other rows"
    rows.known = [row for row in rows.known if row.place not in rows.wrong]


def _name_order(rows: Rows) -> None:
    """Name each row whose time does not come after the row before it."""
    before = -math.inf
    for row in rows.known:
        if row.utc_s <= before:
            rows.wrong[row.place] = f"overlap at {_text(row.utc_s)}"
        before = max(before, row.utc_s)


def _name_labels(series: PriceSeries, rows: Rows) -> None:
    """Name rows after a gap, and those whose price is out of all proportion."""
    slot_of = {round((row.utc_s - series.start_utc_s) / SLOT_S): row for row in rows.known}
    for slot, row in slot_of.items():
        if row.place in rows.wrong:
            continue
        if series.labels[slot] == Label.BOUNDED:
            rows.wrong[row.place] = (
                f"a price of {row.price_per_kwh:g} per kWh is more than 50 times the median of this file"
            )
        elif slot > 0 and series.labels[slot - 1] == Label.FILLED:
            rows.wrong[row.place] = f"gap before {_text(series.start_utc_s + SLOT_S * slot)}"


def _text(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%MZ")


class DayAheadSettings(FileSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kind "day-ahead"."""

    area: str = ""  # bidding zone, where the file has several
    adder_per_kwh: float = 0.0  # grid, taxes and levies on top of each kWh
    vat: float = 0.0  # part on top of both

    @property
    def reading(self) -> Reading:
        return Reading(self.currency, self.area, Charges(self.adder_per_kwh, 1.0 + self.vat))


KIND = TariffKind(
    name="day-ahead",
    key="file",
    suffixes=(".csv", ".tsv", ".txt", ".xml"),
    settings=DayAheadSettings,
    load=lambda settings, district: read_prices(district.resolve(settings.file), settings.reading),
    load_usable=lambda settings, district: read_usable(district.resolve(settings.file), settings.reading),
)
