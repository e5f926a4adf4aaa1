"""A district's published list of heated roads: read whole or not at all.

Korean districts publish 연번, 행정동, 노선명, 기점, 종점, 열선연장(m) (of each lane), 차로수, 설치년도, 설치월, 비고;
the city 관리기관, 설치위치, 설치연장(m). Files are UTF-8 or CP949 (which contains EUC-KR), with line breaks and commas
inside quoted cells, titles above the headings and totals below.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from supervisor.domain.errors import CommandError

HEADINGS: Final = {  # field → headings without units and spaces
    "district": ("행정동", "동명", "읍면동", "관할동"),
    "road": ("노선명", "도로명", "구간명", "설치위치", "설치장소", "위치"),
    "begins": ("기점", "시점", "시작점"),
    "ends": ("종점", "끝점"),
    "cable_m": ("열선연장", "설치연장", "연장", "열선길이"),
    "lanes": ("차로수", "차선수", "차로"),
    "year": ("설치년도", "설치연도", "준공년도", "준공연도"),
    "month": ("설치월", "준공월"),
    "latitude": ("위도",),
    "longitude": ("경도",),
    "note": ("비고",),
}
REQUIRED: Final = ("road", "cable_m")
EXPECTED: Final = ("district", "road", "begins", "ends", "cable_m", "lanes", "year", "month")  # listed where missing
TOTALS: Final = re.compile(r"(총|합|소|누)\s*계|total", re.IGNORECASE)
HEADINGS_WITHIN: Final = 20  # lines
ROWS_MAX: Final = 2_000
TEXT_MAX: Final = 100  # letters of a name
LANES_MAX: Final = 12
CABLE_MAX_M: Final = 20_000.0
_KOREAN: Final = {field: names[0] for field, names in HEADINGS.items()}


@dataclass(frozen=True)
class Road:
    """One row; what it does not say is None or ""."""

    line: int  # of the file, where the row ends
    road: str
    cable_m: float
    district: str = ""
    begins: str = ""
    ends: str = ""
    lanes: int | None = None
    year: int | None = None
    month: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    note: str = ""

    def missing(self) -> list[str]:
        """Headings of what districts publish and this row does not say."""
        return [_KOREAN[field] for field in EXPECTED if getattr(self, field) in (None, "")]


@dataclass(frozen=True)
class District:
    """The whole file."""

    roads: tuple[Road, ...]
    skipped: tuple[str, ...]  # rows that are no roads: line and why


def decode(content: bytes, path: str) -> str:
    """The text. Raises CommandError."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "cp949"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise CommandError("neither UTF-8 nor CP949 (EUC-KR)", where=path, remedy="Save it as CSV, UTF-8")


def read_district(content: bytes, path: str) -> District:
    """Every road of the file. Raises CommandError with all that is wrong (`faults`): then nothing of it is used."""
    rows = list(_rows(decode(content, path), path))
    headings, columns, first = _headings(rows, path)
    faults: list[str] = []
    roads: list[Road] = []
    skipped: list[str] = []
    body = [row for row in rows[first:] if any(row[1])]
    # A comma at the end of every row is a habit of some programs; in a single row it is a cell that fell apart.
    ends_with_comma = len({len(cells) for _, cells in body}) == 1 and not any(
        any(row[len(headings) :]) for _, row in body
    )
    for line, cells in body:
        if any(TOTALS.fullmatch(cell) for cell in cells[:3]):
            skipped.append(f"line {line}: a total")
        elif len(cells) > len(headings) and not ends_with_comma:
            faults.append(
                f"line {line}: {len(cells)} cells under {len(headings)} headings: put a cell with a comma in quotes"
            )
        else:
            road = _road(line, cells, columns, faults)
            roads += [road] if road is not None else []
    if len(roads) > ROWS_MAX:
        faults.append(f"{len(roads)} roads: split the file after {ROWS_MAX}")
    if faults:
        shown = "; ".join(faults[:10]) + (f"; and {len(faults) - 10} more" if len(faults) > 10 else "")
        raise CommandError(shown, where=path, remedy="Correct these rows; nothing was imported")
    if not roads:
        raise CommandError("no road below the headings", where=path, remedy="Give one row for each road")
    return District(tuple(roads), tuple(skipped))


def _rows(text: str, path: str) -> Iterator[tuple[int, list[str]]]:
    """Line and cells; a cell is one line of plain letters."""
    delimiter = max(",;\t", key=lambda one: (text[:4000].count(one), one == ","))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [" ".join(unicodedata.normalize("NFKC", cell).split()) for cell in cells]
    except csv.Error as error:
        raise CommandError(
            f"not CSV from here on: {error}", where=f"{path}:{reader.line_num}",
            remedy="A quote that opens a cell is not closed, or one inside it is not doubled",
        ) from None  # fmt: skip


def _headings(rows: Sequence[tuple[int, list[str]]], path: str) -> tuple[list[str], dict[str, int], int]:
    """The headings, field → column, and the number of the first row below."""
    for number, (_, cells) in enumerate(rows[:HEADINGS_WITHIN]):
        bare = [re.sub(r"\(.*?\)|\s|\[.*?\]|\*", "", cell) for cell in cells]
        found = {
            field: next(bare.index(name) for name in names if name in bare)
            for field, names in HEADINGS.items()
            if any(name in bare for name in names)
        }
        if all(field in found for field in REQUIRED):
            return cells, found, number + 1
    first = rows[0][1] if rows else []
    raise CommandError(
        "no headings with the road and its heated length",
        where=f"{path}:1",
        remedy=f"Give {HEADINGS['road'][0]} (or 설치위치) and 열선연장(m) (or 설치연장). "
        f"The first line has: {', '.join(first)[:200] or 'nothing'}",
    )


def _road(line: int, cells: Sequence[str], columns: dict[str, int], faults: list[str]) -> Road | None:
    """The road of a row, or None and what is wrong among `faults`."""
    before = len(faults)

    def text(field: str) -> str:
        cell = cells[columns[field]] if field in columns and columns[field] < len(cells) else ""
        if len(cell) > TEXT_MAX and field != "note":
            faults.append(f"line {line}: {_KOREAN[field]} has {len(cell)} letters: at most {TEXT_MAX}")
        if any(unicodedata.category(letter) in ("Cc", "Cf") for letter in cell):
            faults.append(f"line {line}: {_KOREAN[field]} has an invisible character")
        return "" if cell in ("-", "–", "미상", "해당없음") else cell[:TEXT_MAX]

    def number(field: str, unit: str, takes: Callable[[float], bool], remedy: str) -> float | None:
        cell = text(field)
        if not cell:
            return None
        found = re.fullmatch(rf"(\d[\d,]*(?:\.\d+)?)\s*(?:{unit})?\.?", cell, re.IGNORECASE)
        value = float(found[1].replace(",", "")) if found else None
        if value is None or not takes(value):
            faults.append(f"line {line}: {_KOREAN[field]} {cell[:40]!r}: {remedy}")
            return None
        return value

    name = text("road")
    if not name:
        faults.append(f"line {line}: {_KOREAN['road']} is empty")
    metres = number("cable_m", "m|미터", lambda m: 0 < m <= CABLE_MAX_M, f"write metres, at most {CABLE_MAX_M:,.0f}")
    if metres is None and len(faults) == before:
        faults.append(f"line {line}: {_KOREAN['cable_m']} is empty")
    whole = float.is_integer
    lanes = number("lanes", "차로|차선|개", lambda n: whole(n) and 1 <= n <= LANES_MAX, f"write 1 to {LANES_MAX}")
    year = number("year", "년|년도", lambda n: whole(n) and 1980 <= n <= 2100, "write a year such as 2019")
    month = number("month", "월", lambda n: whole(n) and 1 <= n <= 12, "write 1 to 12")
    latitude = number("latitude", "°", lambda d: 33 <= d <= 43, "write degrees north in Korea, such as 37.6")
    longitude = number("longitude", "°", lambda d: 124 <= d <= 132, "write degrees east in Korea, such as 127.01")
    if (latitude is None) is not (longitude is None) and len(faults) == before:
        faults.append(f"line {line}: {_KOREAN['latitude']} or {_KOREAN['longitude']} alone: give both, or neither")
    rest = {field: text(field) for field in ("district", "begins", "ends", "note")}
    if len(faults) > before or metres is None:
        return None
    return Road(
        line, name, metres, lanes=None if lanes is None else int(lanes), year=None if year is None else int(year),
        month=None if month is None else int(month), latitude=latitude, longitude=longitude, **rest,
    )  # fmt: skip
