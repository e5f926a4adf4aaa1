"""Whether something that was observed elsewhere still says what is now."""

from __future__ import annotations

from enum import Enum
from typing import Final

SEEN_MAX_S: Final = 900  # older, what somebody sees on a road says nothing of now
AHEAD_MAX_S: Final = 60  # of a clock that is not set well


class Stale(Enum):
    """Why it does not."""

    OLD = 1
    AHEAD = 2  # in the future
    REPEATED = 3  # not newer than the last


def stale(observed_utc_s: float, now_utc_s: float, oldest_s: float, newest_utc_s: float = -1.0) -> Stale | None:
    """None where it counts. `newest_utc_s`: when the last of the same observer was observed."""
    age_s = now_utc_s - observed_utc_s
    if age_s > oldest_s:
        return Stale.OLD
    if age_s < -AHEAD_MAX_S:
        return Stale.AHEAD
    return Stale.REPEATED if observed_utc_s <= newest_utc_s else None
