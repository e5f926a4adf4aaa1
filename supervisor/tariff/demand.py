"""The base charge: which peak of 15 min is billed, and for how much.

KEPCO's supply terms, art. 68: the highest peak of the month itself and of those of December to February and July to
September that are among it and the eleven months before, and at least 30 % of the contract; peaks of off-peak hours do
not count (`Band.counts_peak`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

MONTHS_MAX = 36  # of a ratchet

Month = tuple[int, int]  # year, month


class Demand(Struct, frozen=True, forbid_unknown_fields=True):
    """How the base charge is found from the peaks; the default has none."""

    price_per_kw: float = 0.0  # currency per kW and billing month, of feeders that give none of their own
    ratchet: float = 0.0  # part of an earlier peak that is billed in later months
    window_months: int = 12  # in which an earlier peak counts; includes the month itself
    months: tuple[int, ...] = ()  # whose peaks count later; none given: all
    least_of_contract: float = 0.0  # part of the contracted power that is billed at least

    def earlier(self, month: Month) -> Iterator[Month]:
        """The months whose peaks are billed in `month`, besides its own, newest first."""
        year, number = month
        for _ in range(self.window_months - 1 if self.ratchet else 0):
            year, number = (year, number - 1) if number > 1 else (year - 1, 12)
            if not self.months or number in self.months:
                yield year, number

    def floor_kw(self, month: Month, peaks_kw: Mapping[Month, float], contract_kw: float = 0.0) -> float:
        """What is billed in `month` whatever its own peak [kW]: raising the load up to it costs nothing more."""
        before = max((peaks_kw.get(one, 0.0) for one in self.earlier(month)), default=0.0)
        return max(self.ratchet * before, self.least_of_contract * contract_kw)

    def billed_kw(self, month: Month, peaks_kw: Mapping[Month, float], contract_kw: float = 0.0) -> float:
        """The peak that is billed in `month` [kW]."""
        return max(peaks_kw.get(month, 0.0), self.floor_kw(month, peaks_kw, contract_kw))

    def problem(self) -> str:
        """What is impossible in it, or nothing."""
        if not (0.0 <= self.price_per_kw <= 1e9):
            return "price_per_kw is outside 0…1e9"
        if not (0.0 <= self.ratchet <= 1.0 and 0.0 <= self.least_of_contract <= 1.0):
            return "ratchet and least_of_contract are parts from 0 to 1"
        if not 1 <= self.window_months <= MONTHS_MAX:
            return f"window_months is outside 1…{MONTHS_MAX}"
        if any(not 1 <= month <= 12 for month in self.months):
            return "months are 1 to 12"
        return ""
