"""Elpriset just nu: the Swedish zones SE1 to SE4, in SEK and EUR per kWh without tax.

`GET https://www.elprisetjustnu.se/api/v1/prices/2025/09-13_SE3.json` answers with a list of one day:
`{"SEK_per_kWh": …, "EUR_per_kWh": …, "EXR": …, "time_start": "2025-09-13T00:00:00+02:00", "time_end": …}`; 404 until
the day's prices are known, about 13:00 the day before.
"""

from __future__ import annotations

from datetime import date

from supervisor.tariff.kind import Query
from supervisor.tariff.market_time import TimeReader
from supervisor.tariff.rows import Rows
from supervisor.tariff.sources.source import PriceSource, items, rows_from, unreadable

URL = "https://www.elprisetjustnu.se/api/v1/prices"


def _ask(area: str, first: date, past: date) -> Query:
    return f"{URL}/{first:%Y/%m-%d}_{area}.json", {}


def _read(body: bytes, area: str, currency: str) -> Rows:
    answer = items(body, URL)
    if not isinstance(answer, list):
        raise unreadable(URL, TypeError("no list"))
    times = TimeReader(None)
    return rows_from(
        currency, answer, lambda item: (times.utc_s(item["time_start"]), float(item[f"{currency}_per_kWh"]))
    )


SOURCE = PriceSource(
    name="elprisetjustnu",
    currencies=("SEK", "EUR"),
    ask=_ask,
    read=_read,
    licence="free of charge; name elprisetjustnu.se where prices are shown",
    days_max=1,
)
