"""What a kWh costs, slot by slot: flat, time of use (season, day, holiday), or day-ahead prices from a file.

A tariff that does not say exactly one price for a moment is refused with the moment in question: a plan made on a
guessed price would look optimal and not be.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.planner.bands import DAYS, Band, BandLike, price_table, require_price
from supervisor.planner.spot import SpotTariff, read_prices

logger = logging.getLogger(__name__)

Array = npt.NDArray[np.float64]

JSON_MAX_BYTES = 1024 * 1024  # a tariff for every month and day has some 20 KB


class Tariff(Protocol):
    """Prices of energy; `currency` is a code such as KRW."""

    @property
    def currency(self) -> str: ...

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        """Price of the slots that start at `start_utc_s` [currency/kWh], shape (n_slots,)."""
        ...


class Demand(Struct, frozen=True, forbid_unknown_fields=True):
    """How the base charge is found from the peaks.

    `price_per_kw` [currency per kW and billing month]; the billed peak is never below `ratchet` times the highest
    peak of the last `window_months` (KEPCO: the winter and summer peak of the last 12 months, ratchet 1).
    """

    price_per_kw: float = 0.0
    ratchet: float = 0.0
    window_months: int = 12

    def floor_kw(self, month_peak_kw: float, earlier_peaks_kw: Sequence[float] = ()) -> float:
        """The peak that is billed anyway [kW]: raising the load up to it costs nothing more.

        `earlier_peaks_kw` are the peaks of earlier months, newest last.
        """
        earlier = max(earlier_peaks_kw[-self.window_months :], default=0.0)
        return max(month_peak_kw, self.ratchet * earlier)


@dataclass(frozen=True)
class FlatTariff:
    """One price for ever."""

    price_per_kwh: float
    currency: str = "KRW"

    def __post_init__(self) -> None:
        require_price(self.price_per_kwh, "tariff.flat")

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        return np.full(n_slots, self.price_per_kwh)


@dataclass(frozen=True)
class BandTariff:
    """Time of use in local time. Raises TariffError where bands leave a gap or overlap."""

    bands: tuple[BandLike, ...]
    timezone: str
    currency: str = "KRW"
    holidays: frozenset[date] = frozenset()
    where: str = "tariff"
    _table: Array = field(init=False, repr=False, compare=False, default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "_table", price_table(self.bands, self.where))

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        zone = ZoneInfo(self.timezone)
        out = np.empty(n_slots)
        for i in range(n_slots):
            local = datetime.fromtimestamp(start_utc_s + i * slot_s, zone)
            kind = len(DAYS) if local.date() in self.holidays else local.weekday()
            out[i] = self._table[local.month - 1, kind, local.hour * 4 + local.minute // 15]
        return out


@dataclass(frozen=True)
class UnfailingTariff:
    """Another tariff, without its failures: no plan waits for a price.

    Where it raises, all slots cost `usual_per_kwh`; where it has no number for some, those cost what is usual for the
    others. Prices below zero stay.
    """

    tariff: Tariff
    usual_per_kwh: float

    @property
    def currency(self) -> str:
        return self.tariff.currency

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        try:
            price = np.array(self.tariff.prices(start_utc_s, n_slots, slot_s), dtype=np.float64)
            if price.shape != (n_slots,):
                raise TariffError(f"{price.shape} prices for {n_slots} slots", where="tariff")
        except Exception as error:
            logger.error("no prices, all hours are planned at one: %s", error or type(error).__name__)
            return np.full(n_slots, self.usual_per_kwh)
        known = np.isfinite(price)
        usual = float(np.median(price[known])) if known.any() else self.usual_per_kwh
        return np.where(known, price, usual)


class TariffFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON form of a time-of-use tariff."""

    currency: str
    bands: tuple[Band, ...]
    timezone: str | None = None  # default: the site's
    holidays: tuple[date, ...] = ()
    demand: Demand = Demand()
    note: str = ""


def read_tariff(path: Path, timezone: str, holidays: Iterable[date] = ()) -> Tariff:
    """A tariff from a file: `.csv` with day-ahead prices, `.json` in the form of `TariffFile`.

    `timezone` is used where the file names none; `holidays` are added to the file's. Raises TariffError naming file,
    place and remedy for anything that is wrong with it.
    """
    return read_prices(path) if path.suffix == ".csv" else read_bands(path, timezone, holidays)


def read_bands(path: Path, timezone: str, holidays: Iterable[date] = ()) -> BandTariff:
    """A time-of-use tariff from JSON; raises TariffError, and nothing else."""
    try:
        if path.stat().st_size > JSON_MAX_BYTES:
            raise TariffError(f"over {JSON_MAX_BYTES} bytes", where=str(path), remedy="A tariff has some dozen bands")
        table = msgspec.json.decode(path.read_bytes(), type=TariffFile)
        zone = table.timezone or timezone
        ZoneInfo(zone)
    except TariffError:
        raise
    except OSError as error:
        raise TariffError(f"cannot be read: {error.strerror}", where=str(path), remedy="Check tariff.file") from error
    except Exception as error:  # no JSON, too deep, numbers of hundreds of digits, an unknown time zone
        raise TariffError(
            str(error)[:300] or type(error).__name__,
            where=str(path),
            remedy="See docs/planner.md for the form of the file",
        ) from error
    return BandTariff(
        table.bands, zone, table.currency, frozenset(table.holidays) | frozenset(holidays), where=str(path)
    )


def make_tariff(
    currency: str,
    timezone: str,
    *,
    flat: float | None = None,
    bands: Iterable[BandLike] = (),
    file: Path | None = None,
    holidays: Iterable[date] = (),
) -> Tariff:
    """The tariff of a configuration: exactly one of `flat`, `bands`, `file`; raises TariffError otherwise."""
    bands = tuple(bands)
    given = [name for name, there in (("flat", flat is not None), ("band", bands), ("file", file)) if there]
    if len(given) != 1:
        said = " and ".join(given) or "none"
        raise TariffError(
            f"one of flat, band or file is needed, found {said}", where="tariff", remedy="Keep exactly one"
        )
    if file is not None:
        return read_tariff(file, timezone, holidays)
    if flat is not None:
        return FlatTariff(flat, currency)
    return BandTariff(bands, timezone, currency, frozenset(holidays))


__all__ = [
    "Band",
    "BandTariff",
    "Demand",
    "FlatTariff",
    "SpotTariff",
    "Tariff",
    "TariffFile",
    "make_tariff",
    "read_tariff",
]
