"""Time of use: bands of hours, days and months with one price each, in force from one date to another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.holidays import Calendar, Holidays, calendar, days_between
from supervisor.tariff.kind import Array, TariffKind, TariffSettings

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "holiday"  # an eighth kind of day; a tariff that never names it treats holidays as Sundays
_QUARTERS = 96
_ONE_PRICE = "Give every hour of every month and day to one band"
VERSIONS_MAX = 500  # of a tariff: one a month for forty years


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """Hours with one price. `hours` like "22-08" (over midnight) or "09:30-12"; empty means all."""

    name: str
    price_per_kwh: float
    hours: tuple[str, ...] = ()
    months: tuple[int, ...] = ()
    days: tuple[Day, ...] = ()
    since: date | None = msgspec.field(name="from", default=None)  # first local day
    until: date | None = None  # the local day after the last one
    counts_peak: bool = True  # whether a peak in these hours sets the base charge


def price_table(
    bands: tuple[Band, ...], where: str, among: tuple[Band, ...] | None = None, when: str = ""
) -> tuple[Array, Array]:
    """Price [currency/kWh], and band by its place in `among`; by month, kind of day and quarter, shape (12, 8, 96).

    `when` says in errors which validity this is.
    """
    among = bands if among is None else among
    owner = np.full((12, len(DAYS) + 1, _QUARTERS), -1)
    table = np.zeros(owner.shape)
    names_holiday = any(HOLIDAY in band.days for band in bands)
    for band in bands:
        index = among.index(band)
        place = f"{where}.band[{index}] {band.name!r}"
        require_price(band.price_per_kwh, place)
        mask = np.zeros(owner.shape, dtype=bool)
        mask[np.ix_(_months(band, place), _days(band, place, names_holiday), _quarters(band, place))] = True
        clash = mask & (owner >= 0)
        if clash.any():
            cell = tuple(int(i) for i in np.argwhere(clash)[0])
            raise TariffError(
                f"overlaps band {among[owner[cell]].name!r} {_cell_name(cell)}{when}", where=place, remedy=_ONE_PRICE
            )
        owner[mask] = index
        table[mask] = band.price_per_kwh
    if (owner < 0).any():
        cell = tuple(int(i) for i in np.argwhere(owner < 0)[0])
        raise TariffError(f"no band covers {_cell_name(cell)}{when}", where=where, remedy=_ONE_PRICE)
    return table, owner


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
class Version:
    """What is in force from `since` up to but not including `until`; None: for ever."""

    since: date | None
    until: date | None
    price: Array  # (12, 8, 96)
    band: Array  # (12, 8, 96), as in the list of bands


def versions(bands: tuple[Band, ...], where: str) -> tuple[Version, ...]:
    """The tariff by validity, oldest first, without a gap. Raises TariffError, naming the date where there is one."""
    for index, band in enumerate(bands):
        if band.since and band.until and band.until <= band.since:
            place = f"{where}.band[{index}] {band.name!r}"
            raise TariffError("until is not after from", where=place, remedy="until is the day after the last one")
    cuts = sorted({day for band in bands for day in (band.since, band.until) if day})
    if len(cuts) > VERSIONS_MAX:
        raise TariffError(f"over {VERSIONS_MAX} dates", where=where, remedy="Leave out what no report needs any more")
    spans = list(zip((None, *cuts), (*cuts, None), strict=True))
    valid = [(span, tuple(band for band in bands if _in_force(band, *span))) for span in spans]
    while len(valid) > 1 and not valid[0][1]:
        del valid[0]  # the tariff begins with its first date
    while len(valid) > 1 and not valid[-1][1]:
        del valid[-1]  # and ends with its last
    found = []
    for (since, until), part in valid:
        when = "" if len(spans) == 1 else f" from {since or 'the beginning'} until {until or 'ever'}"
        found.append(Version(since, until, *price_table(part, where, bands, when)))
    return tuple(found)


def _in_force(band: Band, since: date | None, until: date | None) -> bool:
    begun = band.since is None or (since is not None and since >= band.since)
    return begun and (band.until is None or (until is not None and until <= band.until))


@dataclass(frozen=True)
class BandTariff:
    """Time of use in local time. Raises TariffError where bands leave a gap or overlap.

    `held`: before its first and after its last date the nearest version goes on, for planning; else `prices` raises.
    """

    bands: tuple[Band, ...]
    timezone: str
    currency: str = "KRW"
    holidays: Calendar = frozenset()
    where: str = "tariff"
    held: bool = False
    versions: tuple[Version, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "versions", versions(self.bands, self.where))

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        cells = self._cells(start_utc_s, n_slots, slot_s, self.held)
        return np.array([version.price[cell] for version, cell in cells], dtype=np.float64)

    def counts_peak(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> npt.NDArray[np.bool_]:
        """Whether a peak in those slots sets the base charge, shape (n_slots,); of the nearest bands in force."""
        cells = self._cells(start_utc_s, n_slots, slot_s, held=True)
        return np.array([self.bands[int(version.band[cell])].counts_peak for version, cell in cells], dtype=bool)

    def holidays_between(self, from_utc_s: float, to_utc_s: float) -> list[date]:
        """The holidays from the local day of one time up to but not including that of another."""
        zone = ZoneInfo(self.timezone)
        first, past = (datetime.fromtimestamp(utc_s, zone).date() for utc_s in (from_utc_s, to_utc_s))
        return list(days_between(self.holidays, first, past))

    def span_utc_s(self) -> tuple[float, float] | None:
        """From when to when it has prices, None: for ever."""
        since, until = self.versions[0].since, self.versions[-1].until
        if since is None and until is None:
            return None
        return self._midnight(since, -math.inf), self._midnight(until, math.inf)

    def _midnight(self, day: date | None, else_utc_s: float) -> float:
        if day is None:
            return else_utc_s
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone)).timestamp()

    def _cells(
        self, start_utc_s: float, n_slots: int, slot_s: int, held: bool
    ) -> Iterator[tuple[Version, tuple[int, int, int]]]:
        """The version of each slot, and its place in the version's tables."""
        zone = ZoneInfo(self.timezone)
        before, kind, version = None, 0, self.versions[0]
        for i in range(n_slots):
            local = datetime.fromtimestamp(start_utc_s + i * slot_s, zone)
            day = local.date()
            if day != before:
                before, kind, version = day, self._kind(day), self._version(day, held)
            yield version, (local.month - 1, kind, local.hour * 4 + local.minute // 15)

    def _kind(self, day: date) -> int:
        return len(DAYS) if day in self.holidays else day.weekday()

    def _version(self, day: date, held: bool) -> Version:
        known = [one for one in self.versions if one.since is None or one.since <= day]
        version = known[-1] if known else self.versions[0]
        outside = not known or (version.until is not None and day >= version.until)
        if outside and not held:
            raise TariffError(f"no price for {day}", where=self.where, remedy="Add bands that are in force on that day")
        return version


class BandSettings(TariffSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kind "bands": time of use in city.toml itself."""

    band: tuple[Band, ...]
    holidays: Holidays = ()


def _load(settings: BandSettings, timezone: str, held: bool = False) -> BandTariff:
    return BandTariff(settings.band, timezone, settings.currency, calendar(settings.holidays), held=held)


KIND = TariffKind(
    name="bands",
    key="band",
    settings=BandSettings,
    load=lambda settings, district: _load(settings, district.site.timezone),
    load_usable=lambda settings, district: (_load(settings, district.site.timezone, held=True), ()),
)
