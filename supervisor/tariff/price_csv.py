"""Price tables as text: the project's own form, exports of ENTSO-E's platform and of Nord Pool, and Excel's variants.

Cells are separated by comma, semicolon or tab, decimals by point or comma. The columns are found by their headings, in
one of the first lines.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from supervisor.domain.errors import TariffError
from supervisor.tariff.market_time import TimeReader, heading_zone
from supervisor.tariff.rows import Row, Rows, number
from supervisor.tariff.units import PriceUnit, price_unit

REMEDY = "Give time_utc_start (ISO 8601, Z) and price_<currency>_per_mwh or _per_kwh, one row a step, none missing"
_HEAD_LINES = 20  # in which the headings are
_TIME = re.compile(r"(?:time_utc_start|time|time_start|start|timestamp|datetime|date time)", re.IGNORECASE)
_MARKET_TIME = re.compile(r"(?:MTU|Time|Delivery Start)\b.*", re.IGNORECASE)  # of exports: a missing price is no fault
_NOT_YET = ("", "-", "n/e", "n/a")
_LATER_SEQUENCE = re.compile(r"Sequence [2-9]")  # of ENTSO-E: further auctions for the same time


@dataclass(frozen=True)
class _Columns:
    time: int
    price: int
    unit: PriceUnit
    market: bool
    area: int | None
    sequence: int | None


def decode(content: bytes) -> str:
    """Text of a file in UTF-8, or in UTF-16 as Excel's "Unicode text"."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace")


def read_csv(text: str, path: str, currency: str = "", area: str = "") -> Rows:
    """The prices of a table.

    `currency` decides between currencies that share a name, `area` between bidding zones. Raises TariffError where
    there is no table of prices, or a choice of columns or areas.
    """
    lines = text.splitlines(keepends=True)
    for skipped in range(min(len(lines), _HEAD_LINES)):
        separator = _separator(lines[skipped])
        headings = [name.strip() for name in next(csv.reader([lines[skipped]], delimiter=separator), [])]
        columns = _columns(headings, path, currency, area)
        if columns is not None:
            return _rows(lines, skipped, separator, headings, columns, path, area)
    raise TariffError(_why_no_table(lines[0] if lines else ""), where=f"{path}:1", remedy=REMEDY)


def _separator(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return max(",", ";", "\t", key=lambda one: (bare.count(one), one == ","))


def _columns(headings: list[str], path: str, currency: str, area: str) -> _Columns | None:
    """Where time and price are; None: these are no headings."""
    own = next((i for i, name in enumerate(headings) if _TIME.fullmatch(name)), None)
    market = next((i for i, name in enumerate(headings) if _MARKET_TIME.fullmatch(name)), None)
    time = own if own is not None else market
    if time is None:
        return None
    energy = "" if own is not None else "mwh"
    units = {
        i: unit
        for i, name in enumerate(headings)
        if "intraday" not in name.lower() and (unit := price_unit(name, currency, energy)) is not None
    }
    found = _narrowed(units, headings, currency, area)
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(headings[i][:30] for i in found)
        raise TariffError(f"several columns of prices: {names}", where=f"{path}:1", remedy="Name one in tariff.area")
    lower = [name.lower() for name in headings]
    return _Columns(
        time, found[0], units[found[0]], own is None,
        lower.index("area") if "area" in lower else None, lower.index("sequence") if "sequence" in lower else None,
    )  # fmt: skip


def _narrowed(units: dict[int, PriceUnit], headings: list[str], currency: str, area: str) -> list[int]:
    """The columns that area and currency leave; where they leave none, all."""
    found = list(units)
    token = re.compile(rf"(?<![\w-]){re.escape(area)}(?![\w-])", re.IGNORECASE)
    named = [i for i in found if area and token.search(headings[i])]
    found = named or found
    if len(found) > 1:
        found = [i for i in found if units[i].currency == currency] or found
    return found


def _rows(
    lines: list[str], skipped: int, separator: str, headings: list[str], columns: _Columns, path: str, area: str
) -> Rows:
    rows = Rows(columns.unit.currency)
    times = TimeReader(heading_zone(headings[columns.time]))
    table = csv.reader(lines[skipped + 1 :], delimiter=separator)
    areas: set[str] = set()
    for cells in table:
        line = table.line_num + skipped + 1
        if not cells:
            continue
        try:
            if columns.area is not None:
                here = cells[columns.area].rpartition("|")[2].strip()
                if area and here.lower() != area.lower():
                    continue
                areas.add(here)
            if columns.sequence is not None and _LATER_SEQUENCE.fullmatch(cells[columns.sequence].strip()):
                continue
            text = cells[columns.price]
            if columns.market and text.strip().lower() in _NOT_YET:
                continue
            utc_s = times.utc_s(cells[columns.time])
            rows.known.append(Row(line, utc_s, number(text) * columns.unit.factor))
        except IndexError:
            rows.wrong[line] = f"{len(cells)} cells, and there are {len(headings)} columns"
        except (ValueError, TypeError, OverflowError) as error:
            rows.wrong[line] = str(error)[:200]
    if len(areas) > 1:
        names = ", ".join(sorted(areas))
        raise TariffError(f"several areas: {names[:200]}", where=path, remedy="Name one in tariff.area")
    return rows


def _why_no_table(line: str) -> str:
    """What is wrong with the first line, for common slips."""
    names = [name.strip() for name in re.split(r"[,;\t]", line)]
    odd = next((name for name in names if name.lower().startswith("price")), None)
    if odd is not None and any(_TIME.fullmatch(name) for name in names):
        return f"column {odd[:40]!r} names no currency of three letters and no MWh or kWh"
    return "not a price table"
