"""What the module of a price service declares: how it is asked, and how its answer becomes rows."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.kind import Query
from supervisor.tariff.rows import Row, Rows


@dataclass(frozen=True)
class PriceSource:
    """One service.

    `ask` makes the request for the market's days from the first up to but not including the second, `days_max` of them
    at most. `read` turns an answer into the prices of an area in one of `currencies`; it raises TariffError.
    """

    name: str
    currencies: tuple[str, ...]  # that it gives
    ask: Callable[[str, date, date], Query]
    read: Callable[[bytes, str, str], Rows]  # body, area, currency
    licence: str  # of its data, with whom to name
    days_max: int = 7


def items(body: bytes, where: str) -> Any:
    """The JSON of an answer; raises TariffError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise unreadable(where, error) from error


def rows_from(currency: str, found: Iterable[Any], read: Callable[[Any], tuple[float, float] | None]) -> Rows:
    """The rows of an answer's items; `read` gives beginning [UTC s] and price per kWh, None for no price yet.

    An item that `read` cannot read, or whose values are impossible, costs no other.
    """
    rows = Rows(currency)
    for place, item in enumerate(found, 1):
        try:
            pair = read(item)
            if pair is None:
                continue
            utc_s, price = pair
            if utc_s % SLOT_S or not math.isfinite(price):
                raise ValueError(f"{utc_s:g} s, {price:g} per kWh")
            rows.known.append(Row(place, utc_s, price))
        except (KeyError, IndexError, TypeError, ValueError, OverflowError, AttributeError) as error:
            rows.wrong[place] = f"{type(error).__name__}: {str(error)[:100]}"
    return rows


def unreadable(where: str, error: Exception) -> TariffError:
    what = f"{type(error).__name__}: {str(error)[:100]}"
    return TariffError(
        f"the answer holds no prices ({what})", where=where, remedy="The last prices are kept; it is asked again"
    )
