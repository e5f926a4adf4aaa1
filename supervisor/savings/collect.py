"""What a period saved: from the service's record and the weather as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from supervisor.calibration import kept
from supervisor.config import Config
from supervisor.domain.errors import CommandError, TariffError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.weather import Array, WeatherSeries
from supervisor.domain.zone import Zone
from supervisor.energy.baselines import BASELINES
from supervisor.energy.observed import observed
from supervisor.energy.record import read_record
from supervisor.energy.shown import base_charge_of
from supervisor.energy.tables import Places, Record, prices, report
from supervisor.road import Forcing, Pavement
from supervisor.savings import cases
from supervisor.savings.cases import Curve, Saving
from supervisor.savings.error import ModelError, model_errors
from supervisor.savings.replay import AS_SET, CASES, MODELS, Recorded, Replayed, replay
from supervisor.store.energy import surface_hours
from supervisor.tariff.configured import billing_tariff
from supervisor.weather.resample import at_steps, interval_starts_s
from supervisor.weather.storms import Storm

SPIN_UP_S: Final = 3 * 86_400  # after three days a road no longer knows how warm it was taken to be
GAP_S: Final = 3 * 3600 + 60.0  # the coarsest sources give weather every 3 h
HOUR_S: Final = 3600
DAY_SLOTS: Final = 86_400 // SLOT_S
MIDDLE: Final = MODELS.index(0.0)


class ZoneSaving(Struct, frozen=True):
    """One zone: what it took as recorded, and what the baseline as its makers set it would have taken."""

    zone: str
    calibrated: bool
    error: ModelError
    kwh: float
    baseline_kwh: float
    ice_min: float  # with the recorded heat, by the zone's road
    baseline_ice_min: float


class Cleared(Struct, frozen=True):
    """How soon roads were free of snow and ice after a storm, by the zones' roads with the recorded heat."""

    onset_utc_s: int
    end_utc_s: int
    longest_min: float | None  # of the zones; None where one was not free within a day or the period
    median_min: float | None
    late: tuple[str, ...]  # zones beyond the limit


class Savings(Struct, frozen=True):
    """Money in `currency`; without a tariff kWh in its place."""

    site: str
    timezone: str
    from_utc_s: int
    to_utc_s: int
    baseline: str
    currency: str
    clear_within_min: float
    kwh: Saving  # as done
    cost: Saving  # as done
    ice_min: Saving  # as done
    same_money_ice_min: Saving
    same_ice_cost: Saving
    zones: tuple[ZoneSaving, ...]
    storms: tuple[Cleared, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A period on whole quarters of an hour [UTC s], and against what it is compared."""

    from_utc_s: int
    to_utc_s: int
    baseline: str
    weather_path: Path | None
    clear_within_min: float


Cost = Callable[[npt.NDArray[np.int64]], float]


def collect(config: Config, db: sqlite3.Connection, asked: Asked) -> Savings:
    """Raises CommandError for a period without record or weather, and WeatherError."""
    weather, storms = observed(config, db, asked.from_utc_s - SPIN_UP_S, asked.to_utc_s, asked.weather_path)
    begin_utc_s = _begin(weather, asked)
    known = kept.load(config.state_dir)
    recorded = _recorded(config, db, begin_utc_s, asked, known)
    steps = (asked.to_utc_s - begin_utc_s) // SLOT_S
    forcing: Forcing = at_steps(weather, float(begin_utc_s), float(SLOT_S), steps, config.site)
    errors = model_errors(recorded, forcing)
    sigma = np.array([one.sigma_w_m2 or 0.0 for one in errors])
    replayed = replay(recorded, forcing, BASELINES[asked.baseline], sigma)
    notes = _notes(weather, recorded, errors, known)
    currency, cost = _cost(config, recorded, asked.from_utc_s, errors, notes)
    past = [storm for storm in storms if storm.end_utc_s >= asked.from_utc_s]
    kwh, money, ice, same_money, same_ice = _savings(recorded, replayed, errors, cost)
    return Savings(
        site=config.site.name, timezone=config.site.timezone, from_utc_s=asked.from_utc_s, to_utc_s=asked.to_utc_s,
        baseline=asked.baseline, currency=currency, clear_within_min=asked.clear_within_min,
        kwh=kwh, cost=money, ice_min=ice, same_money_ice_min=same_money, same_ice_cost=same_ice,
        zones=_zones(recorded, replayed, errors, known),
        storms=tuple(_cleared(storm, asked, recorded, replayed) for storm in past),
        notes=tuple(notes),
    )  # fmt: skip


def _begin(weather: WeatherSeries, asked: Asked) -> int:
    """Where the spin-up begins: as early as there is weather."""
    if len(weather) < 2:
        raise CommandError(
            "no weather of this period is on record", where="--from --to", remedy="Give the observed weather: --weather"
        )
    first = max(float(asked.from_utc_s - SPIN_UP_S), float(interval_starts_s(weather)[0]))
    return min(asked.from_utc_s, int(-(-first // SLOT_S)) * SLOT_S)


def _recorded(
    config: Config, db: sqlite3.Connection, begin_utc_s: int, asked: Asked, known: dict[str, dict[str, float]]
) -> Recorded:
    record = read_record(db, begin_utc_s, asked.to_utc_s)
    configured = {zone.id: zone for zone in config.zone}
    rows = [n for n, zone in enumerate(record.zones) if zone in configured]
    if not rows:
        raise CommandError("no energy of a zone is on record", where="--from --to", remedy="Give another period")
    zones: list[Zone] = [kept.own_cable(configured[record.zones[n]], known.get(record.zones[n], {})) for n in rows]
    pavements = [Pavement.from_zone(zone, **kept.surface_of(known.get(zone.id, {}))) for zone in zones]
    steps = record.wh.shape[1]
    surface = np.full((steps, len(zones)), np.nan)
    hours: dict[str, list[tuple[int, float]]] = {}
    for zone_id, start_utc_s, celsius in surface_hours(db, begin_utc_s - HOUR_S, asked.to_utc_s + HOUR_S):
        hours.setdefault(zone_id, []).append((start_utc_s, celsius))
    middles = begin_utc_s + SLOT_S * (np.arange(steps, dtype=np.float64) + 0.5)
    for n, zone in enumerate(zones):
        surface[:, n] = _between_hours(middles, hours.get(zone.id, []))
    return Recorded(
        tuple(zones), tuple(pavements), record.wh[rows].T, surface, (asked.from_utc_s - begin_utc_s) // SLOT_S
    )


def _between_hours(middles_utc_s: Array, hours: list[tuple[int, float]]) -> Array:
    """Hourly means brought to quarters, linearly between hours that follow each other; NaN elsewhere."""
    result = np.full(middles_utc_s.size, np.nan)
    if len(hours) < 2:
        return result
    times, celsius = np.array(sorted(hours), dtype=np.float64).T
    times = times + HOUR_S / 2
    after = np.searchsorted(times, middles_utc_s)
    inside = (after > 0) & (after < times.size)
    follow = inside.copy()
    follow[inside] = times[after[inside]] - times[after[inside] - 1] <= HOUR_S
    result[follow] = np.interp(middles_utc_s[follow], times, celsius)
    return result


def _notes(
    weather: WeatherSeries, recorded: Recorded, errors: list[ModelError], known: dict[str, dict[str, float]]
) -> list[str]:
    notes = []
    gap_h = float(np.sum(np.diff(weather.time_utc_s)[np.diff(weather.time_utc_s) > GAP_S])) / HOUR_S
    if gap_h:
        notes.append(f"{gap_h:.0f} h of weather are missing and were taken as between the hours around them")
    named = list(zip(recorded.zones, errors, strict=True))
    unknown = [zone.id for zone, error in named if error.sigma_w_m2 is None]
    if unknown:
        notes.append(f"not in the savings, too few heated hours with a measured surface: {', '.join(unknown)}")
    beyond = [zone.id for zone, error in named if error.sigma_w_m2 is not None and not error.within_guideline]
    if beyond:
        notes.append(f"model beyond ASHRAE Guideline 14 (NMBE 10 %, CV(RMSE) 30 %, hourly): {', '.join(beyond)}")
    generic = [zone.id for zone in recorded.zones if zone.id not in known]
    if generic:
        notes.append(f"generic road, not calibrated: {', '.join(generic)}; run `roadheat calibrate`")
    return notes


def _cost(
    config: Config, recorded: Recorded, from_utc_s: int, errors: list[ModelError], notes: list[str]
) -> tuple[str, Cost]:
    """The currency, and what energy by steps and zones costs. Peaks of earlier months bill neither side."""
    counted = [n for n, error in enumerate(errors) if error.sigma_w_m2 is not None]
    names = tuple(recorded.zones[n].id for n in counted)
    zone_info = ZoneInfo(config.site.timezone)

    def record(wh: npt.NDArray[np.int64]) -> Record:
        nothing = dict.fromkeys(names, 0)
        return Record(from_utc_s, names, np.ascontiguousarray(wh[:, counted].T), nothing, nothing)

    try:
        tariff = billing_tariff(config)
        price = prices(record(recorded.wh[recorded.spin_up :]), tariff)
    except TariffError as error:
        notes.append(f"no cost, kWh in its place: {error}")
        return "kWh", lambda wh: float(wh[:, counted].sum()) / 1000
    places = Places(config.zone, config.feeder, base_charge_of(config, zone_info))

    def cost(wh: npt.NDArray[np.int64]) -> float:
        total = report(record(wh), "feeder", zone_info, price, places)[-1]
        return (total.cost or 0.0) + (total.base_cost or 0.0)

    return tariff.currency, cost


def _wh(recorded: Recorded, replayed: Replayed, model: int, case: int) -> npt.NDArray[np.int64]:
    """Energy by steps and zones [Wh]; case 0 is the record."""
    if case == 0:
        return recorded.wh[recorded.spin_up :]
    full = np.array([round(zone.power_w * SLOT_S / 3600) for zone in recorded.zones], dtype=np.int64)
    return np.asarray(replayed.on[model, case] * full, dtype=np.int64)


def _savings(
    recorded: Recorded, replayed: Replayed, errors: list[ModelError], cost: Cost
) -> tuple[Saving, Saving, Saving, Saving, Saving]:
    counted = np.array([error.sigma_w_m2 is not None for error in errors])
    if not counted.any():
        return (cases.NOT_KNOWN,) * 5
    kwh, curves = [], []
    for model in range(len(MODELS)):
        spent = [_wh(recorded, replayed, model, case) for case in range(CASES)]
        money = [cost(wh) for wh in spent]
        ice = [float(replayed.ice_minutes(model, case)[counted].sum()) for case in range(CASES)]
        curves.append(Curve(money[0], ice[0], tuple(money[1:]), tuple(ice[1:])))
        kwh.append(float((spent[1 + AS_SET] - spent[0])[:, counted].sum()) / 1000)
    return (cases.shown(kwh), *cases.as_done(curves, AS_SET), cases.same_money(curves), cases.same_ice(curves))


def _zones(
    recorded: Recorded, replayed: Replayed, errors: list[ModelError], known: dict[str, dict[str, float]]
) -> tuple[ZoneSaving, ...]:
    base = 1 + AS_SET
    done, theirs = (_wh(recorded, replayed, MIDDLE, case).sum(axis=0) / 1000 for case in (0, base))
    ice, their_ice = (replayed.ice_minutes(MIDDLE, case) for case in (0, base))
    return tuple(
        ZoneSaving(zone.id, zone.id in known, errors[n], *(float(of[n]) for of in (done, theirs, ice, their_ice)))
        for n, zone in enumerate(recorded.zones)
    )


def _cleared(storm: Storm, asked: Asked, recorded: Recorded, replayed: Replayed) -> Cleared:
    first = max(0, int(storm.end_utc_s - asked.from_utc_s) // SLOT_S - 1)  # the step that ends with the snowfall
    icy = replayed.icy[MIDDLE, 0, first : first + 1 + DAY_SLOTS]
    free = ~icy
    minutes = np.where(free.any(axis=0), free.argmax(axis=0) * (SLOT_S / 60.0), np.inf)
    late = tuple(zone.id for zone, at in zip(recorded.zones, minutes, strict=True) if at > asked.clear_within_min)
    longest, median = float(minutes.max()), float(np.median(minutes))
    return Cleared(
        int(storm.onset_utc_s), int(storm.end_utc_s), longest if np.isfinite(longest) else None,
        median if np.isfinite(median) else None, late,
    )  # fmt: skip
