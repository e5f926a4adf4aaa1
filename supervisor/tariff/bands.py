"""Time of use: bands of hours, days and months with one price each, and the table that they make together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.kind import Array, TariffKind, TariffSettings

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "holiday"  # an eighth kind of day; a tariff that never names it treats holidays as Sundays
_QUARTERS = 96


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """Hours with one price. `hours` like "22-08" (over midnight) or "09:30-12"; empty means all."""

    name: str
    price_per_kwh: float
    hours: tuple[str, ...] = ()
    months: tuple[int, ...] = ()
    days: tuple[Day, ...] = ()


def price_table(bands: tuple[Band, ...], where: str) -> Array:
    """Price by month, kind of day and quarter of an hour, shape (12, 8, 96) [currency/kWh]."""
    owner = np.full((12, len(DAYS) + 1, _QUARTERS), -1)
    table = np.zeros(owner.shape)
    names_holiday = any(HOLIDAY in band.days for band in bands)
    for index, band in enumerate(bands):
        place = f"{where}.band[{index}] {band.name!r}"
        require_price(band.price_per_kwh, place)
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


def _months(band: Band, place: str) -> list[int]:
    for month in band.months:
        if not 1 <= month <= 12:
            raise TariffError(f"month {month} does not exist", where=place, remedy="Months are 1 to 12")
    return sorted({month - 1 for month in band.months} or set(range(12)))


def _days(band: Band, place: str, names_holiday: bool) -> list[int]:
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


def _quarters(band: Band, place: str) -> list[int]:
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


def require_price(price: float, place: str) -> None:
    if not np.isfinite(price):
        raise TariffError(f"price {price} is not a number", where=place, remedy="Write a price per kWh")


@dataclass(frozen=True)
class BandTariff:
    """Time of use in local time. Raises TariffError where bands leave a gap or overlap."""

    bands: tuple[Band, ...]
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


class BandSettings(TariffSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kind "bands": time of use in city.toml itself."""

    band: tuple[Band, ...]


KIND = TariffKind(
    name="bands",
    key="band",
    settings=BandSettings,
    load=lambda settings, district: BandTariff(
        settings.band, district.site.timezone, settings.currency, frozenset(settings.holidays)
    ),
)
