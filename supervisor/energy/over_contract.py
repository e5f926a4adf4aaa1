"""Months in which a supply drew more than its contract, from the record: KEPCO charges that from the second on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from supervisor.domain.zone import Zone
from supervisor.energy.peaks import Period, Supply, midnight, month_before
from supervisor.energy.record import read_record
from supervisor.energy.tables import KW_PER_WH
from supervisor.store import database
from supervisor.store.place import Place
from supervisor.tariff.demand import Month
from supervisor.tariff.kepco.bill import Terms
from supervisor.tariff.kepco.excess import NOTICE_MONTHS, Over, worst


def over_in(supply: Supply, month: Month, period: Period, agreed: Terms) -> Over | None:
    """The month's highest load above the contract of its day, in all hours; None where there is none."""
    return worst(month, ((kw, agreed.contract_on(day)) for day, kw in _daily_peaks(supply, period)))


def earlier_over(
    place: Place, zones: Sequence[Zone], timezone: ZoneInfo, month: Month, agreed: Terms,
    period_of: Callable[[Month], Period],
) -> Over | None:  # fmt: skip
    """The last month before `month` above the contract, among those within which it has been the announcement."""
    from_utc_s, to_utc_s = (
        midnight(period_of(one)[0], timezone) for one in (month_before(month, NOTICE_MONTHS), month)
    )
    connection = database.connect_read_only(place)
    try:
        record = read_record(connection, from_utc_s, to_utc_s)
    finally:
        connection.close()
    supply = Supply(record, tuple(zones), timezone, np.ones(record.wh.shape[1], dtype=np.bool_))
    months = [month_before(month, count) for count in range(1, NOTICE_MONTHS + 1)]
    found = (over_in(supply, one, period_of(one), agreed) for one in months)
    return next((over for over in found if over is not None), None)


def _daily_peaks(supply: Supply, period: Period) -> Iterator[tuple[date, Decimal]]:
    total = supply.rows().sum(axis=0)
    for ordinal in range(period[0].toordinal(), period[1].toordinal()):
        day = date.fromordinal(ordinal)
        part = supply.inside((day, date.fromordinal(ordinal + 1)))
        if part.stop > part.start:
            yield day, Decimal(str(round(float(total[part].max()) * KW_PER_WH, 3)))
