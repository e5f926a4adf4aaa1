"""How much an ice-free road is worth by the hour of the day: a slope to a school counts more at eight than at three."""

from __future__ import annotations

import re
from collections.abc import Mapping

Profile = Mapping[str, float]  # "07-09" (local time, over midnight too) → times the usual worth; other hours count 1

_SPAN = re.compile(r"(\d{1,2})-(\d{1,2})")
FACTOR_MAX = 10.0  # priorities are a factor of four apart


def weights(profile: Profile) -> tuple[float, ...]:
    """The factor of each hour of the day, 24 of them.

    Raises ValueError with a sentence that says what is wrong: hours that cannot be read or overlap, factors outside
    0…10.
    """
    out: list[float | None] = [None] * 24
    for span, factor in profile.items():
        found = _SPAN.fullmatch(span)
        first, end = (int(part) for part in found.groups()) if found else (0, 0)
        if found is None or first > 23 or not 1 <= end <= 24 or first == end:
            raise ValueError(f'hours {span[:20]!r} cannot be read: write like "07-09"')
        if not 0.0 <= factor <= FACTOR_MAX:
            raise ValueError(f"{factor:g} at {span} is outside 0…{FACTOR_MAX:g}")
        hours = range(first, end) if first < end else (*range(first, 24), *range(end))
        for hour in hours:
            if out[hour] is not None:
                raise ValueError(f"hour {hour} is given twice")
            out[hour] = factor
    return tuple(1.0 if factor is None else factor for factor in out)
