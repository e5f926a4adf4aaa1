"""The peaks of a supply that its bill needs: of the month, and of the earlier months that are still billed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Zone
from supervisor.energy.tables import KW_PER_WH, Record
from supervisor.tariff.billing.bill import Peak
from supervisor.tariff.demand import Month

Period = tuple[date, date]  # first day, day after the last one


@dataclass(frozen=True)
class Supply:
    """One feeder's part of a record. `counts[i]` tells whether a peak in slot i sets the base charge."""

    record: Record
    zones: tuple[Zone, ...]
    timezone: ZoneInfo
    counts: npt.NDArray[np.bool_]

    def rows(self) -> npt.NDArray[np.int64]:
        """Energy of its zones [Wh], shape (zones, slots)."""
        index = {zone: n for n, zone in enumerate(self.record.zones)}
        return self.record.wh[[index[zone.id] for zone in self.zones if zone.id in index]]

    def inside(self, period: Period) -> slice:
        """Its slots within local days."""
        slots = self.record.wh.shape[1]
        first, past = (midnight(day, self.timezone) for day in period)
        ends = [(utc_s - self.record.start_utc_s) // SLOT_S for utc_s in (first, past)]
        return slice(*(int(min(max(end, 0), slots)) for end in ends))

    def peak_kw(self, period: Period) -> Decimal | None:
        """Highest mean of 15 min among the slots that count; None without a record."""
        part = self.inside(period)
        wh = np.where(self.counts[part], self.rows()[:, part].sum(axis=0), 0)
        return Decimal(str(round(float(wh.max()) * KW_PER_WH, 3))) if wh.size else None


def find_peak(
    supply: Supply,
    month: Month,
    period_of: Callable[[Month], Period],
    earlier: list[Month],
    billed: Callable[[dict[Month, Decimal]], tuple[Decimal, str]],
) -> Peak:
    """The peak of `month` with its moment and the zones that made it, and what is billed for it."""
    part = supply.inside(period_of(month))
    rows = supply.rows()[:, part]
    total = rows.sum(axis=0)
    counted = np.where(supply.counts[part], total, 0)
    peaks_kw = {one: kw for one in (month, *earlier) if (kw := supply.peak_kw(period_of(one))) is not None}
    billed_kw, of_month = billed(peaks_kw)
    if not counted.size or not counted.max():
        return Peak(own_kw=Decimal(0), observed_kw=_kw(total), billed_kw=billed_kw, of_month=of_month)
    at = int(counted.argmax())
    names = [zone.id for zone in supply.zones if zone.id in supply.record.zones]
    made = {name: _kw(rows[n, at : at + 1]) for n, name in enumerate(names) if rows[n, at]}
    return Peak(
        own_kw=_kw(counted), observed_kw=_kw(total), billed_kw=billed_kw, of_month=of_month,
        at_utc_s=supply.record.start_utc_s + (part.start + at) * SLOT_S,
        zones_kw=dict(sorted(made.items(), key=lambda item: -item[1])),
    )  # fmt: skip


def _kw(wh: npt.NDArray[np.int64]) -> Decimal:
    return Decimal(str(round(float(wh.max()) * KW_PER_WH, 3))) if wh.size else Decimal(0)


def midnight(day: date, timezone: ZoneInfo) -> int:
    """The UTC second at which a local day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=timezone).timestamp())


def month_before(month: Month, count: int) -> Month:
    """The month `count` months earlier."""
    number = month[0] * 12 + month[1] - 1 - count
    return number // 12, number % 12 + 1
