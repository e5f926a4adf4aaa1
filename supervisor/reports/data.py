"""What a report says: collected from the service's record, and the weather as it was."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from supervisor.config import Config
from supervisor.domain.errors import NotFoundError, TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.weather import WeatherSeries
from supervisor.energy.observed import observed
from supervisor.energy.record import read_record
from supervisor.energy.shown import base_charge_of
from supervisor.energy.tables import HOUR_S, KW_PER_WH, Places, Record, prices, report
from supervisor.reports.served import Served, served
from supervisor.reports.storm import StormCourse, collect_storm
from supervisor.reports.window import snowfall, window
from supervisor.store import commands
from supervisor.store import energy as store_energy
from supervisor.store.rollup import local_day
from supervisor.tariff.configured import billing_tariff
from supervisor.weather.storms import Storm

HOURLY_S: Final = 6 * 86_400  # a period up to this has its hours: a storm of five days with what is before and after


class ZoneRow(Struct, frozen=True):
    """One zone over the period. None: not known."""

    zone: str
    name: str
    name_ko: str
    kwh: float
    kwh_m2: float
    peak_kw: float
    on_h: float
    covered: float  # part of the period with telemetry
    energy_cost: float | None
    surface_min_c: float | None


class FeederRow(Struct, frozen=True):
    """One feeder over the period; `kw` are means of 15 min."""

    feeder: str
    contract_kw: float
    peak_kw: float
    peak_utc_s: int | None
    energy_cost: float | None
    base_cost: float | None


class DayRow(Struct, frozen=True):
    """One local day."""

    day: str
    kwh: float
    snow_mm: float | None


class HourRow(Struct, frozen=True):
    """One hour, of reports of a few days."""

    start_utc_s: int
    kwh: float
    snow_mm: float | None


class OverrideRow(Struct, frozen=True):
    """How often people of a role asked for a mode with a reason."""

    mode: str
    reason: str
    role: str  # "" where the person is not known any more
    count: int


class StormRow(Struct, frozen=True):
    """A storm, and what was spent from six hours before it to six after. None: not known."""

    onset_utc_s: int
    end_utc_s: int
    water_mm: float
    depth_cm: float
    depth_measured: bool
    air_min_c: float
    rain_from_utc_s: int | None
    kwh: float
    energy_cost: float | None
    peak_kw: float
    frozen_zone_h: float  # hours with a surface below 0 °C, over all zones
    zone_h: float  # hours with a known surface, over all zones
    served: Served | None = None  # what roads had of snow and ice, beside today's rule


class Report(Struct, frozen=True):
    """A period of a site. Money in `currency`, "" where there is no tariff."""

    site: str
    timezone: str
    from_utc_s: int
    to_utc_s: int
    currency: str
    kwh: float
    area_m2: float
    energy_cost: float | None
    base_cost: float | None
    co2_kg: float | None
    covered: float
    zones: tuple[ZoneRow, ...]
    feeders: tuple[FeederRow, ...]
    days: tuple[DayRow, ...]
    storms: tuple[StormRow, ...]
    overrides: tuple[OverrideRow, ...]
    hours: tuple[HourRow, ...] = ()
    co2_source: str = ""  # where the emission factor is from
    courses: tuple[StormCourse, ...] = ()  # of each storm: forecast and planned beside done
    notes: tuple[str, ...] = ()  # what could not be found out, and why


def collect(
    config: Config,
    db: sqlite3.Connection,
    from_utc_s: int,
    to_utc_s: int,
    *,
    weather_path: Path | None = None,
    co2_g_per_kwh: float | None = None,
    co2_source: str = "",
) -> Report:
    """The report of [from, to), both on whole quarters of an hour [UTC s]. Raises CommandError and WeatherError."""
    zone_info = ZoneInfo(config.site.timezone)
    record = read_record(db, from_utc_s, to_utc_s)
    notes: list[str] = []
    price, currency = None, ""
    try:
        tariff = billing_tariff(config)
        price, currency = prices(record, tariff), tariff.currency
    except TariffError as error:
        notes.append(f"no cost: {error}")
    base = base_charge_of(config, zone_info)
    since_utc_s = base.first_needed_utc_s(from_utc_s)
    since = read_record(db, since_utc_s, to_utc_s) if since_utc_s < from_utc_s and record.zones else None
    places = Places(config.zone, config.feeder, base, since)
    total = report(record, "feeder", zone_info, price, places)[-1]
    series, storms = observed(config, db, from_utc_s, to_utc_s, weather_path)
    if not len(series):
        notes.append("no weather of this period in the record: give --weather FILE")
    coldest = store_energy.coldest(db, from_utc_s, to_utc_s)
    return Report(
        site=config.site.name, timezone=config.site.timezone, from_utc_s=from_utc_s, to_utc_s=to_utc_s,
        currency=currency, kwh=total.kwh, area_m2=sum(zone.area_m2 for zone in config.zone),
        energy_cost=total.cost, base_cost=total.base_cost if currency else None,
        co2_kg=None if co2_g_per_kwh is None else total.kwh * co2_g_per_kwh / 1000, covered=total.covered or 0.0,
        zones=_zones(config, record, price, zone_info, coldest),
        feeders=_feeders(config, record, price, zone_info, places),
        days=_days(record, series, zone_info),
        hours=_hours(record, series) if to_utc_s - from_utc_s <= HOURLY_S else (), co2_source=co2_source,
        storms=tuple(_with_served(config, db, _storm(db, record, price, one), weather_path) for one in storms),
        courses=tuple(_courses(config, db, storms, weather_path)),
        overrides=tuple(OverrideRow(*row) for row in commands.override_counts(db, from_utc_s, to_utc_s)),
        notes=tuple(notes),
    )  # fmt: skip


def _zones(
    config: Config, record: Record, price: np.ndarray | None, zone_info: ZoneInfo, coldest: dict[str, float]
) -> tuple[ZoneRow, ...]:
    """By energy per area, most first: where to look."""
    known = {zone.id: zone for zone in config.zone}
    rows = []
    for zone_id, row in zip(record.zones, report(record, "zone", zone_info, price)[:-1], strict=True):
        zone = known.get(zone_id)
        rows.append(
            ZoneRow(
                zone_id, zone.name if zone else "", zone.name_ko if zone else "", row.kwh,
                row.kwh / zone.area_m2 if zone else 0.0, row.peak_kw, row.on_h or 0.0, row.covered or 0.0, row.cost,
                coldest.get(zone_id),
            )
        )  # fmt: skip
    return tuple(sorted(rows, key=lambda row: -row.kwh_m2))


def _feeders(
    config: Config, record: Record, price: np.ndarray | None, zone_info: ZoneInfo, places: Places
) -> tuple[FeederRow, ...]:
    feeder_of = {zone.id: zone.feeder for zone in config.zone}
    rows = {row.what: row for row in report(record, "feeder", zone_info, price, places)[:-1]}
    found = []
    for feeder in config.feeder:
        members = [i for i, zone in enumerate(record.zones) if feeder_of.get(zone) == feeder.id]
        load = record.wh[members].sum(axis=0)
        at = int(load.argmax()) if load.size and load.max() > 0 else None
        row = rows[feeder.id]
        peak_utc_s = None if at is None else record.start_utc_s + at * SLOT_S
        base_cost = row.base_cost if price is not None else None
        found.append(FeederRow(feeder.id, feeder.contract_kw, row.peak_kw, peak_utc_s, row.cost, base_cost))
    return tuple(found)


def _days(record: Record, series: WeatherSeries, zone_info: ZoneInfo) -> tuple[DayRow, ...]:
    snow: defaultdict[str, float] = defaultdict(float)
    for start_utc_s, mm, _ in snowfall(series):
        snow[local_day(start_utc_s, zone_info)[0]] += mm
    return tuple(
        DayRow(row.what, row.kwh, snow.get(row.what, 0.0) if len(series) else None)
        for row in report(record, "day", zone_info)[:-1]
    )


def _hours(record: Record, series: WeatherSeries) -> tuple[HourRow, ...]:
    """By hours from the period's start; the last may be shorter."""
    snow: defaultdict[int, float] = defaultdict(float)
    for start_utc_s, mm, _ in snowfall(series):
        snow[(start_utc_s - record.start_utc_s) // HOUR_S] += mm
    firsts = np.arange(0, record.wh.shape[1], HOUR_S // SLOT_S)
    wh = np.add.reduceat(record.wh.sum(axis=0), firsts)
    return tuple(
        HourRow(record.start_utc_s + n * HOUR_S, int(energy) / 1000, snow.get(n, 0.0) if len(series) else None)
        for n, energy in enumerate(wh)
    )


def _storm(db: sqlite3.Connection, record: Record, price: np.ndarray | None, storm: Storm) -> StormRow:
    began, ended = (int(at) for at in window(storm))
    slots = record.wh.shape[1]
    first = min(max(0, (began - record.start_utc_s) // SLOT_S), slots)
    past = min(max(first, (ended - record.start_utc_s) // SLOT_S), slots)
    wh = record.wh[:, first:past].sum(axis=0)
    frozen_h, known_h = store_energy.frozen_hours(db, int(storm.onset_utc_s), ended)
    return StormRow(
        onset_utc_s=int(storm.onset_utc_s), end_utc_s=int(storm.end_utc_s), water_mm=storm.water_mm,
        depth_cm=storm.depth_cm, depth_measured=storm.depth_measured, air_min_c=storm.air_min_c,
        rain_from_utc_s=None if storm.rain_from_utc_s is None else int(storm.rain_from_utc_s),
        kwh=int(wh.sum()) / 1000, energy_cost=None if price is None else float(wh @ price[first:past]) / 1000,
        peak_kw=float(wh.max(initial=0)) * KW_PER_WH, frozen_zone_h=frozen_h, zone_h=known_h,
    )  # fmt: skip


def _with_served(config: Config, db: sqlite3.Connection, storm: StormRow, path: Path | None) -> StormRow:
    reach = store_energy.span(db)
    if reach is None:
        return storm
    return replace(storm, served=served(config, db, (storm.onset_utc_s, storm.end_utc_s), reach[1], path))


def _courses(config: Config, db: sqlite3.Connection, storms: list[Storm], path: Path | None) -> Iterator[StormCourse]:
    for storm in storms:
        try:
            yield collect_storm(config, db, int(storm.onset_utc_s), path)
        except NotFoundError:  # it began before the period
            continue
