"""The month's highest 15-min mean of each feeder, stored so that a restart does not lose it."""

from __future__ import annotations

import logging

import msgspec

from supervisor.control.meter import FeederMeter, month_of, stored_peaks
from supervisor.store.journal import ValueRepository
from supervisor.tariff.demand import Demand

logger = logging.getLogger(__name__)

PEAKS = "peaks"  # + month


class KeptPeaks:
    """Loads and records the peaks of a meter."""

    def __init__(self, meter: FeederMeter, values: ValueRepository) -> None:
        self.meter = meter
        self._values = values
        self._unkept = False
        self._earlier_of: tuple[str, Demand] | None = None  # whose earlier peaks are loaded

    async def load(self, now_utc_s: float) -> None:
        """Load the peaks of the month and of those that are billed in it; damaged ones are left out and logged."""
        self.meter.roll(now_utc_s)
        kept = await self._values.get(f"{PEAKS}.{self.meter.month}")
        if kept is not None:
            try:
                self.meter.take_up(kept)
            except ValueError as error:
                logger.warning("the month's peaks count from now on: %s", error)
        await self._load_earlier()

    async def _load_earlier(self) -> None:
        found = {}
        for year, month in self.meter.demand.earlier(month_of(self.meter.month)):
            kept = await self._values.get(f"{PEAKS}.{year:04d}-{month:02d}")
            try:
                found[year, month] = stored_peaks(kept) if kept is not None else {}
            except ValueError as error:
                logger.warning("the peaks of %d-%02d do not count: %s", year, month, error)
        self.meter.earlier_kw = found
        self._earlier_of = self.meter.month, self.meter.demand

    async def keep(self, now_utc_s: float) -> None:
        """Record the month's peaks once one has risen; after a StoreError the next call tries again."""
        self._unkept |= self.meter.roll(now_utc_s)
        if self._unkept:
            peaks = msgspec.json.encode(self.meter.peaks_kw).decode()
            await self._values.set(f"{PEAKS}.{self.meter.month}", peaks)
            self._unkept = False
        if self._earlier_of != (self.meter.month, self.meter.demand):
            await self._load_earlier()
