"""Records of measurements: every 10 s while the link is up, else every minute; none overlap.

A record is packed once and framed when it is sent, so that live and journaled ones are the same bytes.
"""

import json
from struct import calcsize, pack, unpack_from

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

    from .commands import Clock
    from .zone import Zone

LIVE_S = 10
JOURNAL_S = 60
_HEAD = "<IIIIHH"  # boot, q, utc, up, dt, bad
_ZONE = "<iihHIIHBH"  # the wire's sample without its name
HEAD_SIZE = calcsize(_HEAD)
ZONE_SIZE = calcsize(_ZONE)


class Recorder:
    """Packs records of all zones of the board. boot: this boot's number; clock: `commands.Clock`."""

    def __init__(self, boot: int, zones: "list[Zone]", clock: "Clock") -> None:
        self._boot = boot
        self._zones = zones
        self._clock = clock
        self._q = 0
        self._from = 0
        self.size = HEAD_SIZE + ZONE_SIZE * len(zones)

    def left(self, t: int, live: bool) -> int:
        """Seconds from uptime `t` to the end of the interval; 0 or less where it has ended."""
        return self._from + (LIVE_S if live else JOURNAL_S) - t

    def take(self, t: int, bad: int) -> bytes:
        """Record of the time since the last one; begins the next interval."""
        self._q += 1
        record = pack(_HEAD, self._boot, self._q, self._clock.utc(t), t, min(t - self._from, 65535), min(bad, 65535))
        self._from = t
        for zone in self._zones:
            record += pack(_ZONE, *zone.sample())
        return record

    def payload(self, record: bytes) -> bytes:
        """JSON of a record. One taken before the clock was set gets its time now, if it is of this boot."""
        boot, q, utc, up, dt, bad = unpack_from(_HEAD, record)
        if utc == 0 and boot == self._boot:
            utc = self._clock.utc(up)
        zones: "list[tuple[Any, ...]]" = []
        at = HEAD_SIZE
        for zone in self._zones:
            zones.append((zone.id,) + unpack_from(_ZONE, record, at))
            at += ZONE_SIZE
        message = {"t": "tel", "boot": boot, "q": q, "utc": utc, "up": up, "dt": dt, "bad": bad, "z": zones}
        return json.dumps(message).encode()


def key(record: bytes) -> "tuple[int, int]":
    """(boot, q) of a record."""
    boot, q = unpack_from("<II", record)
    return boot, q
