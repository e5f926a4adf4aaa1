"""One telemetry frame as the store keeps it, and its lines for InfluxDB. Pure.

Line protocol, second precision, stamped at the interval's START: an interval then falls whole into the hour and day
in which it began, and `sum(delta_wh)` over any period is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec
from msgspec import Struct

from supervisor.store.labels import Labels
from supervisor.store.meter import Meter, Reading
from supervisor.wire.messages import Flag, ZoneSample, is_surface

IMPLAUSIBLE = int(Flag.SENSOR_IMPLAUSIBLE)  # a plain integer: enum arithmetic took a tenth of a commit
GAP_MIN_S = 60  # energy of a longer time without records is spread over it and flagged; less is a record or two

# Bits of a point's quality beside the board's flags, which have 16.
BOOKED_OVER_GAP = 1 << 16  # part of the energy belongs to the time without records before the interval
EXCESS_QUARANTINED = 1 << 17  # the counter rose by more than power explains: the rest is not in the record


class ZoneTick(Struct, frozen=True, array_like=True):
    """One zone's sample with the energy that was booked for it."""

    sample: ZoneSample
    delta_wh: int
    meter: Meter
    excess_wh: int = 0  # counted by the board, not booked
    gap_s: int = 0  # time without records before the interval, that the energy also covers
    rated_w: int = 0  # of the cable when it was committed; 0: not known

    @property
    def surface_mc(self) -> int | None:
        """Surface temperature [m°C], None while its sensor is implausible."""
        sample = self.sample
        return sample.surface_mc if is_surface(sample.surface_mc) and not sample.flags & IMPLAUSIBLE else None

    @property
    def quality(self) -> int:
        """The board's flags, and how the energy was booked."""
        gap = BOOKED_OVER_GAP if self.gap_s > GAP_MIN_S and self.delta_wh else 0
        return self.sample.flags | gap | (EXCESS_QUARANTINED if self.excess_wh else 0)


class Tick(Struct, frozen=True):
    """One row of table `tick`."""

    board: str
    life: int
    boot: int
    up_s: int
    q: int
    start_utc_s: int
    dt_s: int
    received_utc_s: int
    air_mc: int | None
    zones: tuple[ZoneTick, ...]
    believed: bool = True  # False: its uptime claims time that has not passed


class Position(Struct, frozen=True, order=True, array_like=True):
    """Where a tick stands among those of its board."""

    life: int
    boot: int
    up_s: int
    q: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[ZoneTick, ...])


def encode_zones(zones: Sequence[ZoneTick]) -> bytes:
    """The blob of a tick."""
    return _encoder.encode(zones)


def decode_zones(blob: bytes) -> tuple[ZoneTick, ...]:
    """Zones of a tick. Records from before values were bounded are returned unchecked."""
    try:
        return _decoder.decode(blob)
    except msgspec.ValidationError:
        rows = msgspec.msgpack.decode(blob)
        return tuple(ZoneTick(ZoneSample(*row[0]), row[1], Meter(*row[2]), *row[3:]) for row in rows)


def reading(tick: Tick, sample: ZoneSample, rated_w: int, doubt_up_s: int = 0) -> Reading:
    """What the meter rules need of a sample of `tick`."""
    return Reading(
        tick.life, tick.boot, tick.up_s, tick.dt_s, sample.dev_wh, sample.power_w, rated_w, tick.believed, doubt_up_s
    )  # fmt: skip


_TAG = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\\": "/", "\n": r"\ ", "\r": r"\ ", "\0": r"\ "})


def escape_tag(value: str) -> str:
    """A tag value, escaped for line protocol. What city.toml accepts comes back as it is written there.

    The protocol has no form for a backslash at the end, a line break or an empty value: they become `/`, space and `-`.
    """
    return value.translate(_TAG) or "-"


def escape_field(value: str) -> str:
    """The content of a string field, escaped for line protocol; a line break becomes a space."""
    return value.replace("\\", "\\\\").replace('"', r"\"").replace("\n", " ")


@lru_cache(maxsize=65_536)
def _prefix(site: str, zone: str, feeder: str, board: str) -> str:
    supplied = f",feeder={escape_tag(feeder)}" if feeder else ""
    return f"zone,site={escape_tag(site)},zone={escape_tag(zone)}{supplied},ctl={escape_tag(board)} "


def zone_line(labels: Labels, tick: Tick, zone: ZoneTick) -> str:
    """The point of one zone over one interval. `q` is its quality: docs/nomenclature.md, 0 = no flag."""
    sample = zone.sample
    surface = "" if zone.surface_mc is None else f",surf_c={sample.surface_mc / 1000}"
    air = "" if tick.air_mc is None else f",air_c={tick.air_mc / 1000}"
    return (
        f"{_prefix(labels.site, sample.zone, labels.feeder(sample.zone, tick.start_utc_s), tick.board)}"
        f"power_w={sample.power_w},delta_wh={zone.delta_wh}i,"
        f"total_wh={zone.meter.total_wh}i,dev_wh={sample.dev_wh}i{surface}{air},"
        f"duty={sample.duty_permille / 1000},q={zone.quality}i {tick.start_utc_s}"
    )


def tick_lines(labels: Labels, tick: Tick, zones: Iterable[ZoneTick]) -> str:
    """The points of a tick, one a line."""
    return "\n".join([zone_line(labels, tick, zone) for zone in zones])
