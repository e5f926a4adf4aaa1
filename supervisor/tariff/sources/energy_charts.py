"""Energy-Charts of Fraunhofer ISE: bidding zones of Europe, in EUR/MWh.

`GET https://api.energy-charts.info/price?bzn=DE-LU&start=2025-10-01&end=2025-10-02` answers with two lists of one
length, `unix_seconds` and `price` (null where there is none), and `unit`. `end` is the last day.
"""

from __future__ import annotations

from datetime import date, timedelta

from supervisor.tariff.kind import Query
from supervisor.tariff.rows import Row, Rows
from supervisor.tariff.sources.source import PriceSource, items, unreadable
from supervisor.tariff.units import price_unit

URL = "https://api.energy-charts.info/price"


def _ask(area: str, first: date, past: date) -> Query:
    return URL, {"bzn": area, "start": first.isoformat(), "end": (past - timedelta(days=1)).isoformat()}


def _read(body: bytes, area: str, currency: str) -> Rows:
    answer = items(body, URL)
    try:
        unit = price_unit(str(answer["unit"]))
        if unit is None:
            raise ValueError(f"unit {answer['unit']!r}")
        pairs = list(zip(answer["unix_seconds"], answer["price"], strict=True))
        rows = Rows(unit.currency)
        for place, (utc_s, price) in enumerate(pairs, 1):
            if price is not None:
                rows.known.append(Row(place, float(utc_s), float(price) * unit.factor))
        return rows
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise unreadable(URL, error) from error


SOURCE = PriceSource(
    name="energy-charts",
    currencies=("EUR",),
    ask=_ask,
    read=_read,
    licence="CC BY 4.0 for DE-LU (Bundesnetzagentur | SMARD.de); other zones for private and internal use",
)
