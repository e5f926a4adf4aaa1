"""All figures of a calendar year, with those of the year before beside them."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import Struct

from supervisor.config import Config
from supervisor.domain.errors import CommandError, RoadheatError
from supervisor.reports.certification.figures import ENERGY, QUERIES, SERVICE
from supervisor.savings.cases import Saving
from supervisor.savings.collect import Asked, Savings
from supervisor.savings.collect import collect as collect_savings

BASELINE: Final = "reactive"  # what the city's cabinets did before: heat at ≤2 °C and wet
WINTERS: Final = (("01-01", "05-01"), ("10-01", "12-31T23:59:59"))  # parts of a year in which roads may need heat
YEARS: Final = range(2000, 2100)


class Figure(Struct, frozen=True, kw_only=True):
    """One figure. `value` null: not known, and `why` says so where there is a reason."""

    id: str
    group: str
    unit: str
    value: float | None
    before: float | None = None  # of the year before
    source: str  # the query or the command that gives it
    why: str = ""


class Certification(Struct, frozen=True, kw_only=True):
    """A year of a district."""

    site: str
    timezone: str
    year: int
    from_utc_s: int
    to_utc_s: int
    made_utc_s: int
    figures: tuple[Figure, ...]


def span_of(year: int, timezone: ZoneInfo) -> tuple[int, int]:
    """From the first second of a local year to that of the next [UTC s]."""
    first, past = (int(datetime(one, 1, 1, tzinfo=timezone).timestamp()) for one in (year, year + 1))
    return first, past


def collect(config: Config, db: sqlite3.Connection, year: int, now_utc_s: int) -> Certification:
    """Raises CommandError for a year that is none, StoreError by way of sqlite3 for a database from before."""
    if year not in YEARS:
        raise CommandError("not a year", where=f"--year {year}", remedy="Write one such as 2026")
    timezone = ZoneInfo(config.site.timezone)
    begin, past = span_of(year, timezone)
    if begin > now_utc_s:
        raise CommandError("this year has not begun", where=f"--year {year}", remedy="Ask for one of the record")
    earlier = span_of(year - 1, timezone)
    values: dict[str, float | None] = {}
    figures: list[Figure] = [
        Figure(id="roads", group=SERVICE, unit="", value=float(len(config.zone)), source="city.toml: [[zone]]"),
        Figure(id="area", group=SERVICE, unit="m²", value=sum(zone.area_m2 for zone in config.zone),
               source="city.toml: zone.area_m2"),
    ]  # fmt: skip
    for one in QUERIES:
        values[one.id] = _ask(db, one.sql, begin, past, now_utc_s)
        before = _ask(db, one.sql, *earlier, now_utc_s)
        figures.append(
            Figure(id=one.id, group=one.group, unit=one.unit, value=values[one.id], before=before, source=one.sql)
        )
    area = figures[1].value or 0.0
    energy = values["energy"]
    figures.append(Figure(
        id="energy_per_area", group=ENERGY, unit="kWh/m²", value=energy / area if energy is not None and area else None,
        source="energy / area",
    ))  # fmt: skip
    figures += _served(config, db, year, now_utc_s)
    return Certification(
        site=config.site.name, timezone=config.site.timezone, year=year, from_utc_s=begin, to_utc_s=past,
        made_utc_s=now_utc_s, figures=tuple(figures),
    )  # fmt: skip


def _ask(db: sqlite3.Connection, sql: str, begin: int, past: int, now: int) -> float | None:
    row = db.execute(sql, {"from": begin, "to": past, "now": now}).fetchone()
    return None if row is None or row[0] is None else float(row[0])


def _served(config: Config, db: sqlite3.Connection, year: int, now_utc_s: int) -> list[Figure]:
    """What roads had of ice, how soon they were clear, and the three cases of saving: of both winters' parts."""
    parts: list[Savings] = []
    reasons: list[str] = []
    spans = []
    for first, last in WINTERS:
        begin, past = (int(_local(f"{year}-{day}", config.site.timezone)) for day in (first, last))
        begin, past = begin - begin % 900, min(past + -past % 900, now_utc_s - now_utc_s % 900)
        known = db.execute(
            "SELECT min(start_utc_s), max(start_utc_s) + 3600 FROM zone_1h WHERE start_utc_s >= ? AND start_utc_s < ?",
            (begin, past),
        ).fetchone()
        if known[0] is None:
            continue
        asked = Asked(int(known[0]), min(int(known[1]), past), BASELINE, None, config.reports.clear_within_min)
        spans.append(f"--from {_day(asked.from_utc_s, config)} --to {_day(asked.to_utc_s, config)}")
        try:
            parts.append(collect_savings(config, db, asked))
        except RoadheatError as error:
            reasons.append(str(error))
    source = "; ".join(f"roadheat savings --baseline {BASELINE} {span}" for span in spans)
    why = "; ".join(reasons) or ("" if parts else "no energy of a winter is on record")
    roads = {zone.zone: 0.0 for part in parts for zone in part.zones}
    theirs = dict(roads)
    for part in parts:
        for zone in part.zones:
            roads[zone.zone] += zone.ice_min
            theirs[zone.zone] += zone.baseline_ice_min
    storms = [storm for part in parts for storm in part.storms]
    zones_by_storm = sum(len(part.zones) * len(part.storms) for part in parts)
    late = sum(len(storm.late) for storm in storms)
    medians = [storm.median_min for storm in storms if storm.median_min is not None]
    longest = [storm.longest_min for storm in storms]

    def figure(id: str, group: str, unit: str, value: float | None, reason: str = "") -> Figure:
        return Figure(id=id, group=group, unit=unit, value=value, source=source, why=(reason or why) * (value is None))

    money = next((part.currency for part in parts), "")
    return [
        figure("ice_minutes", SERVICE, "min", float(np.mean(list(roads.values()))) if roads else None),
        figure("ice_minutes_before", SERVICE, "min", float(np.mean(list(theirs.values()))) if theirs else None),
        figure("storms", SERVICE, "", float(len(storms)) if parts else None),
        figure("clear_median", SERVICE, "min", float(np.median(medians)) if medians else None),
        figure("clear_longest", SERVICE, "min",
               max(float(one) for one in longest if one is not None) if longest and None not in longest else None,
               "a road was not clear within a day" if None in longest else ""),
        figure("clear_in_time", SERVICE, "%", 100.0 * (1 - late / zones_by_storm) if zones_by_storm else None),
        _saving("saved_energy", "kWh", [part.kwh for part in parts], source, why),
        _saving("saved_cost", money, [part.cost for part in parts], source, why),
        _saving("saved_ice", "min", [part.ice_min for part in parts], source, why),
        _saving("same_money_ice", "min", [part.same_money_ice_min for part in parts], source, why),
        _saving("same_ice_cost", money, [part.same_ice_cost for part in parts], source, why),
    ]  # fmt: skip


def _saving(id: str, unit: str, found: list[Saving], source: str, why: str) -> Figure:
    """The sum of the winters' parts; not known where one of them is not."""
    values = [one.value for one in found if one.value is not None]
    whole = bool(found) and len(values) == len(found)
    reason = "; ".join(one.why for one in found if one.value is None) or why
    return Figure(
        id=id, group=ENERGY, unit=unit, value=sum(values) if whole else None, source=source,
        why="" if whole else reason,
    )  # fmt: skip


def _local(text: str, timezone: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).timestamp()


def _day(utc_s: int, config: Config) -> str:
    return f"{datetime.fromtimestamp(utc_s, ZoneInfo(config.site.timezone)):%Y-%m-%dT%H:%M}"
