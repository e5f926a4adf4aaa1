"""Energi Data Service of Energinet: DK1, DK2 and their neighbours, in DKK and EUR per MWh.

`GET https://api.energidataservice.dk/dataset/DayAheadPrices?start=2025-10-01T00:00&end=2025-10-03T00:00&filter=…`
answers with `{"records": [{"TimeUTC": "2025-10-01T22:00:00", "PriceArea": "DK1", "DayAheadPriceEUR": …,
"DayAheadPriceDKK": …}, …]}`. Times of the query are Danish; `limit=0` lifts the limit of 100 records.
"""

from __future__ import annotations

import json
from datetime import UTC, date
from typing import Any

from supervisor.tariff.kind import Query
from supervisor.tariff.market_time import TimeReader
from supervisor.tariff.rows import Rows
from supervisor.tariff.sources.source import PriceSource, items, rows_from, unreadable

URL = "https://api.energidataservice.dk/dataset/DayAheadPrices"


def _ask(area: str, first: date, past: date) -> Query:
    return URL, {
        "start": f"{first}T00:00",
        "end": f"{past}T00:00",
        "filter": json.dumps({"PriceArea": [area]}),
        "sort": "TimeUTC asc",
        "limit": "0",
    }


def _read(body: bytes, area: str, currency: str) -> Rows:
    answer = items(body, URL)
    records = answer.get("records") if isinstance(answer, dict) else None
    if not isinstance(records, list):
        raise unreadable(URL, TypeError("no records"))
    times = TimeReader(UTC)

    def read(item: Any) -> tuple[float, float] | None:
        price = item[f"DayAheadPrice{currency}"]
        if item["PriceArea"] != area or price is None:
            return None
        return times.utc_s(item["TimeUTC"]), float(price) / 1000.0

    return rows_from(currency, records, read)


SOURCE = PriceSource(
    name="energi-data-service",
    currencies=("DKK", "EUR"),
    ask=_ask,
    read=_read,
    licence="free of charge; name Energinet where prices are shown",
)
