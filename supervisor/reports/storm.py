"""One storm for the app: what was forecast and planned beside what was done, by quarters of an hour."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from supervisor.config import Config
from supervisor.domain.errors import NotFoundError, TariffError
from supervisor.domain.plan import SLOT_S, Plan
from supervisor.domain.stage import STAGE_EVENT
from supervisor.domain.zone import Zone
from supervisor.energy.observed import observed
from supervisor.energy.record import read_record
from supervisor.energy.tables import KW_PER_WH, prices
from supervisor.reports.window import snowfall, window
from supervisor.store import events
from supervisor.store import plans as stored_plans
from supervisor.tariff.configured import billing_tariff
from supervisor.weather.storms import Storm

AROUND_S: Final = 5 * 86_400  # where a storm is looked for; the longest recorded in Seoul took three days
FORECAST_BACK_S: Final = 24 * 3600
_STAGE: Final = re.compile(r"(\w+) (\d+(?:\.\d+)?) cm")


class StageForecast(Struct, frozen=True):
    """The city's response stage as the forecast changed it."""

    utc_s: int
    stage: str
    depth_cm: float  # fresh snow foreseen for the 24 h from then on


class StormCourse(Struct, frozen=True):
    """Lists have one value a quarter of an hour from `from_utc_s` on, over all roads. Null: not known."""

    onset_utc_s: int
    end_utc_s: int
    from_utc_s: int
    step_s: int
    kw: list[float]
    planned_kw: list[float | None]  # by the plans as they stood at `from_utc_s`; null: beyond their end
    price: list[float] | None  # currency per kWh
    currency: str
    snow_mm_h: list[float]  # water equivalent, as it was
    contract_kw: float
    kwh: float
    planned_kwh: float | None  # null: there was no plan
    hazard_utc_s: int | None  # when the first hazard was to begin, by those plans
    probability: float | None  # of it, 0–1
    stages: list[StageForecast]  # oldest first


def collect_storm(config: Config, db: sqlite3.Connection, onset_utc_s: int, path: Path | None = None) -> StormCourse:
    """The storm that begins at that second, in the record or in a station's file. Raises NotFoundError."""
    begin, end = onset_utc_s - AROUND_S, onset_utc_s + AROUND_S
    series, storms = observed(config, db, begin, end, path)
    storm = next((one for one in storms if int(one.onset_utc_s) == onset_utc_s), None)
    if storm is None:
        raise NotFoundError("no storm began then", where=str(onset_utc_s), remedy="GET /api/v1/energy lists them")
    first, past = (int(at) // SLOT_S * SLOT_S for at in window(storm))
    record = read_record(db, first, past)
    slots, wh = record.wh.shape[1], record.wh.sum(axis=0)
    plans = stored_plans.plans_at(db, [zone.id for zone in config.zone], first)
    planned = planned_kw(plans.values(), config.zone, first, slots)
    snow: npt.NDArray[np.float64] = np.zeros(slots)
    for at, mm, step_s in snowfall(series):
        low, high = ((t - first) // SLOT_S for t in (at, at + step_s))
        snow[max(0, low) : max(0, high)] = mm * 3600 / step_s
    try:
        tariff = billing_tariff(config)
        price, currency = prices(record, tariff), tariff.currency
    except TariffError:
        price, currency = None, ""
    known = planned[~np.isnan(planned)]
    hazards = [one for plan in plans.values() for one in plan.why if one.hazard_utc_s is not None]
    earliest = min(hazards, key=lambda one: one.hazard_utc_s or 0, default=None)
    return StormCourse(
        onset_utc_s=onset_utc_s, end_utc_s=int(storm.end_utc_s), from_utc_s=first, step_s=SLOT_S,
        kw=[round(float(one), 1) for one in wh * KW_PER_WH],
        planned_kw=[None if np.isnan(one) else round(float(one), 1) for one in planned],
        price=None if price is None else [float(one) for one in price], currency=currency,
        snow_mm_h=[round(float(one), 2) for one in snow],
        contract_kw=sum(feeder.contract_kw for feeder in config.feeder), kwh=int(wh.sum()) / 1000,
        planned_kwh=float(known.sum()) * SLOT_S / 3600 if known.size else None,
        hazard_utc_s=earliest.hazard_utc_s if earliest else None,
        probability=earliest.probability if earliest else None, stages=_stages(db, storm),
    )  # fmt: skip


def planned_kw(plans: Iterable[Plan], zones: Iterable[Zone], from_utc_s: int, slots: int) -> npt.NDArray[np.float64]:
    """Power of all roads by slots as planned, shape (slots,); NaN where no plan reaches.

    In standby slots the board decides by itself: they count as nothing.
    """
    power = {zone.id: zone.power_w for zone in zones}
    total = np.full(slots, np.nan)
    for plan in plans:
        if plan.zone not in power:
            continue
        starts = [plan.start_utc_s + slot.start_s for slot in plan.slots]
        for slot, start, end in zip(plan.slots, starts, [*starts[1:], starts[-1] + SLOT_S], strict=True):
            low, high = (min(max((at - from_utc_s) // SLOT_S, 0), slots) for at in (start, end))
            kw = max(slot.duty_permille, 0) / 1000 * power[plan.zone] / 1000
            total[low:high] = np.nan_to_num(total[low:high]) + kw
    return total


def _stages(db: sqlite3.Connection, storm: Storm) -> list[StageForecast]:
    begin = storm.onset_utc_s - FORECAST_BACK_S
    found = []
    for event in events.events(db, begin, storm.end_utc_s, STAGE_EVENT):
        said = _STAGE.match(event.detail)
        if said is not None:
            found.append(StageForecast(event.utc_s, said[1], float(said[2])))
    return found
