"""One complete series of prices out of whatever was read: a price for every quarter of an hour, and where it is from.

| label | the price of that quarter |
|---|---|
| read | as the source gives it |
| filled | missing between two that were read: that of the same time a day before, else a day after, else the last one |
| held | before the first or after the last one read: that of the same time on the first or last day |
| bounded | read, but more than 50 times the source's own median (and 20 times its upper quartile): as if missing |

`prices` never raises: planning must not depend on a price.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from supervisor.domain.plan import SLOT_S
from supervisor.domain.treatment import Tally, Treatment

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

DAY = 86_400 // SLOT_S
# Day-ahead auctions stop at 40 to 50 times a usual price (4,000 of 80–100 €/MWh); more is a misplaced decimal point.
OUTLIER = 50.0
# On a windy weekend the median is next to nothing, and an ordinary evening is many times it.
OUTLIER_QUARTILE = 20.0
STEP_MAX_S = 3600  # the longest time for which exchanges give one price; a longer distance is a gap
SPAN_MAX_S = 20 * 366 * 86_400  # rows further than that from the middle one have a wrong year


class Label(IntEnum):
    """Where a price is from."""

    READ = 0
    FILLED = 1
    HELD = 2
    BOUNDED = 3


TREATMENT = MappingProxyType(
    {
        Label.READ: Treatment.USED,
        Label.FILLED: Treatment.ESTIMATED,
        Label.HELD: Treatment.ESTIMATED,
        Label.BOUNDED: Treatment.DROPPED,
    }
)


@dataclass(frozen=True)
class Charges:
    """What comes on top of the source's prices: (price + `adder_per_kwh`) × `factor`."""

    adder_per_kwh: float = 0.0  # grid, taxes and levies
    factor: float = 1.0  # of value added tax


NO_CHARGES = Charges()


@dataclass(frozen=True, eq=False)
class PriceSeries:
    """Prices by quarter of an hour from `start_utc_s` on, without a hole, and for all other times too."""

    start_utc_s: float
    price_per_kwh: Array
    labels: Labels
    currency: str
    charges: Charges = NO_CHARGES
    dropped_rows: int = 0  # of the source, that could not be read
    _days: tuple[Array, Array] = field(init=False, repr=False, compare=False)  # first and last, by UTC quarter

    def __post_init__(self) -> None:
        first = int(self.start_utc_s // SLOT_S) % DAY
        days = []
        for part, begin in ((self.price_per_kwh[:DAY], first), (self.price_per_kwh[-DAY:], None)):
            offset = first + self.price_per_kwh.size - part.size if begin is None else begin
            day = np.full(DAY, float(np.median(part)))
            day[(offset + np.arange(part.size)) % DAY] = part
            days.append(day)
        object.__setattr__(self, "_days", tuple(days))

    @property
    def end_utc_s(self) -> float:
        """End of the last price."""
        return self.start_utc_s + SLOT_S * self.price_per_kwh.size

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        """Price of the slots that start at `start_utc_s` [currency/kWh], shape (n_slots,), for any time."""
        utc = start_utc_s + slot_s * np.arange(n_slots)
        index = np.floor((utc - self.start_utc_s) / SLOT_S).astype(np.int64)
        quarter = np.floor(utc / SLOT_S).astype(np.int64) % DAY
        inside = self.price_per_kwh[np.clip(index, 0, self.price_per_kwh.size - 1)]
        before, after = index < 0, index >= self.price_per_kwh.size
        found = np.where(before, self._days[0][quarter], np.where(after, self._days[1][quarter], inside))
        return np.asarray((found + self.charges.adder_per_kwh) * self.charges.factor)

    def labels_of(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Labels:
        """Where the prices of those slots are from."""
        index = np.floor((start_utc_s + slot_s * np.arange(n_slots) - self.start_utc_s) / SLOT_S).astype(np.int64)
        inside = (index >= 0) & (index < self.labels.size)
        return np.where(inside, self.labels[np.clip(index, 0, self.labels.size - 1)], Label.HELD).astype(np.int8)

    def tally(self, start_utc_s: float, n_slots: int) -> Tally:
        """What those slots are made of."""
        found = Tally()
        for label, count in Counter(self.labels_of(start_utc_s, n_slots).tolist()).items():
            found.add(TREATMENT[Label(label)], Label(label).name.lower(), count)
        found.add(Treatment.DROPPED, "row", self.dropped_rows)
        return found

    def counts(self) -> dict[str, int]:
        """How many quarters of the source are read, filled and bounded."""
        found = Counter(self.labels.tolist())
        return {label.name.lower(): found[label] for label in Label if found[label]}


def complete(
    time_utc_s: Array, price_per_kwh: Array, currency: str, charges: Charges = NO_CHARGES, dropped_rows: int = 0
) -> PriceSeries:
    """The series of prices that begin at `time_utc_s` (n,), in any order; of two for one time the later row counts.

    Times are multiples of 15 min within `SPAN_MAX_S`, prices finite; n ≥ 1. Each price holds until the next one, at
    most for the step of its neighbours.
    """
    order = np.argsort(time_utc_s, kind="stable")
    times, prices = time_utc_s[order], price_per_kwh[order]
    newest = np.append(times[1:] != times[:-1], True)
    times, prices = times[newest], prices[newest]
    steps = _steps_s(times)
    start = float(times[0])
    n = round((float(times[-1]) + float(steps[-1]) - start) / SLOT_S)
    series = np.full(n, np.nan)
    labels = np.full(n, Label.FILLED, dtype=np.int8)
    outliers = _outliers(prices)
    for time, step, price, outlier in zip(
        times.tolist(), steps.tolist(), prices.tolist(), outliers.tolist(), strict=True
    ):
        at = round((time - start) / SLOT_S)
        whole = slice(at, at + round(step / SLOT_S))
        labels[whole] = Label.BOUNDED if outlier else Label.READ
        series[whole] = np.nan if outlier else price
    return PriceSeries(start, _filled(series), labels, currency, charges, dropped_rows)


def _steps_s(times: Array) -> Array:
    """For how long each price holds, (n,): until the next, but no longer than either neighbouring step, nor an hour."""
    if times.size == 1:
        return np.array([float(STEP_MAX_S)])
    gaps = np.diff(times)
    before = np.concatenate((gaps[:1], gaps[:-1]))
    after = np.concatenate((gaps[1:], gaps[-1:]))
    if gaps.size > 1:
        before[0], after[-1] = after[0], before[-1]
    held = np.minimum(np.minimum(gaps, np.maximum(before, after)), STEP_MAX_S)
    return np.append(held, held[-1])


def _outliers(prices: Array) -> npt.NDArray[np.bool_]:
    size = np.abs(prices)
    if not (size > 0.0).any():
        return np.zeros(prices.size, dtype=bool)
    usual, upper = np.quantile(size, (0.5, 0.75))
    if usual == 0.0:  # most hours cost nothing: take the others
        usual, upper = np.quantile(size[size > 0.0], (0.5, 0.75))
    result: npt.NDArray[np.bool_] = size > max(OUTLIER * usual, OUTLIER_QUARTILE * upper)
    return result


def _filled(series: Array) -> Array:
    """Without NaN."""
    result = series.copy()
    for i in np.flatnonzero(np.isnan(series)).tolist():
        if i >= DAY and not np.isnan(result[i - DAY]):
            result[i] = result[i - DAY]  # also one that was filled: days on end are missing
        elif i + DAY < series.size and not np.isnan(series[i + DAY]):
            result[i] = series[i + DAY]
        elif i > 0 and not np.isnan(result[i - 1]):
            result[i] = result[i - 1]
    if np.isnan(result).any():
        known = result[~np.isnan(result)]
        result[np.isnan(result)] = known[0] if known.size else 0.0
    return result
