"""Records of measurements: every 10 s while the link is up, else every minute; none overlap.

A record is packed once and framed when it is sent, so that live and journaled ones are the same bytes. What is of use
only now goes beside the newest one: leakage, and once an hour what the contactors have done in their life.
"""

import json
from struct import calcsize, pack, unpack_from

from .codes import NO_LEAKAGE

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

    from .commands import Clock
    from .life import Life
    from .zone import Zone

LIVE_S = 10
JOURNAL_S = 60
LIFE_S = 3_600
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
        self.life: "Life | None" = None
        self._life_at = 0  # uptime from which it is told again
        self._leakage_ma: "list[int]" = []  # peaks of the newest record's interval
        self.size = HEAD_SIZE + ZONE_SIZE * len(zones)

    def left(self, t: int, live: bool) -> int:
        """Seconds from uptime `t` to the end of the interval; 0 or less where it has ended."""
        return self._from + (LIVE_S if live else JOURNAL_S) - t

    def take(self, t: int, bad: int) -> bytes:
        """Record of the time since the last one; begins the next interval."""
        self._q += 1
        record = pack(_HEAD, self._boot, self._q, self._clock.utc(t), t, min(t - self._from, 65535), min(bad, 65535))
        self._from = t
        self._leakage_ma = [zone.leakage.peak_ma for zone in self._zones]
        for zone in self._zones:
            zone.leakage.peak_ma = NO_LEAKAGE
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
        if (boot, q) == (self._boot, self._q):
            if self._leakage_ma and max(self._leakage_ma) > NO_LEAKAGE:
                message["lk"] = self._leakage_ma
            if self.life is not None and up >= self._life_at:
                self._life_at = up + LIFE_S
                message["wr"] = self.life.said(self._zones)
        return json.dumps(message).encode()


def key(record: bytes) -> "tuple[int, int]":
    """(boot, q) of a record."""
    boot, q = unpack_from("<II", record)
    return boot, q
