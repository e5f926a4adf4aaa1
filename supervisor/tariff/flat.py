"""One price for all hours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supervisor.domain.plan import SLOT_S
from supervisor.tariff.bands import require_price
from supervisor.tariff.kind import Array, TariffKind, TariffSettings


@dataclass(frozen=True)
class FlatTariff:
    """One price for all hours [currency/kWh]. Raises TariffError where it is not a number."""

    price_per_kwh: float
    currency: str = "KRW"

    def __post_init__(self) -> None:
        require_price(self.price_per_kwh, "tariff.flat")

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        return np.full(n_slots, self.price_per_kwh)


class FlatSettings(TariffSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kind "flat"."""

    flat: float  # per kWh


KIND = TariffKind(
    name="flat",
    key="flat",
    settings=FlatSettings,
    load=lambda settings, _: FlatTariff(settings.flat, settings.currency),
)
