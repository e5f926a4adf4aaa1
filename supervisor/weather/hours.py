"""The times of a source on one grid: rows sorted, doubled ones dropped, skipped ones put in, too long holes cut off."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import Array
from supervisor.weather.gate import ESSENTIAL, GAP_MAX_S, TIME_UTC_S, Columns, Mask, Where, refuse, utc_text

Rows = npt.NDArray[np.intp]
HOUR = "hour"  # the kind of a row in a `Tally`
ROWS_PER_ROW_MAX = 10  # a few seconds between most rows and hours between others would fill the memory
# Longer holes end what is used of a series: a front passes in 6 h, and after half a day the air is another's.
HOLE_MAX_S = {"air_c": 12 * 3600.0, "precipitation_mm_h": 6 * 3600.0}


def check_times(time_utc_s: Array, where: Where) -> float:
    """The step [s] of a series whose times rise on one grid with no hole over 3 h; else raises WeatherError."""
    if time_utc_s.size < 2:
        raise refuse(f"{time_utc_s.size} rows", where("time", 0), "A series needs at least two rows")
    odd = ~((time_utc_s >= TIME_UTC_S[0]) & (time_utc_s <= TIME_UTC_S[1]))
    if odd.any():
        row = int(np.argmax(odd))
        text = f"{time_utc_s[row]} s since 1970 is not a usable time"
        raise refuse(text, where("time", row), "Each row needs a time")
    steps = np.diff(time_utc_s)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        kind = "duplicate time" if steps[row - 1] == 0 else "time goes backwards"
        text = f"{kind} {utc_text(time_utc_s[row])}"
        raise refuse(text, where("time", row), "Each row must be later than the last")
    if (steps > GAP_MAX_S).any():
        row = int(np.argmax(steps > GAP_MAX_S)) + 1
        text = f"gap of {steps[row - 1] / 3600:.1f} h before {utc_text(time_utc_s[row])}"
        raise refuse(text, where("time", row), "Gaps over 3 h cannot be repaired; cut the series there")
    step = _commonest(steps)
    off = np.abs(steps / step - np.round(steps / step)) > 1e-6
    if off.any():
        row = int(np.argmax(off)) + 1
        text = f"time {utc_text(time_utc_s[row])} is off the {step:g} s grid"
        raise refuse(text, where("time", row), "Shifted times are refused: their hour is ambiguous")
    return step


def on_grid(time_utc_s: Array, columns: Columns, where: Where, tally: Tally) -> tuple[Rows, float]:
    """The rows to use, in the order of time, and their step [s].

    Dropped are rows without a usable time, the emptier of two with the same time (the earlier, if equal), rows off the
    grid of most and those beyond a gap over `HOLE_MAX_S` of the longest stretch. Raises WeatherError where fewer than
    two rows or only the lesser part are left.
    """
    usable = (time_utc_s >= TIME_UTC_S[0]) & (time_utc_s <= TIME_UTC_S[1])
    known = sum((~np.isnan(values) for values in columns.values()), np.zeros(time_utc_s.size, dtype=np.intp))
    order = np.lexsort((np.arange(time_utc_s.size), known, time_utc_s))
    rows = order[usable[order]]
    if rows.size:
        rows = rows[np.append(np.diff(time_utc_s[rows]) > 0.0, True)]
    if rows.size < 2:
        raise refuse(f"{rows.size} rows with a time", where("time", 0), "A series needs at least two rows")
    step = _commonest(np.diff(time_utc_s[rows]))
    phase = np.round(time_utc_s[rows] % step, 3)
    rows = rows[phase == _commonest(phase)]
    edges = np.flatnonzero(np.diff(time_utc_s[rows]) > max(HOLE_MAX_S.values())) + 1
    rows = max(np.split(rows, edges), key=len)
    dropped = time_utc_s.size - rows.size
    if rows.size < 2 or dropped > rows.size:
        text = f"only {rows.size} of {time_utc_s.size} times are on one grid of {step:g} s"
        raise refuse(text, where("time", 0), "Times must rise by equal steps")
    tally.add(Treatment.DROPPED, HOUR, dropped)
    return rows, step


def insert_rows(time_utc_s: Array, columns: Columns, step_s: float, tally: Tally) -> tuple[Array, Columns, Array]:
    """Rows for times that the source skips, empty. Also returns each new row's row in the source (n,)."""
    count = round(float(time_utc_s[-1] - time_utc_s[0]) / step_s) + 1
    if count > ROWS_PER_ROW_MAX * time_utc_s.size:
        raise refuse(
            f"{time_utc_s.size} of {count} rows at steps of {step_s:g} s", "time", "Most rows are missing: supply them"
        )
    source = np.arange(time_utc_s.size, dtype=np.float64)
    if count == time_utc_s.size:
        return time_utc_s, columns, source
    place = np.round((time_utc_s - time_utc_s[0]) / step_s).astype(np.intp)
    full_time = time_utc_s[0] + step_s * np.arange(count)
    full = {}
    for name, values in columns.items():
        full[name] = np.full(count, np.nan)
        full[name][place] = values
    tally.add(Treatment.ESTIMATED, HOUR, count - time_utc_s.size)
    return full_time, full, np.interp(np.arange(count), place, source)


def usable_stretch(columns: Columns, step_s: float, tally: Tally) -> slice:
    """The rows between which no essential variable has a hole that cannot be bridged: the longest stretch of them.

    What is empty at the end is beyond the model's reach, and so is more than `GAP_MAX_S` at the beginning: cut off
    without being counted.
    """
    essential = [columns[name] for name in ESSENTIAL if name in columns]
    full = np.all([~np.isnan(values) for values in essential], axis=0)
    if not full.any():
        return slice(0, full.size)
    first, last = int(np.argmax(full)), full.size - int(np.argmax(full[::-1]))
    if first * step_s <= GAP_MAX_S:
        first = 0
    bad = np.zeros(full.size, dtype=bool)
    for name in ESSENTIAL:
        for start, end in holes(np.isnan(columns[name][:last])) if name in columns else ():
            bad[start:end] |= (end - start) * step_s > HOLE_MAX_S[name]
    bad[:first] = bad[last:] = True
    start, end = max(holes(~bad), key=lambda hole: hole[1] - hole[0])
    tally.add(Treatment.DROPPED, HOUR, (last - first) - (end - start))
    return slice(start, end)


def holes(missing: Mask) -> list[tuple[int, int]]:
    """Runs of true values, each as (first row, row after the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], missing, [False])).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _commonest(values: Array) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[np.argmax(counts)])
