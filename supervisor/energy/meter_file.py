"""The utility's meter by quarters of an hour beside the record: energy, the peak, and what either side lacks.

A CSV file with the columns `time` and `kwh`, and `supply` where it has more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from supervisor.domain.errors import CommandError
from supervisor.domain.plan import SLOT_S
from supervisor.domain.zone import Feeder
from supervisor.energy.old_csv import Form, read
from supervisor.energy.period import days
from supervisor.energy.tables import KW_PER_WH
from supervisor.energy.text_file import read_text
from supervisor.store.rollup import local_day

Stamp = Literal["start", "end"]
KWH_TOLERANCE: Final = 0.01  # part: class 1 meters, and energy by rated power
KW_TOLERANCE: Final = 0.02
_MOST: Final = 10.0  # times the breaker: more in a quarter of an hour is another unit
_BAD_SHOWN: Final = 5


class MeterDay(Struct, frozen=True, kw_only=True):
    """A local day whose energy differs, over the quarters that both sides have."""

    day: str
    ours_kwh: float
    theirs_kwh: float


class MeterCheck(Struct, frozen=True, kw_only=True):
    """One supply's month. Peaks are the highest quarters in all hours."""

    supply: str
    ours_kwh: float  # over the quarters that the meter has
    theirs_kwh: float
    ours_peak_kw: float
    theirs_peak_kw: float
    theirs_peak_utc_s: int | None
    missing_quarters: int  # of the month that the meter's file lacks
    missing_from_utc_s: int | None  # the first of them
    days: tuple[MeterDay, ...]
    within: bool
    reason: str


def read_meter(
    path: Path, stamp: Stamp, feeders: Sequence[Feeder], timezone: ZoneInfo, now_utc_s: float
) -> dict[str, dict[int, int]]:
    """Supply → Wh by the start of the quarter [UTC s]. Raises CommandError with the lines that cannot be used."""
    text, encoding = read_text(path)
    header = [name.strip().lower() for name in (text.splitlines() or [""])[0].split(",")]
    if "supply" not in header and len(feeders) != 1:
        raise CommandError("no column 'supply'", where=f"{path}, line 1", remedy="Add it, or name one with --feeder")
    one = "" if "supply" in header else feeders[0].id
    form = Form(
        time="time", energy="kwh", zone_column="" if one else "supply", zone=one, interval_s=SLOT_S,
        stamped_at_end=stamp == "end", encoding=encoding,
    )  # fmt: skip
    most_w = {feeder.id: feeder.breaker_kw * 1000 * _MOST for feeder in feeders}
    found = read(path, form, timezone, most_w, now_utc_s)
    if found.bad:
        shown = "; ".join(f"line {bad.number}: {bad.why}" for bad in found.bad[:_BAD_SHOWN])
        raise CommandError(f"{len(found.bad)} bad rows: {shown}", where=str(path), remedy="Correct or remove them")
    by_supply: dict[str, dict[int, int]] = {}
    for (supply, start_utc_s), wh in found.energy_wh.items():
        by_supply.setdefault(supply, {})[start_utc_s] = wh
    return by_supply


def check(
    supply: str, start_utc_s: int, ours_wh: npt.NDArray[np.int64], theirs: dict[int, int], timezone: ZoneInfo
) -> MeterCheck:
    """A month's comparison. `ours_wh` has shape (slots,), from `start_utc_s` on. Raises CommandError."""
    slots = ours_wh.size
    metered = np.zeros(slots, dtype=np.int64)
    has = np.zeros(slots, dtype=np.bool_)
    for at, wh in theirs.items():
        n = (at - start_utc_s) // SLOT_S
        if 0 <= n < slots:
            metered[n], has[n] = wh, True
    if not has.any():
        raise CommandError("no row of this month", where=f"--meter, supply {supply}", remedy="Give the month's file")
    ours = np.where(has, ours_wh, 0)
    mine, meter = (float(one.sum()) / 1000 for one in (ours, metered))
    peaks = tuple(float(one.max(initial=0)) * KW_PER_WH for one in (ours, metered))
    energy_fits = abs(mine - meter) <= max(abs(meter) * KWH_TOLERANCE, 1.0)
    peak_fits = abs(peaks[0] - peaks[1]) <= max(peaks[1] * KW_TOLERANCE, 1.0)
    reasons = []
    if not energy_fits:
        more = "more" if meter > mine else "less"
        reasons.append(
            f"The meter has {more}: it also counts what else is connected to the supply, and losses; "
            "zones without a meter are estimated."
        )
    if not peak_fits:
        reasons.append("The peak is another: energy of gaps is spread evenly over them, so ours is lower there.")
    missing = np.flatnonzero(~has)
    return MeterCheck(
        supply=supply, ours_kwh=mine, theirs_kwh=meter, ours_peak_kw=peaks[0], theirs_peak_kw=peaks[1],
        theirs_peak_utc_s=start_utc_s + int(metered.argmax()) * SLOT_S if metered.any() else None,
        missing_quarters=int(missing.size),
        missing_from_utc_s=start_utc_s + int(missing[0]) * SLOT_S if missing.size else None,
        days=_days(start_utc_s, ours, metered, timezone), within=energy_fits and peak_fits, reason=" ".join(reasons),
    )  # fmt: skip


def _days(
    start_utc_s: int, ours: npt.NDArray[np.int64], metered: npt.NDArray[np.int64], timezone: ZoneInfo
) -> tuple[MeterDay, ...]:
    found = []
    for first, past in days(start_utc_s, start_utc_s + ours.size * SLOT_S, timezone):
        part = slice((first - start_utc_s) // SLOT_S, (past - start_utc_s) // SLOT_S)
        mine, meter = (float(one[part].sum()) / 1000 for one in (ours, metered))
        if abs(mine - meter) > max(abs(meter) * KWH_TOLERANCE, 1.0):
            found.append(MeterDay(day=local_day(first, timezone)[0], ours_kwh=mine, theirs_kwh=meter))
    return tuple(found)


def said(one: MeterCheck, timezone: ZoneInfo) -> list[str]:
    """The comparison in lines."""
    verdict = "agrees" if one.within else "differs"
    lines = [
        f"{one.supply} meter: {verdict}, ours {one.ours_kwh:,.1f} kWh, meter {one.theirs_kwh:,.1f} kWh; "
        f"highest quarter ours {one.ours_peak_kw:,.1f} kW, meter {one.theirs_peak_kw:,.1f} kW"
        + ("" if one.theirs_peak_utc_s is None else f" on {_local(one.theirs_peak_utc_s, timezone)}")
    ]
    if one.reason:
        lines.append(f"  {one.reason}")
    if one.missing_from_utc_s is not None:
        lines.append(
            f"  the meter's file lacks {one.missing_quarters:,} quarters of an hour, the first at "
            f"{_local(one.missing_from_utc_s, timezone)}: they are in neither sum"
        )
    lines += [f"  {day.day}: ours {day.ours_kwh:,.1f} kWh, meter {day.theirs_kwh:,.1f} kWh" for day in one.days[:31]]
    return lines


def _local(utc_s: int, timezone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(utc_s, timezone):%Y-%m-%d %H:%M}"
