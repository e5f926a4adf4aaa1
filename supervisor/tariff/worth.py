"""What an ice-free hour is worth against the price of energy: as configured, else by the tariff's own level.

No price, and no mistake in one, decides whether roads are heated: where the tariff's money is not that of city.toml, or
there is no price above zero, amounts of city.toml cannot be compared with it and do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supervisor.domain.plan import SLOT_S
from supervisor.tariff.kind import Tariff

# An ice-free hour of 100 m² is worth 8,000 won where a kWh costs 125 (decision 73): two hours of full heat. The winter
# weeks of KEPCO's industrial (B) have a mean of 125 to 128 won.
KWH_PER_ICE_FREE_HOUR = 64.0
# The dearest base charges are some 70 kWh per kW and month (KEPCO: 8,230 won at 125). More is an amount in another
# currency or by the year, and would leave roads cold: plans count no more than this.
DEMAND_MAX_KWH = 150.0
_AROUND_S = 7 * 86_400  # before and after now: every day of the week once or twice


@dataclass(frozen=True)
class Worth:
    """Amounts in the tariff's money."""

    per_ice_free_hour: float  # per 100 m² at priority 2
    per_kwh: float  # usual price, above zero
    demand_counts: bool  # whether base charges of city.toml are in the same money

    def demand(self, price_per_kw: float) -> float:
        """A base charge as far as plans count it [per kW and month]."""
        most = DEMAND_MAX_KWH * max(self.per_kwh, self.per_ice_free_hour / KWH_PER_ICE_FREE_HOUR)
        return min(price_per_kw, most) if self.demand_counts else 0.0


def usual_per_kwh(tariff: Tariff, now_utc_s: float) -> float:
    """Mean price of the two weeks around now, negative ones as zero; 0 where the tariff knows none."""
    start = now_utc_s - now_utc_s % SLOT_S - _AROUND_S
    try:
        prices = np.asarray(tariff.prices(start, 2 * _AROUND_S // SLOT_S), dtype=np.float64)
    except Exception:  # a tariff that fails is no reason for no plan: `UnfailingTariff` says it in the log
        return 0.0
    known = prices[np.isfinite(prices)]
    return float(np.maximum(known, 0.0).mean()) if known.size else 0.0


def worth_of(tariff: Tariff, now_utc_s: float, currency: str, configured: float | None) -> Worth:
    """The worth of heat under a tariff; `currency` and `configured` are those of city.toml."""
    usual, same = usual_per_kwh(tariff, now_utc_s), tariff.currency == currency
    if configured is not None and same:
        return Worth(configured, usual or configured / KWH_PER_ICE_FREE_HOUR, True)
    if usual > 0.0:
        return Worth(KWH_PER_ICE_FREE_HOUR * usual, usual, same)
    return Worth(KWH_PER_ICE_FREE_HOUR, 1.0, False)
