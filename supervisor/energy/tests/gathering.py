"""A record from hours that a test names, for reports: the service reads arrays from the store."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from supervisor.domain.plan import SLOT_S
from supervisor.energy.tables import Record, slots_between
from supervisor.store.rollup import HOUR_S
from supervisor.store.tests.hours import HourEnergy


def gather(hours: Iterable[HourEnergy], from_utc_s: int, to_utc_s: int) -> Record:
    """Put the store's hours on the grid. `hours` may reach over both ends. Raises CommandError for an empty period."""
    slots = slots_between(from_utc_s, to_utc_s)
    rows = list(hours)
    zones = tuple(sorted({row.zone for row in rows}))
    index = {zone: i for i, zone in enumerate(zones)}
    wh = np.zeros((len(zones), slots), dtype=np.int64)
    on_s, covered_s = dict.fromkeys(zones, 0), dict.fromkeys(zones, 0)
    for row in rows:
        first = (row.start_utc_s - from_utc_s) // SLOT_S
        for quarter, energy_wh in enumerate(row.quarters_wh):
            if 0 <= first + quarter < slots:
                wh[index[row.zone], first + quarter] += energy_wh
        inside_s = min(row.start_utc_s + HOUR_S, to_utc_s) - max(row.start_utc_s, from_utc_s)
        if inside_s > 0:  # half-hour zones divide the hour that holds midnight
            on_s[row.zone] += row.on_s * inside_s // HOUR_S
            covered_s[row.zone] += row.covered_s * inside_s // HOUR_S
    return Record(from_utc_s, zones, wh, on_s, covered_s)
