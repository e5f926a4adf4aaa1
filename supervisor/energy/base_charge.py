"""The base charge of each feeder and month, by the peak that its tariff bills."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder
from supervisor.tariff.configured import peak_counts
from supervisor.tariff.demand import Demand, Month
from supervisor.tariff.kind import Tariff


@dataclass(frozen=True)
class Load:
    """Load of a feeder [Wh per slot], from a slot on; it may begin months before the period of a report."""

    start_utc_s: int
    wh: npt.NDArray[np.int64]


@dataclass(frozen=True)
class MonthPeak:
    """A feeder's month: its own peak among the hours that count, and what is billed [kW]; the cost without a price."""

    peak_kw: float
    billed_kw: float
    cost: float | None


@dataclass(frozen=True)
class BaseCharge:
    """How base charges are found: the tariff's rule, and which of its hours count."""

    demand: Demand
    tariff: Tariff | None
    timezone: ZoneInfo
    connected: Callable[[Month], float] = lambda _: 1.0  # part of a month with supply, where it is cut on request

    def first_needed_utc_s(self, from_utc_s: int) -> int:
        """The beginning of the earliest month whose peak is billed in the month of a time."""
        earliest = min(self.demand.earlier(self._month(from_utc_s)), default=None)
        if earliest is None:
            return from_utc_s
        return int(datetime(*earliest, 1, tzinfo=self.timezone).timestamp())

    def price_per_kw(self, feeder: Feeder) -> float:
        """Its own, else the tariff's."""
        return feeder.demand_price_per_kw or self.demand.price_per_kw

    def of(self, feeder: Feeder, load: Load, from_utc_s: int) -> float | None:
        """What the months from `from_utc_s` to the end of the load cost [currency]; None without a price."""
        if not self.price_per_kw(feeder):
            return None
        return sum(month.cost or 0.0 for month in self.by_month(feeder, load, from_utc_s).values())

    def by_month(self, feeder: Feeder, load: Load, from_utc_s: int) -> dict[Month, MonthPeak]:
        """The months from `from_utc_s` to the end of the load, oldest first."""
        price = self.price_per_kw(feeder)
        peaks_kw, first = self._peaks_kw(load), self._month(from_utc_s)
        found = {}
        for month in sorted(month for month in peaks_kw if month >= first):
            billed_kw = self.demand.billed_kw(month, peaks_kw, feeder.contract_kw)
            cost = billed_kw * price * self.connected(month) if price else None
            found[month] = MonthPeak(peaks_kw[month], billed_kw, cost)
        return found

    def _peaks_kw(self, load: Load) -> dict[Month, float]:
        """The highest 15-min mean of each month among the hours that count."""
        counts = np.ones(load.wh.size, dtype=bool)
        if self.tariff is not None:
            counts = peak_counts(self.tariff, load.start_utc_s, load.wh.size)
        kw = np.where(counts, load.wh, 0) * (3.6 / SLOT_S)
        peaks: dict[Month, float] = {}
        for month, first, last in self._spans(load):
            peaks[month] = float(kw[first:last].max())
        return peaks

    def _spans(self, load: Load) -> Iterable[tuple[Month, int, int]]:
        start = load.start_utc_s
        end = start + load.wh.size * SLOT_S
        while start < end:
            local = datetime.fromtimestamp(start, self.timezone)
            following = (local.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, fold=0)
            past = min(end, int(following.astimezone(UTC).timestamp()))
            yield (local.year, local.month), (start - load.start_utc_s) // SLOT_S, (past - load.start_utc_s) // SLOT_S
            start = past

    def _month(self, utc_s: int) -> Month:
        local = datetime.fromtimestamp(utc_s, self.timezone)
        return local.year, local.month
