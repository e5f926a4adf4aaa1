"""Health of every road's circuit from the record: what was measured, how long each part lasts, what to replace."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct

from supervisor.config import Config
from supervisor.domain.panel import PanelReading
from supervisor.domain.zone import Zone
from supervisor.reports.health.life import CABLE, INSULATION, NOISE_MIN, Life, scale_of_b10, trend, weibull
from supervisor.store.health import LifeDay, WearDay, by_zone, lives, readings, wear

PARTS: Final = ("cable", "insulation", "contactor", "sensor")
SOON_A: Final = 1.0  # a part that may fail within a year is on the list of what is replaced before the season
YEAR_DAYS: Final = 365.25
LOADED: Final = 0.3  # of rated current: below it V/I says little of the cable
SHAPES: Final = {"contactor": 2.0, "sensor": 2.5}  # of the Weibull law: wear, not chance
RATE_DAYS: Final = 180  # of a board's counting: sooner a rate of closings says more of the season than of the year
RATE_SIGMA: Final = 0.2  # winters differ by so much in closings, as a logarithm


class Part(Struct, frozen=True, kw_only=True):
    """A part of a road. `measured` null and `life` null: not known; `why` names the reason among the page's words."""

    zone: str
    name: str
    name_ko: str
    part: str
    measured: float | None  # cable: rise [%]; insulation [mA]; contactor: closings; sensor: age [a]
    limit: float
    life: Life | None
    replace: bool
    why: str = ""


class Health(Struct, frozen=True, kw_only=True):
    """A district's circuits, those to be replaced first."""

    site: str
    timezone: str
    made_utc_s: int
    parts: tuple[Part, ...]


class _Known(NamedTuple):
    """What is on record of a road, each oldest first."""

    worn: Sequence[WearDay]
    counted: Sequence[LifeDay]
    read: Sequence[PanelReading]


def collect(config: Config, db: sqlite3.Connection, now_utc_s: int) -> Health:
    """From the whole record."""
    timezone = ZoneInfo(config.site.timezone)
    today = datetime.fromtimestamp(now_utc_s, timezone).date()
    days = wear(db, "", "9999")
    measured = readings(db, 0, now_utc_s + 1)
    common = _common(config.zone, days)
    worn, read, counted = by_zone(days), by_zone(measured), by_zone(lives(db))
    found = [
        part for zone in config.zone
        for part in _of(zone, config, _Known(worn[zone.id], counted[zone.id], read[zone.id]), common, today, timezone)
    ]  # fmt: skip
    order = sorted(found, key=lambda one: (not one.replace, math.inf if one.life is None else one.life.low_a, one.zone))
    return Health(
        site=config.site.name, timezone=config.site.timezone, made_utc_s=now_utc_s, parts=tuple(order)
    )  # fmt: skip


def _of(
    zone: Zone,
    config: Config,
    known: _Known,
    common: dict[tuple[str, str], float],
    today: date,
    timezone: ZoneInfo,
) -> Iterable[Part]:
    settings = config.health
    yield _cable(zone, 1 + settings.cable_rise_percent / 100, known.worn, known.read, common, timezone)
    yield _insulation(zone, float(zone.limits.leakage_trip_ma), known.read, timezone)
    yield _contactor(zone, settings.contactor_cycles, known, today)
    yield _sensor(zone, settings.sensor_years, known.worn, today)


def _part(zone: Zone, part: str, measured: float | None, limit: float, life: Life | None, why: str = "") -> Part:
    return Part(
        zone=zone.id, name=zone.name, name_ko=zone.name_ko, part=part, measured=measured, limit=limit, life=life,
        replace=life is not None and life.low_a < SOON_A, why=why if life is None else "",
    )  # fmt: skip


def _common(zones: Sequence[Zone], days: Sequence[WearDay]) -> dict[tuple[str, str], float]:
    """By feeder and month the median of measured over rated power: what the supply's voltage does to all of them."""
    rated = {zone.id: zone for zone in zones}
    parts: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (zone, month), power in _by_month(days).items():
        if zone in rated:
            parts[rated[zone].feeder, month].append(power / rated[zone].power_w)
    return {key: median(values) for key, values in parts.items()}


def _by_month(days: Iterable[WearDay]) -> dict[tuple[str, str], float]:
    """Mean power when full on [W], by zone and month with an hour of it."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for day in days:
        one = sums[day.zone, day.day[:7]]
        one[0] += day.full_ws
        one[1] += day.full_s
    return {key: watt_s / seconds for key, (watt_s, seconds) in sums.items() if seconds >= 3600 and watt_s > 0}


def _cable(
    zone: Zone,
    limit: float,
    own: Sequence[WearDay],
    panel: Sequence[PanelReading],
    common: dict[tuple[str, str], float],
    timezone: ZoneInfo,
) -> Part:
    """Resistance by month: V/I where a panel's meter says both, else from power beside that of the feeder's roads."""
    by_month: dict[str, list[float]] = defaultdict(list)
    for one in panel:
        loaded = one.current_a is not None and one.voltage_v is not None and one.voltage_v * one.current_a > 0
        if loaded and one.voltage_v * one.current_a >= LOADED * zone.power_w:  # type: ignore[operator]
            by_month[_month(one.utc_s, timezone)].append(one.voltage_v / one.current_a)  # type: ignore[operator]
    if len(by_month) < 3:
        by_month.clear()
        for (_, month), power in _by_month(own).items():
            by_month[month].append(common[zone.feeder, month] / (power / zone.power_w))
    months = sorted(by_month)
    ages, values = _ages(months), np.array([median(by_month[month]) for month in months])
    percent = round(100 * (limit - 1), 1)
    life = trend(ages, values / values.mean(), limit, CABLE, NOISE_MIN["cable"], relative=True) if months else None
    if life is None:
        return _part(zone, "cable", None, percent, None, "power")
    rise = float(np.polyval(np.polyfit(ages, values, 1), ages[-1]) / np.polyval(np.polyfit(ages, values, 1), ages[0]))
    return _part(zone, "cable", 100 * (rise - 1), percent, life)


def _insulation(zone: Zone, limit_ma: float, panel: Sequence[PanelReading], timezone: ZoneInfo) -> Part:
    by_month: dict[str, list[float]] = defaultdict(list)
    for one in panel:
        if one.leakage_ma is not None and one.leakage_ma > 0:
            by_month[_month(one.utc_s, timezone)].append(one.leakage_ma)
    months = sorted(by_month)
    values = np.array([math.log(median(by_month[month])) for month in months])
    newest = math.exp(float(values[-1])) if months else None
    life = trend(_ages(months), values, math.log(limit_ma), INSULATION, NOISE_MIN["insulation"]) if months else None
    return _part(zone, "insulation", newest, limit_ma, life, "leakage")


def _contactor(zone: Zone, cycles: int, known: _Known, today: date) -> Part:
    """Closings that the board counted, else those of telemetry, and as many a year before since the road was installed.

    Never fewer than the boards counted: they were there before the record, or telemetry had gaps.
    """
    installed, total = _installed(zone), _counted(known.counted)
    counts_since = date.fromisoformat(known.counted[0].day) if known.counted else None
    if counts_since is not None and (today - counts_since).days >= RATE_DAYS:
        first, closings = counts_since, total - known.counted[0].switchings
    elif known.worn:
        first, closings = date.fromisoformat(known.worn[0].day), sum(day.starts for day in known.worn)
    elif counts_since is None:
        return _part(zone, "contactor", None, cycles, None, "closings")
    elif installed is not None:
        first, closings = installed, total
    else:
        return _part(zone, "contactor", float(total), cycles, None, "counted")
    rate = closings / (max((today - first).days, 30) / YEAR_DAYS)
    before = 0.0 if installed is None else max((first - installed).days, 0) / YEAR_DAYS
    used = max(closings + rate * before, float(total))
    shape = SHAPES["contactor"]
    return _part(zone, "contactor", used, cycles, weibull(used, scale_of_b10(cycles, shape), shape, rate, RATE_SIGMA))


def _counted(counted: Sequence[LifeDay]) -> int:
    """Closings that boards counted; a count that falls is that of a new board, which began at zero."""
    found = counted[0].switchings if counted else 0
    for before, one in pairwise(counted):
        rise = one.switchings - before.switchings
        found += rise if rise >= 0 else one.switchings
    return found


def _sensor(zone: Zone, years: float, own: Sequence[WearDay], today: date) -> Part:
    installed = _installed(zone) or (date.fromisoformat(own[0].day) if own else None)
    if installed is None:
        return _part(zone, "sensor", None, years, None, "age")
    age = max((today - installed).days, 0) / YEAR_DAYS
    shape = SHAPES["sensor"]
    scale = years / math.gamma(1 + 1 / shape)  # `years` is their mean
    return _part(zone, "sensor", age, years, weibull(age, scale, shape, 1.0, 0.0))


def _installed(zone: Zone) -> date | None:
    """The first day of the month, or of July, in which it was installed."""
    year, _, month = zone.inventory.installed.partition("-")
    return date(int(year), int(month or 7), 1) if year.isdecimal() and (month or "7").isdecimal() else None


def _ages(months: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Years since the first month."""
    numbers = np.array([12 * int(month[:4]) + int(month[5:7]) for month in months], dtype=np.float64)
    return (numbers - numbers[0]) / 12 if len(numbers) else numbers


def _month(utc_s: int, timezone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(utc_s, timezone):%Y-%m}"
