"""A heating season for the app: energy and cost by storm, month, road and supply, from the service's own record."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from supervisor.config import Config
from supervisor.domain.errors import CommandError, TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder
from supervisor.energy.base_charge import BaseCharge, Load, MonthPeak
from supervisor.energy.by_hand import by_hand_wh
from supervisor.energy.observed import observed
from supervisor.energy.period import season_of, season_span
from supervisor.energy.record import read_record
from supervisor.energy.shown import base_charge_of
from supervisor.energy.tables import HOUR_S, KW_PER_WH, Record, prices
from supervisor.reports.season_rows import SeasonEnergy, SeasonFeeder, SeasonMonth, SeasonStorm, SeasonZone, Spent
from supervisor.reports.window import AFTER_S, window
from supervisor.store import database, place_of
from supervisor.store import energy as store_energy
from supervisor.store.rollup import local_day
from supervisor.tariff.configured import billing_tariff
from supervisor.tariff.demand import Month
from supervisor.weather.storms import Storm

EARLIER_S: Final = 28 * 86_400  # read at once, of months whose peaks are still billed: 500 zones are 11 MB
Wh = npt.NDArray[np.int64]


class _Times(NamedTuple):
    """How long roads were heated, and heard of."""

    on_s: float
    covered_s: float
    road_s: float  # time of the period, of all roads together

    @classmethod
    def of(cls, times: Iterable[tuple[int, int]], passed_s: float, roads: int) -> _Times:
        on_s, covered_s = (sum(column) for column in zip((0, 0), *times, strict=True))
        return cls(on_s, covered_s, max(passed_s, float(SLOT_S)) * max(1, roads))

    def without(self, other: _Times) -> _Times:
        return _Times(*(own - theirs for own, theirs in zip(self, other, strict=True)))

    @property
    def covered(self) -> float:
        return min(1.0, self.covered_s / self.road_s) if self.road_s > 0 else 0.0


@dataclass(frozen=True)
class _Season:
    """The record of a season with its prices."""

    record: Record
    price: npt.NDArray[np.float64] | None
    by_hand: npt.NDArray[np.float64]

    def slots(self, from_utc_s: float, to_utc_s: float) -> slice:
        """The slots of a period as far as they lie in the record."""
        count = self.record.wh.shape[1]
        ends = (int(at - self.record.start_utc_s) // SLOT_S for at in (from_utc_s, to_utc_s))
        low, high = (min(max(end, 0), count) for end in ends)
        return slice(low, max(low, high))

    def spent(self, chosen: slice | npt.NDArray[np.bool_], times: _Times) -> Spent:
        wh = self.record.wh[:, chosen].sum(axis=0)
        cost = None if self.price is None else float(wh @ self.price[chosen]) / 1000
        return Spent(
            kwh=int(wh.sum()) / 1000, energy_cost=cost, peak_kw=float(wh.max(initial=0)) * KW_PER_WH,
            by_hand_kwh=float(self.by_hand[chosen].sum()) / 1000, heated_h=times.on_s / HOUR_S, covered=times.covered,
        )  # fmt: skip


def begun(season: str, timezone: ZoneInfo, now_utc_s: float) -> tuple[int, int]:
    """A season's span [UTC s]. Raises CommandError for what is no season, and for one to come."""
    from_utc_s, end_utc_s = season_span(season, timezone)
    if from_utc_s > now_utc_s:
        raise CommandError("this season has not begun", where=f"season {season}", remedy="Ask for one of the record")
    return from_utc_s, end_utc_s


def collect_in_process(config: Config, season: str, now_utc_s: float) -> SeasonEnergy:
    """For a worker process: over a connection of its own."""
    with contextlib.closing(database.connect_read_only(place_of(config))) as db:
        return collect_season(config, db, season, now_utc_s)


def collect_season(config: Config, db: sqlite3.Connection, season: str, now_utc_s: float) -> SeasonEnergy:
    """A season such as 2025-26 as far as it has come. Raises CommandError for one that is no season or to come."""
    timezone = ZoneInfo(config.site.timezone)
    from_utc_s, end_utc_s = begun(season, timezone, now_utc_s)
    from_utc_s = max(from_utc_s, _first_day(db, timezone, from_utc_s, end_utc_s))
    now_slot = int(-(-now_utc_s // SLOT_S)) * SLOT_S
    to_utc_s = min(end_utc_s, max(now_slot, from_utc_s + SLOT_S))
    base = base_charge_of(config, timezone)
    record = replace(read_record(db, from_utc_s, to_utc_s), now_utc_s=now_utc_s)
    notes: list[str] = []
    price, currency = None, ""
    try:
        tariff = billing_tariff(config)
        price, currency = prices(record, tariff), tariff.currency
    except TariffError as error:
        notes.append(f"no cost: {error}")
    own = _Season(record, price, by_hand_wh(db, record))
    loads = _loads(config, db, base.first_needed_utc_s(from_utc_s), record)
    peaks = {feeder.id: base.by_month(feeder, loads[feeder.id], from_utc_s) for feeder in config.feeder}
    series, storms = observed(config, db, from_utc_s, to_utc_s, None)
    if not len(series):
        notes.append("no weather of this period in the record")
    months = _months(db, own, base, peaks, config)
    base_costs = [month.base_cost for month in months if month.base_cost is not None]
    return SeasonEnergy(
        season=season, from_utc_s=from_utc_s, to_utc_s=to_utc_s, currency=currency,
        contract_kw=sum(feeder.contract_kw for feeder in config.feeder),
        area_m2=sum(zone.area_m2 for zone in config.zone),
        total=_all(db, own, from_utc_s, to_utc_s),
        base_cost=sum(base_costs) if base_costs and currency else None,
        months=months if currency else [_unpriced(month) for month in months],
        storms=[_storm(db, own, one, now_utc_s) for one in reversed(storms)],
        between=_between(db, own, storms, (from_utc_s, to_utc_s)) if len(series) else None,
        zones=_zones(config, own), feeders=_feeders(config, own, peaks), seasons=seasons_of(db, timezone), notes=notes,
    )  # fmt: skip


def seasons_of(db: sqlite3.Connection, timezone: ZoneInfo) -> list[str]:
    """Those that the record reaches into, newest first."""
    reach = store_energy.span(db)
    if reach is None:
        return []
    first, last = (int(season_of(at, timezone)[:4]) for at in reach)
    return [f"{year}-{(year + 1) % 100:02d}" for year in range(last, first - 1, -1)]


def _first_day(db: sqlite3.Connection, timezone: ZoneInfo, from_utc_s: int, to_utc_s: int) -> int:
    """Where the day begins in which the record of a period does: what was before it is not missing."""
    hours = store_energy.hour_starts(db, from_utc_s, to_utc_s)
    return from_utc_s if hours is None else local_day(hours[0], timezone)[1]


def _loads(config: Config, db: sqlite3.Connection, since_utc_s: int, record: Record) -> dict[str, Load]:
    """Each feeder's load from `since_utc_s` on. What is before the record is read in parts: its zones are not kept."""
    parts = [
        read_record(db, start, min(start + EARLIER_S, record.start_utc_s))
        for start in range(since_utc_s, record.start_utc_s, EARLIER_S)
    ]
    return {
        feeder.id: Load(since_utc_s, np.concatenate([_load(config, part, feeder) for part in (*parts, record)]))
        for feeder in config.feeder
    }


def _load(config: Config, record: Record, feeder: Feeder) -> Wh:
    members = {zone.id for zone in config.zone if zone.feeder == feeder.id}
    rows = [n for n, zone in enumerate(record.zones) if zone in members]
    return np.asarray(record.wh[rows].sum(axis=0), dtype=np.int64)


def _times(db: sqlite3.Connection, record: Record, from_utc_s: float, to_utc_s: float) -> _Times:
    """Of a period, as far as it has passed."""
    end = min(to_utc_s, record.now_utc_s)
    times = store_energy.times_of(db, int(from_utc_s), int(end)).values()
    return _Times.of(times, end - from_utc_s, len(record.zones))


def _all(db: sqlite3.Connection, own: _Season, from_utc_s: float, to_utc_s: float) -> Spent:
    return own.spent(own.slots(from_utc_s, to_utc_s), _times(db, own.record, from_utc_s, to_utc_s))


def _months(
    db: sqlite3.Connection, own: _Season, base: BaseCharge, peaks: dict[str, dict[Month, MonthPeak]], config: Config
) -> list[SeasonMonth]:
    months = sorted({month for of_feeder in peaks.values() for month in of_feeder})
    starts = [max(int(datetime(*one, 1, tzinfo=base.timezone).timestamp()), own.record.start_utc_s) for one in months]
    ends = [*starts[1:], own.record.start_utc_s + own.record.wh.shape[1] * SLOT_S]
    found = []
    for month, start, end in zip(months, starts, ends, strict=True):
        of_month = [peaks[feeder.id][month] for feeder in config.feeder if month in peaks[feeder.id]]
        costs = [one.cost for one in of_month if one.cost is not None]
        found.append(
            SeasonMonth(
                f"{month[0]}-{month[1]:02d}", _all(db, own, start, end), sum(costs) if costs else None,
                sum(one.billed_kw for one in of_month),
            )
        )  # fmt: skip
    return found


def _unpriced(month: SeasonMonth) -> SeasonMonth:
    return SeasonMonth(month.month, month.spent, None, month.billed_kw)


def _storm(db: sqlite3.Connection, own: _Season, storm: Storm, now_utc_s: float) -> SeasonStorm:
    return SeasonStorm(
        onset_utc_s=int(storm.onset_utc_s), end_utc_s=int(storm.end_utc_s),
        ongoing=now_utc_s < storm.end_utc_s + AFTER_S, water_mm=storm.water_mm, depth_cm=storm.depth_cm,
        depth_measured=storm.depth_measured, rain=storm.rain_from_utc_s is not None,
        spent=_all(db, own, *window(storm)),
    )  # fmt: skip


def _between(db: sqlite3.Connection, own: _Season, storms: list[Storm], period: tuple[int, int]) -> Spent:
    """All time outside of the storms' windows; two windows that overlap count once here."""
    outside = np.ones(own.record.wh.shape[1], dtype=np.bool_)
    times, done_utc_s = _times(db, own.record, *period), float(period[0])
    for begin, end in map(window, storms):
        outside[own.slots(begin, end)] = False
        first, past = max(begin, done_utc_s), min(end, own.record.now_utc_s, period[1])
        if past > first:
            times, done_utc_s = times.without(_times(db, own.record, first, past)), past
    return own.spent(outside, times)


def _zones(config: Config, own: _Season) -> list[SeasonZone]:
    areas = {zone.id: zone.area_m2 for zone in config.zone}
    rows = []
    for zone, wh in zip(own.record.zones, own.record.wh, strict=True):
        kwh, area = int(wh.sum()) / 1000, areas.get(zone)
        rows.append(
            SeasonZone(
                zone, kwh, kwh / area if area else None,
                None if own.price is None else float(wh @ own.price) / 1000, float(wh.max(initial=0)) * KW_PER_WH,
                own.record.on_s[zone] / HOUR_S, min(1.0, own.record.covered_s[zone] / HOUR_S / own.record.hours),
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: -(row.kwh_m2 or 0.0))


def _feeders(config: Config, own: _Season, peaks: dict[str, dict[Month, MonthPeak]]) -> list[SeasonFeeder]:
    found = []
    for feeder in config.feeder:
        wh = _load(config, own.record, feeder)
        at = int(wh.argmax()) if wh.size and wh.max() > 0 else None
        months = peaks[feeder.id]
        costs = [month.cost for month in months.values() if month.cost is not None]
        found.append(
            SeasonFeeder(
                feeder.id, feeder.contract_kw, int(wh.sum()) / 1000,
                None if own.price is None else float(wh @ own.price) / 1000,
                sum(costs) if costs and own.price is not None else None, float(wh.max(initial=0)) * KW_PER_WH,
                None if at is None else own.record.start_utc_s + at * SLOT_S,
                months[max(months)].billed_kw if months else 0.0,
            )
        )  # fmt: skip
    return found
