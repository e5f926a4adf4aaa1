"""KEPCO's time-of-use bands: which hours are light, mid and peak, and on which days.

Saturdays have no peak hours (they count as mid); Sundays and public holidays are light all day. The hours changed on
2023-01-01, and with the reform of 2026 outside winter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from supervisor.tariff.billing.rounding import cut
from supervisor.tariff.holidays import Calendar
from supervisor.tariff.kepco.catalogue import FLAT, SPRING_AUTUMN, WINTER, Option, season

SATURDAY, SUNDAY = 5, 6
_FROM_2023 = date(2023, 1, 1)
HALF_UNTIL = date(2031, 1, 1)  # half price on weekends: to the end of 2030
_HALF_HOURS = range(11, 14)

Spans = Iterable[tuple[int, int]]


def _day(mid: Spans, peak: Spans) -> tuple[str, ...]:
    """The band of each hour of a working day; what is neither is light."""
    hours = ["light"] * 24
    for name, spans in (("mid", mid), ("peak", peak)):
        for first, past in spans:
            hours[first:past] = [name] * (past - first)
    return tuple(hours)


@dataclass(frozen=True)
class Hours:
    """Bands of a working day."""

    winter: tuple[str, ...]
    other: tuple[str, ...]


UNTIL_2022 = Hours(
    _day(((9, 10), (12, 17), (20, 22)), ((10, 12), (17, 20), (22, 23))),
    _day(((9, 10), (12, 13), (17, 23)), ((10, 12), (13, 17))),
)
SINCE_2023 = Hours(
    _day(((8, 9), (12, 16), (19, 22)), ((9, 12), (16, 19))),
    _day(((8, 11), (12, 13), (18, 22)), ((11, 12), (13, 18))),
)
REFORM_2026 = Hours(SINCE_2023.winter, _day(((8, 15), (21, 22)), ((15, 21),)))


def hours(option: Option, day: date) -> Hours:
    """The bands in force."""
    if day < _FROM_2023:
        return UNTIL_2022
    return REFORM_2026 if option.reform is not None and day >= option.reform else SINCE_2023


def band(option: Option, local: datetime, holidays: Calendar) -> str:
    """The band of the quarter of an hour that begins at a local time."""
    return FLAT if option.flat else day_band(hours(option, local.date()), local, holidays)


def day_band(bands: Hours, local: datetime, holidays: Calendar) -> str:
    """The same by given hours."""
    day = local.date()
    if day.weekday() == SUNDAY or day in holidays:
        return "light"
    found = (bands.winter if season(day.month) == WINTER else bands.other)[local.hour]
    return "mid" if found == "peak" and day.weekday() == SATURDAY else found


def rate(option: Option, local: datetime, holidays: Calendar) -> tuple[str, Decimal]:
    """Band and price [won/kWh] of that quarter of an hour. Raises TariffError where no rates are known."""
    day = local.date()
    name = band(option, local, holidays)
    price = option.rates(day)[name][season(day.month)]
    if half_price(option, local, holidays):
        price = cut(price / 2, Decimal("0.1"))
    return name, price


def half_price(option: Option, local: datetime, holidays: Calendar) -> bool:
    """Whether the half price of industrial (B) holds: weekends and holidays of spring and autumn, 11 to 14."""
    day = local.date()
    if not option.weekend_half or option.reform is None or not option.reform <= day < HALF_UNTIL:
        return False
    off = day.weekday() in (SATURDAY, SUNDAY) or day in holidays
    return off and season(day.month) == SPRING_AUTUMN and local.hour in _HALF_HOURS
