"""The record of a period as arrays, straight from SQLite: a season of 500 zones is 1.8 million hours."""

from __future__ import annotations

import sqlite3

import numpy as np
import numpy.typing as npt

from supervisor.domain.plan import SLOT_S
from supervisor.energy.tables import HOUR_S, Record, slots_between
from supervisor.store.energy import SEPARATOR, grouped_hours

_QUARTERS = HOUR_S // SLOT_S
ROOM_ZONES = 16  # memory that is not written to takes no space


def read_record(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> Record:
    """The energy between two moments on whole quarters of an hour [UTC s].

    The hours that hold both ends are divided. Raises CommandError for an empty period.
    """
    slots = slots_between(from_utc_s, to_utc_s)
    first_utc_s = from_utc_s - from_utc_s % HOUR_S
    index: dict[str, int] = {}
    wh, times = np.zeros((0, slots), dtype=np.int64), np.zeros((0, 2), dtype=np.int64)
    names, rows = "", np.zeros(0, dtype=np.int64)
    for start_utc_s, named, numbers in grouped_hours(db, first_utc_s, to_utc_s):
        if named != names:  # nearly every hour has the zones of the one before
            names = named
            rows = np.array([index.setdefault(zone, len(index)) for zone in named.split(SEPARATOR)], dtype=np.int64)
            wh, times = _grown(wh, len(index)), _grown(times, len(index))
        pairs = _unpack(np.fromstring(numbers, dtype=np.int64, sep=" ").reshape(-1, 3))
        first = (start_utc_s - from_utc_s) // SLOT_S
        low, high = max(0, -first), min(_QUARTERS, slots - first)
        wh[rows, first + low : first + high] = pairs[:, low:high]
        inside_s = min(start_utc_s + HOUR_S, to_utc_s) - max(start_utc_s, from_utc_s)
        times[rows] += pairs[:, 4:] * inside_s // HOUR_S
    zones = tuple(sorted(index))
    order = [index[zone] for zone in zones]
    wh = wh[: len(zones)] if order == list(range(len(zones))) else wh[order]  # a copy doubles the memory
    on_s, covered_s = ({zone: int(times[index[zone], n]) for zone in zones} for n in (0, 1))
    return Record(from_utc_s, zones, wh, on_s, covered_s)


def _grown(rows: npt.NDArray[np.int64], needed: int) -> npt.NDArray[np.int64]:
    """The same with room for `needed` zones and some more."""
    if len(rows) >= needed:
        return rows
    more = np.zeros((needed + ROOM_ZONES, rows.shape[1]), dtype=np.int64)
    more[: len(rows)] = rows
    return more


def _unpack(packed: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Two signed numbers of 32 bits of each, the lower first: shape (n, 3) → (n, 6)."""
    low = packed.astype(np.int32).astype(np.int64)
    return np.stack([low, (packed - low) >> 32], axis=2).reshape(len(packed), 6)
