"""Day-ahead prices as ENTSO-E's platform gives them in XML: `Publication_MarketDocument`, document type A44.

A `Period` has an interval, a resolution and points. Where the curve type is A03, a point is left out where its price is
that of the one before (ENTSO-E, implementation guide of the publication document).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.market_time import TimeReader
from supervisor.tariff.rows import Row, Rows, number
from supervisor.tariff.units import price_unit

POINTS_MAX = 1_000_000  # of a file: ten years of quarters have 350,000
_RESOLUTIONS_S = {"PT15M": 900, "PT30M": 1800, "PT60M": 3600, "PT1H": 3600}
_REPEATED = "A03"

Element = ElementTree.Element


def read_a44(text: str, path: str, area: str = "") -> Rows:
    """The prices of a document; of `area` (its EIC code) where it has several.

    Raises TariffError where it is no such document, or answers with a refusal.
    """
    if re.search(r"<!(DOCTYPE|ENTITY)", text):
        raise TariffError("has a document type", where=path, remedy="Save the document as the platform gives it")
    try:
        root = ElementTree.fromstring(text.strip())
    except ElementTree.ParseError as error:
        raise TariffError(f"not XML: {error}", where=path, remedy="Download it again") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != "Publication_MarketDocument":
        said = next((one.text.strip()[:200] for one in root.iter("text") if one.text), root.tag)
        raise TariffError(f"no prices in it: {said}", where=path, remedy="Ask the platform for document type A44")
    series = [one for one in root.iter("TimeSeries") if _text(one, _SEQUENCE) in ("", "1")]
    domains = {_text(one, "in_Domain.mRID") for one in series}
    if area in domains:
        series = [one for one in series if _text(one, "in_Domain.mRID") == area]
    elif len(domains) > 1:
        raise TariffError(
            f"several areas: {', '.join(sorted(domains))[:200]}", where=path, remedy="Name one in tariff.area"
        )
    if not series:
        raise TariffError("no time series in it", where=path, remedy="Ask the platform for document type A44")
    return _rows(series, path)


_SEQUENCE = "classificationSequence_AttributeInstanceComponent.position"


def _rows(series: list[Element], path: str) -> Rows:
    units = {f"{_text(one, 'currency_Unit.name')}/{_text(one, 'price_Measure_Unit.name')}" for one in series}
    unit = price_unit(next(iter(units)))
    if len(units) > 1 or unit is None:
        raise TariffError(
            f"prices in {', '.join(sorted(units))[:80]}", where=path, remedy="Give one currency per MWh or kWh"
        )
    rows = Rows(unit.currency, place=": point ")
    seen: set[float] = set()  # of two series for one time the first counts
    last = 0
    for one in series:
        mine: set[float] = set()
        for period in one.iter("Period"):
            first, last = last, last + 1 + sum(1 for _ in period.iter("Point"))
            for place, utc_s, price in _points(period, _text(one, "curveType") == _REPEATED, first, rows.wrong):
                if utc_s not in seen:
                    rows.known.append(Row(place, utc_s, price * unit.factor))
                    mine.add(utc_s)
        seen |= mine
    rows.known.sort(key=lambda row: row.utc_s)
    return rows


def _points(period: Element, repeated: bool, place: int, wrong: dict[int, str]) -> Iterator[tuple[int, float, float]]:
    """(place, UTC, price) for every quarter of an hour of a period; what is unusable is put into `wrong`."""
    place += 1
    try:
        step_s = _RESOLUTIONS_S[_text(period, "resolution")]
        start = TimeReader(None).utc_s(_text(period, "timeInterval/start"))
        end = TimeReader(None).utc_s(_text(period, "timeInterval/end"))
    except (KeyError, ValueError, OverflowError) as error:
        wrong[place] = f"a period cannot be read: {error}"[:200]
        return
    steps = int((end - start) // step_s)
    if not 0 < steps <= POINTS_MAX:
        wrong[place] = "a period without an end after its start"
        return
    given: dict[int, tuple[int, float]] = {}  # by position
    for point in period.iter("Point"):
        place += 1
        try:
            position = int(_text(point, "position"))
            if not 1 <= position <= steps:
                raise ValueError(f"position {position} is outside 1…{steps}")
            given[position] = (place, number(_text(point, "price.amount")))
        except ValueError as error:
            wrong[place] = str(error)[:200]
    held: tuple[int, float] | None = None
    for position in range(1, steps + 1):
        held = given.get(position, held if repeated else None)
        if held is not None:
            for quarter in range(step_s // SLOT_S):
                yield held[0], start + (position - 1) * step_s + quarter * SLOT_S, held[1]


def _text(element: Element, path: str) -> str:
    """Text at a path, whose names may have dots; "" where there is none."""
    here: Element | None = element
    for name in path.split("/"):
        here = next((child for child in here if child.tag == name), None) if here is not None else None
    return (here.text or "").strip() if here is not None else ""
