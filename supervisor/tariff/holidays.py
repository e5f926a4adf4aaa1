"""Public holidays for tariffs: a list of dates, or the built-in calendar of a country with corrections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from msgspec import Struct, field

from supervisor.domain.errors import TariffError


class Calendar(Protocol):
    """Which local days are holidays."""

    def __contains__(self, day: date, /) -> bool: ...


class Country(Struct, frozen=True, forbid_unknown_fields=True):
    """The built-in calendar of a country, with substitute and temporary holidays as far as they were known when the
    library `holidays` was released; `extra` has those declared since.
    """

    country: str  # ISO 3166, such as KR
    subdivision: str = ""  # with holidays of its own, such as BY of DE
    extra: tuple[date, ...] = ()
    excepted: tuple[date, ...] = field(name="except", default=())


Holidays = tuple[date, ...] | Country  # as configuration and files write them


@dataclass(frozen=True)
class Union:
    """The holidays of several calendars."""

    parts: tuple[Calendar, ...]

    def __contains__(self, day: date, /) -> bool:
        return any(day in part for part in self.parts)


@dataclass(frozen=True)
class _Corrected:
    """A country's calendar with what the operator knows better."""

    known: Calendar
    extra: frozenset[date]
    excepted: frozenset[date]

    def __contains__(self, day: date, /) -> bool:
        return day in self.extra or (day in self.known and day not in self.excepted)


def calendar(written: Iterable[date] | Country, where: str = "tariff.holidays") -> Calendar:
    """The calendar of what is written; raises TariffError for an unknown country or subdivision."""
    if not isinstance(written, Country):
        return frozenset(written)
    from holidays import country_holidays, list_supported_countries  # half a second, and most tariffs need none

    subdivisions = list_supported_countries().get(written.country)
    if subdivisions is None:
        raise TariffError(
            f"no calendar for {written.country[:20]!r}", where=where, remedy='Write an ISO code such as "KR" or "DE"'
        )
    if written.subdivision and written.subdivision not in subdivisions:
        raise TariffError(
            f"{written.country} has no subdivision {written.subdivision[:20]!r}",
            where=where,
            remedy=f"Write one of {', '.join(subdivisions)}" if subdivisions else "Leave it out",
        )
    known = country_holidays(written.country, subdiv=written.subdivision or None)
    return _Corrected(known, frozenset(written.extra), frozenset(written.excepted))


def days_between(known: Calendar, first: date, past: date) -> Iterator[date]:
    """The holidays from `first` up to but not including `past`."""
    for number in range((past - first).days):
        day = first + timedelta(days=number)
        if day in known:
            yield day
