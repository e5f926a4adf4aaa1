"""Surcharge for drawing more than the contract (초과사용부가금): article 67-3 (3) and (4) of KEPCO's supply terms.

It is of the month's highest mean of 15 min in all hours, light ones too, and not of the billed power. What is above
the contract is charged by a multiple of the base rate that rises with the excess. The first month above it within
three years is announced only.

Sources: the article as quoted in the public repository "kwise" (tiers, light hours, notice); press of 2011-11-29
(etnews, asiae) and Jeju Maeil on the rule for low voltage: 250 % of the base rate where the meter shows the peak.
KEPCO's own text could not be checked, so the rule can be replaced in city.toml.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from supervisor.domain.errors import TariffError
from supervisor.tariff.billing.bill import Row
from supervisor.tariff.billing.rounding import cut, nearest
from supervisor.tariff.demand import Month

NOTICE_MONTHS: Final = 36  # within which an earlier month above the contract has been the announcement
Tiers = tuple[tuple[float, float], ...]  # (excess as a part of the contract, times the base rate), rising
TIERS: Final[Tiers] = ((0.0, 1.5), (0.2, 2.0), (0.3, 2.5), (0.4, 3.0), (0.5, 3.5), (0.6, 4.0))
_TIERS_MAX, _TIMES_MAX = 20, 100.0


class ExcessUse(Struct, frozen=True, forbid_unknown_fields=True):
    """Key `excess` of the kind "kepco"."""

    # by-record: the first month of the record above the contract is announced only
    charge: Literal["by-record", "always", "never"] = "by-record"
    # none given: those above, for supplies that are billed by their peak; the others have another rule
    tiers: Tiers | None = None

    def problem(self) -> str:
        """What is impossible in it, or nothing."""
        if self.tiers is None:
            return ""
        froms = [part for part, _ in self.tiers]
        if not 1 <= len(self.tiers) <= _TIERS_MAX or froms[0] != 0 or froms != sorted(set(froms)):
            return f"tiers are 1 to {_TIERS_MAX} pairs, the first from 0, rising"
        if any(not (part < 10 and 0 <= times <= _TIMES_MAX) for part, times in self.tiers):
            return f"a tier begins below 10 and is 0 to {_TIMES_MAX:g} times the base rate"
        return ""


class Over(Struct, frozen=True):
    """A month's highest load above the contract of that day, in whole kW."""

    month: Month
    peak_kw: Decimal
    contract_kw: Decimal

    @property
    def kw(self) -> Decimal:
        return self.peak_kw - self.contract_kw


def worst(month: Month, loads: Iterable[tuple[Decimal, Decimal]]) -> Over | None:
    """The largest excess among (peak kW, contract kW) of a month's parts; None where no part has any."""
    found = [Over(month, nearest(peak), contract) for peak, contract in loads]
    over = max(found, key=lambda one: one.kw, default=None)
    return over if over is not None and over.kw > 0 else None


def times(over: Over, tiers: Tiers) -> Decimal:
    """How many times the base rate is charged."""
    part = over.kw / over.contract_kw if over.contract_kw else Decimal("Infinity")
    return Decimal(str(next(times for start, times in reversed(tiers) if part >= Decimal(str(start)))))


def surcharge(
    over: Over, earlier: Over | None, use: ExcessUse, metered_peak: bool, won_per_kw: Decimal
) -> tuple[tuple[Row, ...], str]:
    """The row of a month above its contract, or none; and the sentence for under the bill.

    `earlier` is the last month before it that was above the contract, within NOTICE_MONTHS.
    """
    drawn = f"drew {over.peak_kw:f} kW, {over.kw.normalize():f} kW above the contract"
    tiers = use.tiers if use.tiers is not None else TIERS if metered_peak else None
    if use.charge == "never":
        return (), f"{drawn}; no surcharge by tariff.excess"
    if tiers is None:
        return (), f"{drawn}; the surcharge of supplies billed by contract is not in the bill (tariff.excess)"
    if use.charge == "by-record" and earlier is None:
        return (), f"{drawn}; the first month above it in the record: announced, not charged (article 67-3)"
    rate = won_per_kw * times(over, tiers)
    row = Row(code="excess", amount=cut(over.kw * rate), quantity=over.kw, unit="kW", rate=rate)
    since = (
        "" if earlier is None else f", announced with the bill of {earlier.month[0]}-{earlier.month[1]:02d} or before"
    )
    return (row,), f"{drawn}: {times(over, tiers):f} times the base rate (article 67-3){since}"


def checked(use: ExcessUse) -> ExcessUse:
    """`use`, or TariffError with what is wrong in it."""
    if problem := use.problem():
        raise TariffError(
            problem, where="tariff.excess", remedy="See docs/configuration.md, or leave it out for KEPCO's rule"
        )
    return use
