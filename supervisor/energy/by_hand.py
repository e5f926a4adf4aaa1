"""Which energy people asked for: that of the time in which somebody's ON or boost was in force."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from supervisor.domain.override import Override, OverrideMode, OverrideState
from supervisor.domain.plan import SLOT_S
from supervisor.energy.tables import Record
from supervisor.store import commands, past

ASKS: Final = (OverrideMode.ON, OverrideMode.BOOST)


def by_hand_wh(db: sqlite3.Connection, record: Record) -> npt.NDArray[np.float64]:
    """Energy [Wh] by slots over all zones while a person's ON or boost was in force, shape (slots,).

    A quarter of an hour in which it began or ended counts by its part of it.
    """
    begin, end = record.start_utc_s, record.start_utc_s + record.wh.shape[1] * SLOT_S
    made = commands.overrides(db, None, begin - past.LONGEST_S, end)
    cancelled = past.cancelled(db, begin - past.LONGEST_S, end)
    return _counted(record, past.ends(made, cancelled))


def _counted(record: Record, overrides: Iterable[tuple[Override, int]]) -> npt.NDArray[np.float64]:
    slots = record.wh.shape[1]
    rows = {zone: n for n, zone in enumerate(record.zones)}
    part = np.zeros((len(rows), slots), dtype=np.float32)
    for override, until_utc_s in overrides:
        row = rows.get(override.zone)
        if row is None or override.mode not in ASKS or override.state is OverrideState.REFUSED:
            continue
        first, last = ((at - record.start_utc_s) / SLOT_S for at in (override.created_utc_s, until_utc_s))
        low, high = max(0, int(first)), min(slots, int(np.ceil(last)))
        grid = np.arange(low, high)
        part[row, low:high] += np.clip(np.minimum(grid + 1, last) - np.maximum(grid, first), 0.0, 1.0)
    return np.asarray((record.wh * np.minimum(part, 1.0)).sum(axis=0), dtype=np.float64)
