"""What the readers of price files hand over: prices by time, and what could not be used."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple


class Row(NamedTuple):
    """One price and its beginning."""

    place: int  # in the file
    utc_s: float
    price_per_kwh: float


@dataclass
class Rows:
    """The rows of a file in its order; `wrong` says by place what is unusable."""

    currency: str
    known: list[Row] = field(default_factory=list)
    wrong: dict[int, str] = field(default_factory=dict)
    place: str = ":"  # between the file's name and a place


def number(text: str) -> float:
    """A price with a point or a comma before its decimals; raises ValueError."""
    plain = text.strip().replace("\u00a0", "").replace("\u202f", "").replace("\u2212", "-")
    comma, point = plain.rfind(","), plain.rfind(".")
    if comma > point:
        plain = plain.replace(".", "").replace(",", ".")
    elif comma >= 0:
        plain = plain.replace(",", "")
    price = float(plain)
    if not math.isfinite(price):
        raise ValueError("price is not a number")
    return price
