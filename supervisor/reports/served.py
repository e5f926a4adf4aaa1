"""What roads were served in a storm, beside the conventional rule replayed in the same weather."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct

from supervisor.config import Config
from supervisor.domain.errors import RoadheatError
from supervisor.domain.plan import SLOT_S
from supervisor.reports.window import AFTER_S, AHEAD_S
from supervisor.savings.collect import Asked, Cleared, Savings, collect
from supervisor.store import database, place_of

BASELINE: Final = "reactive"  # heat at ≤2 °C and wet: what the city's cabinets do today


class Served(Struct, frozen=True):
    """One storm by the zones' calibrated roads with the recorded heat. Null: not known, see `why`."""

    onset_utc_s: int
    end_utc_s: int
    limit_min: int  # of the ordinance
    ice_min: float | None = None  # with snow, ice or frost on the road, mean of the roads
    baseline_ice_min: float | None = None
    energy_part: float | None = None  # difference to the baseline's energy as a part of it: −0.06 is 6 % less
    longest_min: float | None = None  # from the end of snowfall until the last road was clear; null: not within a day
    median_min: float | None = None
    late: tuple[str, ...] = ()  # roads that were not clear within the limit
    why: str = ""


@dataclass(frozen=True)
class Job:
    """Storms to be replayed: (onset, end) [UTC s]."""

    config: Config
    storms: tuple[tuple[int, int], ...]
    now_utc_s: float


def serve(job: Job) -> list[Served]:
    """For a worker process: some tenths of a second of computing for each storm and fifty roads."""
    with contextlib.closing(database.connect_read_only(place_of(job.config))) as db:
        return [served(job.config, db, storm, job.now_utc_s) for storm in job.storms]


def served(
    config: Config, db: sqlite3.Connection, storm: tuple[int, int], now_utc_s: float, path: Path | None = None
) -> Served:
    """What is not known leaves the figures out and says why. `path`: a station's file, else the record's weather."""
    onset_utc_s, end_utc_s = storm
    limit_min = config.reports.clear_within_min
    begin, past = onset_utc_s - AHEAD_S, min(end_utc_s + max(AFTER_S, limit_min * 60 + SLOT_S), int(now_utc_s))
    asked = Asked(begin // SLOT_S * SLOT_S, past // SLOT_S * SLOT_S, BASELINE, path, limit_min)
    nothing = Served(onset_utc_s, end_utc_s, limit_min)
    try:
        found = collect(config, db, asked)
    except RoadheatError as error:
        return Served(onset_utc_s, end_utc_s, limit_min, why=str(error))
    return _said(nothing, found)


def _said(nothing: Served, found: Savings) -> Served:
    zones = [zone for zone in found.zones if zone.error.sigma_w_m2 is not None] or list(found.zones)
    ice, theirs = (float(np.mean([getattr(zone, name) for zone in zones])) for name in ("ice_min", "baseline_ice_min"))
    base_kwh = sum(zone.baseline_kwh for zone in zones)
    shown = found.kwh.value is not None and base_kwh > 0
    mine = _of_storm(found.storms, nothing)
    return Served(
        nothing.onset_utc_s, nothing.end_utc_s, nothing.limit_min, ice_min=ice, baseline_ice_min=theirs,
        energy_part=-(found.kwh.value or 0.0) / base_kwh if shown else None,
        longest_min=mine.longest_min if mine else None, median_min=mine.median_min if mine else None,
        late=mine.late if mine else (), why="" if shown else f"difference in energy {found.kwh.why}".rstrip(),
    )  # fmt: skip


def _of_storm(storms: Sequence[Cleared], wanted: Served) -> Cleared | None:
    return next((one for one in storms if one.onset_utc_s == wanted.onset_utc_s), None)
