"""The record of a period as arrays, straight from SQLite: a season of 500 zones is 1.8 million hours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from supervisor.domain.plan import SLOT_S
from supervisor.energy.tables import HOUR_S, Record, slots_between
from supervisor.store.energy import SEPARATOR, grouped_hours, hour_sums, times_of

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


def read_sums(db: sqlite3.Connection, from_utc_s: int, to_utc_s: int) -> Record:
    """The same with all zones in one row, shape (1, slots): twice as fast, for what needs no energy of single zones."""
    slots = slots_between(from_utc_s, to_utc_s)
    first_utc_s = from_utc_s - from_utc_s % HOUR_S
    hours = np.array(list(hour_sums(db, first_utc_s, to_utc_s)), dtype=np.int64).reshape(-1, 1 + _QUARTERS)
    at = ((hours[:, :1] - from_utc_s) // SLOT_S + np.arange(_QUARTERS)).ravel()
    inside = (at >= 0) & (at < slots)
    wh = np.zeros((1, slots), dtype=np.int64)
    wh[0, at[inside]] = hours[:, 1:].ravel()[inside]
    times: dict[str, list[int]] = {}
    for start_utc_s, past_utc_s in _by_whole_hours(first_utc_s, from_utc_s, to_utc_s):
        span_s = past_utc_s - start_utc_s
        inside_s = min(past_utc_s, to_utc_s) - max(start_utc_s, from_utc_s)
        for zone, (on_s, covered_s) in times_of(db, start_utc_s, past_utc_s).items():
            found = times.setdefault(zone, [0, 0])
            found[0] += on_s * inside_s // span_s
            found[1] += covered_s * inside_s // span_s
    on_s_of, covered_s_of = ({zone: times[zone][n] for zone in sorted(times)} for n in (0, 1))
    return Record(from_utc_s, tuple(on_s_of), wh, on_s_of, covered_s_of)


def _by_whole_hours(first_utc_s: int, from_utc_s: int, to_utc_s: int) -> Iterator[tuple[int, int]]:
    """The hours of a period: those that an end divides each on its own, and all others together."""
    begin, end = first_utc_s, to_utc_s - to_utc_s % HOUR_S
    if begin < from_utc_s:
        yield begin, begin + HOUR_S
        begin += HOUR_S
    if begin < end:
        yield begin, end
    if max(begin, end) < to_utc_s:
        yield end, end + HOUR_S


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
