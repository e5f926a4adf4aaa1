"""Day-ahead prices from a CSV file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S

Array = npt.NDArray[np.float64]

_COLUMN_SCALE = {"per_mwh": 1e-3, "per_kwh": 1.0}  # to currency per kWh
_REMEDY = "Give time_utc_start (ISO 8601, Z) and price_<currency>_per_mwh or _per_kwh, one row a step, none missing"


@dataclass(frozen=True)
class SpotTariff:
    """Prices that change each `step_s`; `adder_per_kwh` is what grid and taxes put on top.

    Day-ahead prices are known for a day at most: past their end the price of the same hour one day before is taken.
    """

    start_utc_s: float
    step_s: int
    price_per_kwh: Array
    currency: str
    adder_per_kwh: float = 0.0
    where: str = "tariff"

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        """Raises TariffError for a time before the first price, or more than two days after the last one."""
        index = (start_utc_s + slot_s * np.arange(n_slots) - self.start_utc_s) // self.step_s
        n, day = self.price_per_kwh.size, 86_400 // self.step_s
        if index.size and (index[0] < 0 or index[-1] >= n + 2 * day):
            at = start_utc_s if index[0] < 0 else start_utc_s + slot_s * (n_slots - 1)
            raise TariffError(
                f"no price for {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%MZ}",
                where=self.where,
                remedy="Bring the file up to date",
            )
        beyond = np.maximum(0, np.ceil((index - (n - 1)) / day)) * day
        wrapped = np.maximum(index - beyond, 0).astype(np.int64)
        return np.asarray(self.price_per_kwh[wrapped] + self.adder_per_kwh)


def read_prices(path: Path, adder_per_kwh: float = 0.0) -> SpotTariff:
    """Prices of a CSV file; raises TariffError naming file and line for a gap, an overlap or a value that is none."""
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as error:
        raise TariffError(f"cannot be read: {error.strerror}", where=str(path), remedy="Check tariff.file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TariffError(f"not a CSV file: {error}", where=str(path), remedy=_REMEDY) from error
    columns = list(rows[0]) if rows else []
    column = next((name for name in columns if name.startswith("price_") and name[-7:] in _COLUMN_SCALE), None)
    if column is None or "time_utc_start" not in columns or len(rows) < 2:
        raise TariffError("not a price table", where=str(path), remedy=_REMEDY)
    times, prices = np.empty(len(rows)), np.empty(len(rows))
    for i, row in enumerate(rows):
        try:
            times[i] = datetime.fromisoformat(row["time_utc_start"]).replace(tzinfo=UTC).timestamp()
            prices[i] = float(row[column])
        except (ValueError, TypeError) as error:
            raise TariffError(str(error), where=f"{path}:{i + 2}", remedy=_REMEDY) from error
    _check_steps(times, prices, path)
    return SpotTariff(
        start_utc_s=float(times[0]),
        step_s=int(times[1] - times[0]),
        price_per_kwh=prices * _COLUMN_SCALE[column[-7:]],
        currency=column.split("_")[1].upper(),
        adder_per_kwh=adder_per_kwh,
        where=str(path),
    )


def _check_steps(times: Array, prices: Array, path: Path) -> None:
    steps = np.diff(times)
    wrong = np.flatnonzero(steps != steps[0])
    if steps[0] <= 0 or steps[0] % SLOT_S or 86_400 % steps[0]:
        wrong = np.zeros(1, dtype=np.int64)
    if wrong.size:
        i = int(wrong[0])
        kind = "gap before" if steps[i] > steps[0] else "overlap at"
        at = datetime.fromtimestamp(times[i + 1], UTC)
        raise TariffError(f"{kind} {at:%Y-%m-%dT%H:%MZ}", where=f"{path}:{i + 3}", remedy=_REMEDY)
    bad = np.flatnonzero(~np.isfinite(prices))
    if bad.size:
        raise TariffError("price is not a number", where=f"{path}:{int(bad[0]) + 2}", remedy=_REMEDY)
