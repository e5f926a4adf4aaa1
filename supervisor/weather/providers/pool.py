"""Members of one answer side by side: which are whole enough to be used, and what the others lend to their holes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from supervisor.domain.treatment import Tally, Treatment
from supervisor.domain.weather import MEMBER, WeatherSeries
from supervisor.weather.gate import ESSENTIAL, GAP_MAX_S, Columns, Mask
from supervisor.weather.hours import holes
from supervisor.weather.resample import rows

LENT = ("air_c", "precipitation_mm_h", "wind_m_s", "cloud_fraction", "shortwave_w_m2", "pressure_pa")


def reach(members: Collection[Columns]) -> slice:
    """The rows from which and as far as at least half of the members go."""
    known = [np.flatnonzero(_complete(columns)) for columns in members]
    known = [found for found in known if found.size]
    if not known:
        return slice(None)
    first = sorted(int(found[0]) for found in known)[len(known) // 2]
    last = sorted(int(found[-1]) for found in known)[(len(known) - 1) // 2]
    return slice(first, last + 1)


def whole(members: Mapping[str, Columns], step_s: float, tally: Tally) -> dict[str, Columns]:
    """The members without a long hole in temperature or precipitation, the others dropped and counted.

    Where they would be fewer than half, holes are the rule and all stay.
    """
    good = {
        name: columns
        for name, columns in members.items()
        if all((end - start) * step_s <= GAP_MAX_S for start, end in holes(~_complete(columns)))
    }
    if 2 * len(good) < len(members):
        return dict(members)
    tally.add(Treatment.DROPPED, MEMBER, len(members) - len(good))
    return good


def lend(members: Collection[Columns], step_s: float, tally: Tally) -> None:
    """In place: long holes, and those at the beginning and the end, become the mean of the members that know."""
    for name in LENT:
        having = [columns for columns in members if name in columns]
        if len(having) < 2:
            continue
        stack = np.stack([columns[name] for columns in having])
        count = (~np.isnan(stack)).sum(axis=0)
        mean = np.where(count > 0, np.nansum(stack, axis=0) / np.maximum(count, 1), np.nan)
        for columns in having:
            values = columns[name].copy()
            for start, end in holes(np.isnan(values)):
                if (end - start) * step_s > GAP_MAX_S or start == 0 or end == values.size:
                    values[start:end] = mean[start:end]
                    tally.add(Treatment.ESTIMATED, name, int((~np.isnan(mean[start:end])).sum()))
            columns[name] = values


def on_common_times(members: Sequence[WeatherSeries], tally: Tally) -> tuple[WeatherSeries, ...]:
    """The members cut to the times that they share; those that share under half of the longest are dropped."""
    longest = max(members, key=len)
    shared = [np.isin(longest.time_utc_s, member.time_utc_s) for member in members]
    kept = [k for k, known in enumerate(shared) if 2 * known.sum() >= len(longest)]
    tally.add(Treatment.DROPPED, MEMBER, len(members) - len(kept))
    times = longest.time_utc_s[np.all([shared[k] for k in kept], axis=0)]
    result = []
    for k in kept:
        where = np.searchsorted(members[k].time_utc_s, times)
        result.append(rows(members[k], slice(int(where[0]), int(where[-1]) + 1)))
    return tuple(result)


def _complete(columns: Columns) -> Mask:
    """Rows (n,) where everything essential is known."""
    result: Mask = np.all([~np.isnan(columns[name]) for name in ESSENTIAL], axis=0)
    return result
