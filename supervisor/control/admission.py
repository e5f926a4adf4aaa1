"""Filters telemetry: a board's own zones, once each, with no more power than their cables can draw. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from supervisor.control.zone_live import ZoneLive
from supervisor.wire.messages import Telemetry, ZoneSample

POWER_MAX = 1.1  # of rated power: upper bound for record, feeder mean and estimate


class Admitted(Struct, frozen=True):
    """A frame reduced to what counts, and what was left out."""

    frame: Telemetry
    foreign: tuple[str, ...] = ()  # zones of another board, or of none
    repeated: tuple[str, ...] = ()  # zones that the frame names twice; the first sample counts


def admit(board: str, frame: Telemetry, zones: Mapping[str, ZoneLive]) -> Admitted:
    """The frame as far as it counts for `board`."""
    kept: dict[str, ZoneSample] = {}
    foreign: list[str] = []
    repeated: list[str] = []
    changed = False
    for sample in frame.z:
        live = zones.get(sample.zone)
        if live is None or live.zone.board != board:
            foreign.append(sample.zone)
        elif sample.zone in kept:
            repeated.append(sample.zone)
        else:
            most_w = int(live.zone.power_w * POWER_MAX)
            bounded = sample
            if sample.power_w > most_w:
                bounded, changed = msgspec.structs.replace(sample, power_w=most_w), True
            kept[sample.zone] = bounded
    if foreign or repeated or changed:
        frame = msgspec.structs.replace(frame, z=tuple(kept.values()))
    return Admitted(frame, tuple(foreign), tuple(repeated))
