"""Energy and cost from the embedded store: by zone, by local day, by feeder. Needs no InfluxDB."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from supervisor.domain.errors import CommandError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder, Zone
from supervisor.energy.base_charge import BaseCharge, Load
from supervisor.store.rollup import local_day
from supervisor.tariff.kind import Tariff

By = Literal["zone", "day", "feeder"]

SLOTS_MAX = 20 * 366 * 96  # twenty years at once
HOUR_S = 3600
KW_PER_WH = 3.6 / SLOT_S  # energy of a slot [Wh] → its mean power [kW]


@dataclass(frozen=True)
class Record:
    """Energy on the tariff's grid. `wh` has shape (zones, slots); slot i starts at `start_utc_s` + i·SLOT_S.

    A record of sums (`record.read_sums`) has one row for all its zones.
    """

    start_utc_s: int
    zones: tuple[str, ...]
    wh: npt.NDArray[np.int64]
    on_s: dict[str, int]
    covered_s: dict[str, int]
    now_utc_s: float = float("inf")  # hours that have not come yet are not without telemetry

    @property
    def hours(self) -> float:
        """Length of the period as far as it has passed [h], a quarter of an hour at least."""
        end = min(self.start_utc_s + int(self.wh.shape[1]) * SLOT_S, self.now_utc_s)
        return max(end - self.start_utc_s, SLOT_S) / 3600


class Row(Struct, frozen=True):
    """One line of the report. None: not applicable, or there is no tariff."""

    what: str
    kwh: float
    peak_kw: float  # highest 15-min mean
    cost: float | None = None  # energy
    base_cost: float | None = None  # for the months' peaks
    on_h: float | None = None
    covered: float | None = None  # part of the period with telemetry


@dataclass(frozen=True)
class Places:
    """Where the energy was used: names of zones, feeders, and how their base charges are found.

    `since` is a record that ends with the report's and begins with the first month whose peak it bills.
    """

    zones: Sequence[Zone] = ()
    feeders: Sequence[Feeder] = ()
    base_charge: BaseCharge | None = None
    since: Record | None = None


NOWHERE = Places()


def slots_between(from_utc_s: int, to_utc_s: int) -> int:
    """Length of a period in slots. Raises CommandError for one that is empty or too long."""
    slots = (to_utc_s - from_utc_s) // SLOT_S
    if not 0 < slots <= SLOTS_MAX:
        raise CommandError(
            "the period is empty or too long", where="--from --to", remedy="--to is the end of the period, exclusive"
        )
    return slots


def prices(record: Record, tariff: Tariff | None) -> npt.NDArray[np.float64] | None:
    """Price of each slot [currency/kWh]. Raises TariffError where the tariff does not reach over the period."""
    return None if tariff is None else tariff.prices(record.start_utc_s, record.wh.shape[1], SLOT_S)


def report(
    record: Record,
    by: By,
    timezone: ZoneInfo,
    price: npt.NDArray[np.float64] | None = None,
    places: Places = NOWHERE,
) -> list[Row]:
    """The lines of a report, the last one is the total."""
    if by == "zone":
        rows = _by_zone(record, price, {zone.id: zone.name for zone in places.zones})
    elif by == "day":
        rows = _by_day(record, price, timezone)
    else:
        rows = _by_feeder(record, price, places)
    total = _row("all", record.wh.sum(axis=0), price)
    base = [row.base_cost for row in rows if row.base_cost is not None]
    on_h = sum(record.on_s.values()) / 3600
    covered = sum(record.covered_s.values()) / 3600 / record.hours / max(1, len(record.zones))
    rows.append(
        Row("all", total.kwh, total.peak_kw, total.cost, sum(base) if base else None, on_h, min(1.0, covered))
    )  # fmt: skip
    return rows


def _row(what: str, wh: npt.NDArray[np.int64], price: npt.NDArray[np.float64] | None) -> Row:
    cost = None if price is None else float(wh @ price) / 1000
    return Row(what, int(wh.sum()) / 1000, float(wh.max(initial=0)) * KW_PER_WH, cost)


def _by_zone(record: Record, price: npt.NDArray[np.float64] | None, names: dict[str, str]) -> list[Row]:
    rows = []
    for zone, wh in zip(record.zones, record.wh, strict=True):
        row = _row(f"{zone} {names[zone]}" if names.get(zone) else zone, wh, price)
        covered = min(1.0, record.covered_s[zone] / 3600 / record.hours)
        rows.append(Row(row.what, row.kwh, row.peak_kw, row.cost, None, record.on_s[zone] / 3600, covered))
    return rows


def _days(record: Record, timezone: ZoneInfo) -> list[tuple[str, int, int]]:
    """Local days of a record: (date, first slot, past the last)."""
    spans: list[tuple[str, int, int]] = []
    slots = record.wh.shape[1]
    slot = 0
    while slot < slots:
        day, _, past_utc_s = local_day(record.start_utc_s + slot * SLOT_S, timezone)
        past = min(slots, (past_utc_s - record.start_utc_s) // SLOT_S)
        spans.append((day, slot, past))
        slot = past
    return spans


def _by_day(record: Record, price: npt.NDArray[np.float64] | None, timezone: ZoneInfo) -> list[Row]:
    wh = record.wh.sum(axis=0)
    return [
        _row(day, wh[first:last], None if price is None else price[first:last])
        for day, first, last in _days(record, timezone)
    ]


def _by_feeder(record: Record, price: npt.NDArray[np.float64] | None, places: Places) -> list[Row]:
    feeder_of = {zone.id: zone.feeder for zone in places.zones}
    strangers = [zone for zone in record.zones if zone not in feeder_of]
    rows = []
    for feeder in places.feeders:
        row = _row(feeder.id, _load(record, feeder, feeder_of), price)
        base = None
        if places.base_charge is not None:
            since = places.since or record
            load = Load(since.start_utc_s, _load(since, feeder, feeder_of))
            base = places.base_charge.of(feeder, load, record.start_utc_s)
        rows.append(Row(row.what, row.kwh, row.peak_kw, row.cost, base))
    if strangers:  # zones no longer configured: their energy still counts
        members = [record.zones.index(zone) for zone in strangers]
        rows.append(_row("zones no longer configured", record.wh[members].sum(axis=0), price))
    return rows


def _load(record: Record, feeder: Feeder, feeder_of: Mapping[str, str]) -> npt.NDArray[np.int64]:
    members = [i for i, zone in enumerate(record.zones) if feeder_of.get(zone) == feeder.id]
    return np.asarray(record.wh[members].sum(axis=0), dtype=np.int64)


def write_csv(path: Path, rows: Sequence[Row], by: By, currency: str) -> None:
    """The same lines for a spreadsheet; the last one ("all") is left out."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        money = [f"energy_cost_{currency.lower()}", f"base_cost_{currency.lower()}"] if currency else []
        table.writerow([by, "kwh", "peak_kw", *money, "on_h", "covered"])
        for row in rows[:-1]:
            costs = [_cell(row.cost, 2), _cell(row.base_cost, 2)] if currency else []
            table.writerow(
                [row.what, f"{row.kwh:.3f}", f"{row.peak_kw:.3f}", *costs, _cell(row.on_h, 3), _cell(row.covered, 4)]
            )


def _cell(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
