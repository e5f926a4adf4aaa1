"""What a kWh costs, slot by slot: flat, time of use (season, day, holiday), or day-ahead prices from a file.

A tariff that does not say exactly one price for a moment is refused with the moment in question: a plan made on a
guessed price would look optimal and not be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.planner.spot import SpotTariff, read_prices

Array = npt.NDArray[np.float64]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "holiday"  # an eighth kind of day; a tariff that never names it treats holidays as Sundays
_QUARTERS = 96


class Tariff(Protocol):
    """Prices of energy; `currency` is a code such as KRW."""

    @property
    def currency(self) -> str: ...

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        """Price of the slots that start at `start_utc_s` [currency/kWh], shape (n_slots,)."""
        ...


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """Hours with one price. `hours` like "22-08" (over midnight) or "09:30-12"; empty means all."""

    name: str
    price_per_kwh: float
    hours: tuple[str, ...] = ()
    months: tuple[int, ...] = ()
    days: tuple[str, ...] = ()


class BandLike(Protocol):
    """A band from elsewhere, such as the configuration's."""

    @property
    def name(self) -> str: ...
    @property
    def price_per_kwh(self) -> float: ...
    @property
    def hours(self) -> tuple[str, ...]: ...
    @property
    def months(self) -> tuple[int, ...]: ...
    @property
    def days(self) -> tuple[str, ...]: ...


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
        _require_price(self.price_per_kwh, "tariff.flat")

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
        object.__setattr__(self, "_table", _price_table(self.bands, self.where))

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        zone = ZoneInfo(self.timezone)
        out = np.empty(n_slots)
        for i in range(n_slots):
            local = datetime.fromtimestamp(start_utc_s + i * slot_s, zone)
            kind = len(DAYS) if local.date() in self.holidays else local.weekday()
            out[i] = self._table[local.month - 1, kind, local.hour * 4 + local.minute // 15]
        return out


class TariffFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON form of a time-of-use tariff."""

    currency: str
    bands: tuple[Band, ...]
    timezone: str | None = None  # default: the site's
    holidays: tuple[date, ...] = ()
    demand: Demand = Demand()
    note: str = ""


def read_tariff(path: Path, timezone: str) -> Tariff:
    """A tariff from a file: `.csv` with day-ahead prices, `.json` in the form of `TariffFile`.

    `timezone` is used where the file names none. Raises TariffError naming file, place and remedy.
    """
    if path.suffix == ".csv":
        return read_prices(path)
    try:
        table = msgspec.json.decode(path.read_bytes(), type=TariffFile)
    except OSError as error:
        raise TariffError(f"cannot be read: {error.strerror}", where=str(path), remedy="Check tariff.file") from error
    except msgspec.MsgspecError as error:
        raise TariffError(str(error), where=str(path), remedy="See docs/planner.md for the form of the file") from error
    try:
        ZoneInfo(table.timezone or timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        name = table.timezone or timezone
        remedy = 'Write an IANA name such as "Asia/Seoul"'
        raise TariffError(f"unknown time zone {name!r}", where=f"{path}: timezone", remedy=remedy) from None
    return BandTariff(
        table.bands, table.timezone or timezone, table.currency, frozenset(table.holidays), where=str(path)
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
        return read_tariff(file, timezone)
    if flat is not None:
        return FlatTariff(flat, currency)
    return BandTariff(bands, timezone, currency, frozenset(holidays))


def _price_table(bands: tuple[BandLike, ...], where: str) -> Array:
    """Price by month, kind of day and quarter of an hour, shape (12, 8, 96) [currency/kWh]."""
    owner = np.full((12, len(DAYS) + 1, _QUARTERS), -1)
    table = np.zeros(owner.shape)
    names_holiday = any(HOLIDAY in band.days for band in bands)
    for index, band in enumerate(bands):
        place = f"{where}.band[{index}] {band.name!r}"
        _require_price(band.price_per_kwh, place)
        mask = np.zeros(owner.shape, dtype=bool)
        mask[np.ix_(_months(band, place), _days(band, place, names_holiday), _quarters(band, place))] = True
        clash = mask & (owner >= 0)
        if clash.any():
            cell = tuple(int(i) for i in np.argwhere(clash)[0])
            raise TariffError(
                f"overlaps band {bands[owner[cell]].name!r} {_cell_name(cell)}",
                where=place,
                remedy="Give every hour of every month and day to one band",
            )
        owner[mask] = index
        table[mask] = band.price_per_kwh
    if (owner < 0).any():
        cell = tuple(int(i) for i in np.argwhere(owner < 0)[0])
        raise TariffError(
            f"no band covers {_cell_name(cell)}",
            where=where,
            remedy="Give every hour of every month and day to one band",
        )
    return table


def _cell_name(cell: tuple[int, ...]) -> str:
    month, day, quarter = cell
    name = (*DAYS, HOLIDAY)[day]
    return f"month {month + 1}, {name}, {quarter // 4:02d}:{quarter % 4 * 15:02d}"


def _months(band: BandLike, place: str) -> list[int]:
    for month in band.months:
        if not 1 <= month <= 12:
            raise TariffError(f"month {month} does not exist", where=place, remedy="Months are 1 to 12")
    return sorted({month - 1 for month in band.months} or set(range(12)))


def _days(band: BandLike, place: str, names_holiday: bool) -> list[int]:
    known = (*DAYS, HOLIDAY)
    for day in band.days:
        if day not in known:
            raise TariffError(f"unknown day {day!r}", where=place, remedy=f"Use {', '.join(known)}")
    days = {known.index(day) for day in band.days} or set(range(len(known)))
    if not names_holiday and DAYS.index("sun") in days:
        days.add(len(DAYS))
    elif not names_holiday:
        days.discard(len(DAYS))
    return sorted(days)


def _quarters(band: BandLike, place: str) -> list[int]:
    quarters = set() if band.hours else set(range(_QUARTERS))
    for span in band.hours:
        start, dash, end = span.partition("-")
        try:
            first, last = _quarter(start), _quarter(end)
        except ValueError:
            dash = ""
            first = last = 0
        if not dash or first == last:
            raise TariffError(
                f"hours {span!r} cannot be read", where=place, remedy='Write like "22-08" or "09:30-12", by quarters'
            )
        quarters |= {q % _QUARTERS for q in range(first, last if last > first else last + _QUARTERS)}
    return sorted(quarters)


def _quarter(text: str) -> int:
    """Quarter of the day of "9", "09" or "09:30"; raises ValueError."""
    hour, _, minute = text.strip().partition(":")
    quarter, rest = divmod(int(hour) * 60 + int(minute or 0), 15)
    if rest or not 0 <= quarter <= _QUARTERS:
        raise ValueError(text)
    return quarter


def _require_price(price: float, place: str) -> None:
    if not np.isfinite(price):
        raise TariffError(f"price {price} is not a number", where=place, remedy="Write a price per kWh")


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
