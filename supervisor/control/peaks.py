"""The month's highest 15-min mean of each feeder, stored so that a restart does not lose it."""

from __future__ import annotations

import logging

import msgspec

from supervisor.control.meter import FeederMeter
from supervisor.store.journal import ValueRepository

logger = logging.getLogger(__name__)

PEAKS = "peaks"  # + month


class KeptPeaks:
    """Loads and records the peaks of a meter."""

    def __init__(self, meter: FeederMeter, values: ValueRepository) -> None:
        self.meter = meter
        self._values = values
        self._unkept = False

    async def load(self, now_utc_s: float) -> None:
        """Load the month's peaks; damaged ones are left out and logged."""
        self.meter.roll(now_utc_s)
        kept = await self._values.get(f"{PEAKS}.{self.meter.month}")
        if kept is not None:
            try:
                self.meter.take_up(kept)
            except ValueError as error:
                logger.warning("the month's peaks count from now on: %s", error)

    async def keep(self, now_utc_s: float) -> None:
        """Record the month's peaks once one has risen; after a StoreError the next call tries again."""
        self._unkept |= self.meter.roll(now_utc_s)
        if self._unkept:
            peaks = msgspec.json.encode(self.meter.peaks_kw).decode()
            await self._values.set(f"{PEAKS}.{self.meter.month}", peaks)
            self._unkept = False
