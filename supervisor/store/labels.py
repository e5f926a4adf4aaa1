"""Tags of the zones' points: the site, and the feeder that supplied a zone at the time of the point.

A point that is written again must have the tags it had, or it would stand beside the old one and count twice: so
which feeder supplied a zone is kept with the time from which it did.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

ALWAYS_UTC_S = -(2**62)

Span = tuple[int, str]  # from when [UTC s], feeder


@dataclass(frozen=True)
class Labels:
    """A site, and the feeders of its zones, each zone's in order of time."""

    site: str
    feeders: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)

    def feeder(self, zone: str, utc_s: int) -> str:
        """What supplied a zone then; "" where that was not kept yet."""
        found = ""
        for from_utc_s, feeder in self.feeders.get(zone, ()):
            if from_utc_s > utc_s:
                break
            found = feeder
        return found

    def supplier(self, zone: str, utc_s: int) -> str:
        """The same; before it was kept, the first feeder that is known; "" for a zone that was never configured."""
        spans = self.feeders.get(zone, ())
        return self.feeder(zone, utc_s) or (spans[0][1] if spans else "")


def read(db: sqlite3.Connection, site: str) -> Labels:
    """The labels of what is kept."""
    spans: dict[str, list[Span]] = {}
    for zone, from_utc_s, feeder in db.execute("SELECT zone, from_utc_s, feeder FROM zone_feeder ORDER BY 1, 2"):
        spans.setdefault(zone, []).append((from_utc_s, feeder))
    return Labels(site, {zone: tuple(found) for zone, found in spans.items()})


def learn(db: sqlite3.Connection, site: str, feeders: Mapping[str, str], now_utc_s: int) -> Labels:
    """Keep which feeder (value) supplies a zone (key) from now on, where that is new. Returns all labels.

    A zone without any record has had its feeder always; the points of others have no feeder before now.
    """
    known = read(db, site)
    for zone, feeder in feeders.items():
        spans = known.feeders.get(zone, ())
        if spans and spans[-1][1] == feeder:
            continue
        recorded = spans or db.execute("SELECT 1 FROM zone_total WHERE zone = ?", (zone,)).fetchone()
        since = now_utc_s if recorded else ALWAYS_UTC_S
        db.execute("INSERT OR REPLACE INTO zone_feeder VALUES (?, ?, ?)", (zone, since, feeder))
    return read(db, site)
