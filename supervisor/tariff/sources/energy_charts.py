"""Energy-Charts of Fraunhofer ISE: bidding zones of Europe, in EUR/MWh.

`GET https://api.energy-charts.info/price?bzn=DE-LU&start=2025-10-01&end=2025-10-02` answers with two lists of one
length, `unix_seconds` and `price` (null where there is none), and `unit`. `end` is the last day.
"""

from __future__ import annotations

from datetime import date, timedelta

from supervisor.tariff.kind import Query
from supervisor.tariff.rows import Rows
from supervisor.tariff.sources.source import PriceSource, items, rows_from, unreadable
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
        factor, pairs = unit.factor, list(zip(answer["unix_seconds"], answer["price"], strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(URL, error) from error
    return rows_from(
        unit.currency, pairs, lambda pair: None if pair[1] is None else (float(pair[0]), float(pair[1]) * factor)
    )


SOURCE = PriceSource(
    name="energy-charts",
    currencies=("EUR",),
    ask=_ask,
    read=_read,
    licence="CC BY 4.0 for DE-LU (Bundesnetzagentur | SMARD.de); other zones for private and internal use",
)
