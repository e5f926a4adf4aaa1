"""How amounts on a bill are cut and rounded. Exact: decimals only."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

Amount = Decimal


def cut(amount: Decimal, unit: Decimal | int = 1) -> Decimal:
    """`amount` without what is below `unit`, towards zero: 1,416.8 becomes 1,416, and −59.9 becomes −59."""
    return (amount / Decimal(unit)).to_integral_value(ROUND_DOWN) * Decimal(unit)


def nearest(amount: Decimal, unit: Decimal | int = 1) -> Decimal:
    """`amount` to the nearest `unit`, half of it away from zero."""
    return (amount / Decimal(unit)).to_integral_value(ROUND_HALF_UP) * Decimal(unit)


def split_by_days(whole: int, days: Sequence[int]) -> list[int]:
    """Share out a meter's whole kWh over parts of a period in proportion to their days, again in whole kWh.

    Each boundary is rounded to the nearest, so that the parts always add up. Raises ValueError without a day.
    """
    total, parts, before, passed = sum(days), [], 0, 0
    if total <= 0 or min(days) < 0:
        raise ValueError("a period has at least a day")
    for count in days:
        passed += count
        reached = int(nearest(Decimal(whole) * passed / total))
        parts.append(reached - before)
        before = reached
    return parts
