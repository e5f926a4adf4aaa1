"""Energy and its cost of some hours, such as a shift."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from supervisor.config import Config
from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.energy.record import read_record
from supervisor.energy.tables import prices
from supervisor.tariff.configured import billing_tariff


class Used(Struct, frozen=True):
    """Energy charge only: the base charge is of a month."""

    wh: int = 0
    cost: float | None = None  # null: no price is known
    currency: str = ""


def used_between(config: Config, db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> Used:
    """Of the quarters of an hour that begin in [from, to)."""
    first, past = (-(-at // SLOT_S) * SLOT_S for at in (from_utc_s, to_utc_s))
    if past <= first:
        return Used()
    record = read_record(db, first, past)
    wh = record.wh.sum(axis=0)
    try:
        tariff = billing_tariff(config)
        price = prices(record, tariff)
    except TariffError:
        return Used(int(wh.sum()))
    return Used(int(wh.sum()), float(wh @ price) / 1000, tariff.currency)
