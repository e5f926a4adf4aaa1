"""The kind "kepco": KEPCO's published rates by name of the option, so that nobody copies them into city.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from supervisor.domain.errors import TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.tariff.demand import Demand
from supervisor.tariff.holidays import Calendar, Country, Holidays, calendar, days_between
from supervisor.tariff.kepco import charges
from supervisor.tariff.kepco.bill import Terms
from supervisor.tariff.kepco.catalogue import Option, catalogue, in_force
from supervisor.tariff.kepco.excess import ExcessUse, checked
from supervisor.tariff.kepco.hours import rate
from supervisor.tariff.kind import Array, District, TariffKind, TariffSettings

# Days that a government declared for one year only, up to those known to the library `holidays`.
TEMPORARY_HOLIDAYS = frozenset(
    date.fromisoformat(day)
    for day in ("2015-08-14", "2016-05-06", "2017-10-02", "2020-08-17", "2023-10-02", "2024-10-01", "2025-01-27")
)
_PLANNED_DEFERRAL = date(2026, 10, 1)  # industrial (B) could put the reform of 2026 off until this day
BILLING_DAY_MAX = 31  # of a shorter month: its last day


class EarlierContract(Struct, frozen=True, forbid_unknown_fields=True):
    """A contracted power of a supply before its present one."""

    kw: float
    until: date  # the first day of the next


class Cut(Struct, frozen=True, forbid_unknown_fields=True):
    """A supply that is cut on request outside the season: no base charge meanwhile."""

    since: date = msgspec.field(name="from")  # first day without
    until: date  # first day with supply again


class KepcoSettings(TariffSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the kind "kepco"."""

    utility: Literal["kepco"]
    option: str  # such as general_B_HA_II
    holidays: Holidays = Country("KR")
    # Sources differ on whether a temporary holiday is billed as one: reports say which was chosen.
    temporary_holidays: Literal["holiday", "working-day"] = "holiday"
    # Supply terms, art. 68, by one source: peaks of light hours do not count. Where a contract says otherwise: true.
    light_hours_set_peak: bool = False
    reform_deferred: bool = False  # industrial (B): the bands and rates of 2026 from 2026-10-01
    billing_day: int = 1  # first day of a billing month
    power_factor_lagging: int | None = None  # percent, from the last bill; without it: no surcharge or refund
    power_factor_leading: int | None = None
    earlier_contracts: dict[str, tuple[EarlierContract, ...]] = msgspec.field(default_factory=dict)  # by feeder
    cut: tuple[Cut, ...] = ()
    excess: ExcessUse = ExcessUse()  # what drawing more than the contract costs


@dataclass(frozen=True)
class _Without:
    """A calendar without some days."""

    known: Calendar
    days: frozenset[date]

    def __contains__(self, day: date, /) -> bool:
        return day in self.known and day not in self.days


@dataclass(frozen=True)
class KepcoTariff:
    """Price of a kWh with climate and fuel, without VAT and fund; bands as KEPCO has them. Raises TariffError."""

    option: Option
    holidays: Calendar
    timezone: str
    light_counts: bool
    currency: str = "KRW"

    def prices(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> Array:
        zone, rates = ZoneInfo(self.timezone), catalogue()
        found = np.empty(n_slots)
        for n in range(n_slots):
            local = datetime.fromtimestamp(start_utc_s + n * slot_s, zone)
            day = local.date()
            _, won = rate(self.option, local, self.holidays)
            found[n] = float(won + in_force(rates.climate, day) + in_force(rates.fuel, day))
        return found

    def counts_peak(self, start_utc_s: float, n_slots: int, slot_s: int = SLOT_S) -> npt.NDArray[np.bool_]:
        """Whether a peak in those slots sets the base charge, shape (n_slots,)."""
        if self.light_counts or self.option.flat:
            return np.ones(n_slots, dtype=bool)
        zone = ZoneInfo(self.timezone)
        slots = (datetime.fromtimestamp(start_utc_s + n * slot_s, zone) for n in range(n_slots))
        return np.array([rate(self.option, local, self.holidays)[0] != "light" for local in slots], dtype=bool)

    def holidays_between(self, from_utc_s: float, to_utc_s: float) -> list[date]:
        """The holidays from the local day of one time up to but not including that of another."""
        zone = ZoneInfo(self.timezone)
        first, past = (datetime.fromtimestamp(utc_s, zone).date() for utc_s in (from_utc_s, to_utc_s))
        return list(days_between(self.holidays, first, past))


def _option(settings: KepcoSettings) -> Option:
    return catalogue().option(settings.option, _PLANNED_DEFERRAL if settings.reform_deferred else None)


def _calendar(settings: KepcoSettings) -> Calendar:
    known = calendar(settings.holidays)
    return known if settings.temporary_holidays == "holiday" else _Without(known, TEMPORARY_HOLIDAYS)


def _load(settings: KepcoSettings, district: District) -> KepcoTariff:
    if settings.currency != "KRW":
        raise TariffError("KEPCO bills in KRW", where="tariff.currency", remedy='Write currency = "KRW"')
    if not 1 <= settings.billing_day <= BILLING_DAY_MAX:
        raise TariffError("outside 1…31", where="tariff.billing_day", remedy="Write the day on which the meter is read")
    for name in ("power_factor_lagging", "power_factor_leading"):
        value = getattr(settings, name)
        if value is not None and not 0 <= value <= 100:
            raise TariffError("outside 0…100", where=f"tariff.{name}", remedy="Write percent as on the bill")
    checked(settings.excess)
    for cut in settings.cut:
        if cut.until <= cut.since:
            raise TariffError(
                "until is not after from", where="tariff.cut", remedy="until is the first day with supply"
            )
    return KepcoTariff(
        _option(settings), _calendar(settings), district.site.timezone, settings.light_hours_set_peak, settings.currency
    )


def terms(settings: KepcoSettings, feeder: str, contract_kw: float) -> Terms:
    """What is needed to bill one supply."""
    tariff_option = _option(settings)
    notes = [f"{tariff_option.title}; temporary holidays count as {settings.temporary_holidays}s"]
    if not tariff_option.flat and tariff_option.metered_peak:
        hours = "all hours set" if settings.light_hours_set_peak else "peaks of light hours do not set"
        notes.append(f"{hours} the base charge")
    if settings.power_factor_lagging is None:
        notes.append("no power factor given: neither surcharge nor refund")
    earlier: Mapping[str, tuple[EarlierContract, ...]] = settings.earlier_contracts
    return Terms(
        option=tariff_option,
        contract_kw=Decimal(str(contract_kw)),
        earlier_kw=tuple((one.until, Decimal(str(one.kw))) for one in earlier.get(feeder, ())),
        holidays=_calendar(settings),
        cuts=tuple((one.since, one.until) for one in settings.cut),
        billing_day=settings.billing_day,
        lagging=settings.power_factor_lagging,
        leading=settings.power_factor_leading,
        notes=tuple(notes),
    )


def _demand(settings: KepcoSettings, _: District) -> Demand:
    option = _option(settings)
    rule = charges.RATCHET if option.metered_peak else charges.CONTRACT
    return settings.demand or msgspec.structs.replace(rule, price_per_kw=float(option.base_won_per_kw))


KIND = TariffKind(name="kepco", key="utility", settings=KepcoSettings, load=_load, demand=_demand)
