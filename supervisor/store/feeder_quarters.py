"""The load of each feeder by quarters of an hour, and the peak that is billed by then: measurement `feeder_15m`.

It follows the hours (`zone_1h`): those that have ended since the last call, and those that have changed. A record from
before this table existed is taken up a month at a time, so that no call holds the database for long.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from supervisor.domain.plan import SLOT_S
from supervisor.store.labels import Labels
from supervisor.store.tick import escape_tag
from supervisor.tariff.demand import Demand, Month

HOUR_S = 3600
KEEP_S = 5 * 366 * 86_400
CHUNK_S = 31 * 86_400  # of an older record, taken up in one call: 50 zones are a tenth of a second
WH_PER_KW = 250.0  # in a quarter of an hour
UNTIL = "feeder_15m_until_utc_s"  # key of `kv`: the hours before are taken up


def every_quarter(_start_utc_s: float, n_slots: int) -> npt.NDArray[np.bool_]:
    """Peaks of all hours count."""
    return np.ones(n_slots, dtype=bool)


class Billing(Struct, frozen=True):
    """How the billed peak is found."""

    demand: Demand = Demand()
    contract_kw: Mapping[str, float] = {}  # by feeder
    counts: Callable[[float, int], npt.NDArray[np.bool_]] = every_quarter  # (start [UTC s], n) → which quarters count


class Quarter(Struct, frozen=True):
    """A row of the table."""

    start_utc_s: int
    feeder: str
    energy_wh: int
    peak_wh: int
    billed_kw: float


def line(site: str, quarter: Quarter) -> str:
    """Its point."""
    return (
        f"feeder_15m,site={escape_tag(site)},feeder={escape_tag(quarter.feeder)} "
        f"mean_kw={quarter.energy_wh / WH_PER_KW},energy_wh={quarter.energy_wh}i,"
        f"peak_kw={quarter.peak_wh / WH_PER_KW},billed_kw={quarter.billed_kw} {quarter.start_utc_s}"
    )


def between(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> list[Quarter]:
    """The quarters that start in a period, by feeder and time."""
    rows = db.execute(
        "SELECT start_utc_s, feeder, energy_wh, peak_wh, billed_kw FROM feeder_15m WHERE start_utc_s >= ? "
        "AND start_utc_s < ? AND feeder IN (SELECT DISTINCT feeder FROM zone_feeder) ORDER BY feeder, start_utc_s",
        (from_utc_s, to_utc_s),
    )
    return [Quarter(*row) for row in rows]


def prune(db: sqlite3.Connection, now_utc_s: int) -> None:
    """Delete quarters older than five years."""
    feeders = db.execute("SELECT DISTINCT feeder FROM zone_feeder").fetchall()
    for (feeder,) in feeders:  # along the index
        db.execute("DELETE FROM feeder_15m WHERE feeder = ? AND start_utc_s < ?", (feeder, now_utc_s - KEEP_S))


def bring_up(
    db: sqlite3.Connection, labels: Labels, billing: Billing, timezone: ZoneInfo, changed: Iterable[int], last: int
) -> list[Quarter]:
    """Take in hours: the `changed` ones, and others up to the one that starts at `last`; returns what is new."""
    until = _until(db, last)
    upto = min(last, until + CHUNK_S)
    hours = {hour for hour in changed if hour < until}
    hours |= {
        int(hour)
        for (hour,) in db.execute(
            "SELECT DISTINCT start_utc_s FROM zone_1h WHERE start_utc_s >= ? AND start_utc_s <= ?", (until, upto)
        )
    }
    moved = _sum_up(db, labels, sorted(hours))
    db.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", (UNTIL, str(max(until, upto + 1))))
    return [
        quarter for feeder, starts in moved.items() for quarter in _Peaks(db, feeder, billing, timezone).follow(starts)
    ]


def _until(db: sqlite3.Connection, last: int) -> int:
    row = db.execute("SELECT value FROM kv WHERE key = ?", (UNTIL,)).fetchone()
    try:
        return int(row[0])
    except (TypeError, ValueError):  # none yet, or damaged: from the beginning of what is kept
        first = db.execute("SELECT min(start_utc_s) FROM zone_1h").fetchone()[0]
        return max(last - KEEP_S, last if first is None else int(first))


def _sum_up(db: sqlite3.Connection, labels: Labels, hours: list[int]) -> dict[str, set[int]]:
    """Write the energy of these hours; returns the starts of the quarters that are not what they were, by feeder."""
    moved: dict[str, set[int]] = {}
    for hour in hours:
        sums: dict[tuple[str, int], int] = {}
        for zone, *quarters in db.execute(
            "SELECT zone, wh0, wh1, wh2, wh3 FROM zone_1h WHERE start_utc_s = ?", (hour,)
        ):
            for start, energy_wh in zip(range(hour, hour + HOUR_S, SLOT_S), quarters, strict=True):
                feeder = labels.supplier(zone, start)
                if feeder:
                    sums[feeder, start] = sums.get((feeder, start), 0) + energy_wh
        for (feeder, start), energy_wh in sums.items():
            changed = db.execute(
                "INSERT INTO feeder_15m VALUES (?, ?, ?, 0, 0) ON CONFLICT DO UPDATE SET "
                "energy_wh = excluded.energy_wh WHERE energy_wh != excluded.energy_wh",
                (start, feeder, energy_wh),
            )
            if changed.rowcount:
                moved.setdefault(feeder, set()).add(start)
    return moved


class _Peaks:
    """Brings a feeder's peaks up to date from the first quarter that moved, as far as they come out different."""

    def __init__(self, db: sqlite3.Connection, feeder: str, billing: Billing, timezone: ZoneInfo) -> None:
        self._db = db
        self._feeder = feeder
        self._billing = billing
        self._timezone = timezone

    def follow(self, moved: set[int]) -> list[Quarter]:
        """What is new from the first of `moved` on."""
        found: list[Quarter] = []
        last = max(moved)
        at: int | None = min(moved)
        months_left = 0  # that look back to a month whose peak is another now
        while at is not None:
            month, begin, end = self._month(at)
            rows = self._rows(at, end)
            peak_wh = self._peak_before(begin, at)
            floor_kw = self._floor_kw(month)
            counts = self._billing.counts(at, (end - at) // SLOT_S)
            stood_wh = peak_wh
            for start, energy_wh, stood_wh, stood_kw in rows:
                if counts[(start - at) // SLOT_S]:
                    peak_wh = max(peak_wh, energy_wh)
                billed_kw = round(max(peak_wh / WH_PER_KW, floor_kw), 3)
                same = (peak_wh, billed_kw) == (stood_wh, stood_kw)
                if same and start not in moved:
                    if start > last and not months_left:
                        return found
                    continue
                self._db.execute(
                    "UPDATE feeder_15m SET peak_wh = ?, billed_kw = ? WHERE feeder = ? AND start_utc_s = ?",
                    (peak_wh, billed_kw, self._feeder, start),
                )
                found.append(Quarter(start, self._feeder, energy_wh, peak_wh, billed_kw))
            if peak_wh != stood_wh and self._billing.demand.ratchet:
                months_left = self._billing.demand.window_months
            months_left = max(0, months_left - 1)
            at = self._next(end) if months_left or end <= last else None
        return found

    def _rows(self, from_utc_s: int, to_utc_s: int) -> list[tuple[int, int, int, float]]:
        return self._db.execute(
            "SELECT start_utc_s, energy_wh, peak_wh, billed_kw FROM feeder_15m "
            "WHERE feeder = ? AND start_utc_s >= ? AND start_utc_s < ? ORDER BY start_utc_s",
            (self._feeder, from_utc_s, to_utc_s),
        ).fetchall()

    def _next(self, from_utc_s: int) -> int | None:
        row = self._db.execute(
            "SELECT min(start_utc_s) FROM feeder_15m WHERE feeder = ? AND start_utc_s >= ?", (self._feeder, from_utc_s)
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def _peak_before(self, from_utc_s: int, to_utc_s: int) -> int:
        """The peak as the last quarter of a period has it; 0 without one."""
        row = self._db.execute(
            "SELECT peak_wh FROM feeder_15m WHERE feeder = ? AND start_utc_s >= ? AND start_utc_s < ? "
            "ORDER BY start_utc_s DESC LIMIT 1",
            (self._feeder, from_utc_s, to_utc_s),
        ).fetchone()
        return int(row[0]) if row else 0

    def _floor_kw(self, month: Month) -> float:
        peaks_kw = {}
        for earlier in self._billing.demand.earlier(month):
            begin, end = self._bounds(earlier)
            peaks_kw[earlier] = self._peak_before(begin, end) / WH_PER_KW
        contract_kw = self._billing.contract_kw.get(self._feeder, 0.0)
        return self._billing.demand.floor_kw(month, peaks_kw, contract_kw)

    def _month(self, utc_s: int) -> tuple[Month, int, int]:
        local = datetime.fromtimestamp(utc_s, UTC).astimezone(self._timezone)
        month = (local.year, local.month)
        return month, *self._bounds(month)

    def _bounds(self, month: Month) -> tuple[int, int]:
        """The first second of a local month, and of the next [UTC s]."""
        year, number = month
        first = datetime(year, number, 1, tzinfo=self._timezone)
        following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=self._timezone)
        return int(first.timestamp()), int(following.timestamp())
