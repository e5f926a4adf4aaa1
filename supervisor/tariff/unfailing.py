"""Prices for the planner when another tariff fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.kind import Array, PeakRule, Tariff

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class UnfailingTariff:
    """Another tariff, without its failures: planning never stops for a price.

    Where it raises, all slots cost `usual_per_kwh`; where it has no number for some, those cost what is usual for the
    others. Prices below zero stay.
    """

    tariff: Tariff
    usual_per_kwh: float

    @property
    def currency(self) -> str:
        return self.tariff.currency

    def counts_peak(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> npt.NDArray[np.bool_]:
        """As the tariff says; where it fails, every peak is billed."""
        try:
            if isinstance(self.tariff, PeakRule):
                counts = np.asarray(self.tariff.counts_peak(start_utc_s, n_slots, slot_s), dtype=bool)
                if counts.shape == (n_slots,):
                    return counts
        except Exception as error:
            logger.error("which peaks are billed is not known, planning as if all were: %s", error)
        return np.ones(n_slots, dtype=bool)

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        try:
            price = np.array(self.tariff.prices(start_utc_s, n_slots, slot_s), dtype=np.float64)
            if price.shape != (n_slots,):
                raise TariffError(f"{price.shape} prices for {n_slots} slots", where="tariff")
        except Exception as error:
            logger.error("no prices, planning all hours at one price: %s", error or type(error).__name__)
            return np.full(n_slots, self.usual_per_kwh)
        known = np.isfinite(price)
        usual = float(np.median(price[known])) if known.any() else self.usual_per_kwh
        return np.where(known, price, usual)
