"""The form that all answers of KMA's village forecast service have: a header with a code, and items."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from supervisor.domain.errors import WeatherError
from supervisor.domain.treatment import Tally, Treatment
from supervisor.weather.providers.answers import load_json, refuse_message

KEY_ENV = "KMA_SERVICE_KEY"
KST = timezone(timedelta(hours=9))


def items_of(body: bytes, source: str) -> list[dict[str, str]]:
    """The items of a data.go.kr answer; raises WeatherError with the service's own code and message."""
    if body.lstrip()[:1] == b"<":
        text = body.decode("utf-8", "replace")
        found = re.search(r"<(?:returnAuthMsg|resultMsg|errMsg)>([^<]*)<", text)
        reason = found.group(1) if found else "an XML page"
        raise WeatherError(f"service answers {reason}", where=source, remedy=f"Check the key in {KEY_ENV}")
    answer = load_json(body, source)
    refuse_message(answer, source, KEY_ENV)
    try:
        header = answer["response"]["header"]
        if header["resultCode"] != "00":
            text = f"service answers {header['resultCode']} {header.get('resultMsg', '')}"
            remedy = f"03 = not out yet; 22 = quota; 30 = the key in {KEY_ENV}"
            raise WeatherError(text, where=source, remedy=remedy)
        items = answer["response"]["body"]["items"]["item"]
    except (KeyError, TypeError) as error:
        raise WeatherError(f"{type(error).__name__}: {error}", where=source, remedy="The format has changed") from error
    if not isinstance(items, list) or not items:
        raise WeatherError("no items", where=source, remedy="The forecast may not be out yet")
    return items


def table_of(
    items: Sequence[dict[str, str]], source: str, value: str, tally: Tally, *, own_time: bool
) -> tuple[dict[float, dict[str, str]], float]:
    """`value` by time [UTC s] and category, and the time of issue. Items that cannot be read are counted in `tally`.

    `own_time`: every item must have a time of its own; else one without has that of the issue. Raises WeatherError
    where none can be read.
    """
    table: dict[float, dict[str, str]] = {}
    issued = math.nan
    for item in items:
        try:
            time = base = place_time(item["baseDate"], item["baseTime"])
            if own_time or "fcstDate" in item:
                time = place_time(item["fcstDate"], item["fcstTime"])
            table.setdefault(time, {})[item["category"]] = str(item[value])
        except (KeyError, TypeError, ValueError):
            tally.add(Treatment.DROPPED, "item")
            continue
        issued = base if math.isnan(issued) else issued
    if math.isnan(issued):
        raise WeatherError("no item can be read", where=source, remedy="The format has changed")
    return table, issued


def place_time(date: str, clock: str) -> float:
    """UTC seconds of a date and a clock time in Korea; raises ValueError or TypeError."""
    return datetime.strptime(date + clock, "%Y%m%d%H%M").replace(tzinfo=KST).timestamp()
