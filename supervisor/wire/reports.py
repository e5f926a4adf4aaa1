"""Decodes an authenticated frame part by part: a bad value costs its own part only.

A board sends a record until it is acknowledged. So a record that can never be used still has to be identified (boot and
sequence) and acknowledged, or the rest of the board's journal would never be sent.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from supervisor.wire.messages import Count, FromBoard, Short, Telemetry, Uptime, ZoneSample

_decode = msgspec.json.Decoder(FromBoard).decode
_parts = msgspec.json.Decoder(dict[str, Raw]).decode


class Damaged(Struct, frozen=True):
    """A telemetry frame of which something could not be used."""

    boot: int
    q: int
    faults: tuple[str, ...]  # what was out of range, one per part
    raw: bytes  # the payload as it came
    kept: Telemetry | None  # the rest of it; None where nothing can be kept


def decode_report(payload: bytes) -> FromBoard | Damaged:
    """A frame from a board. Raises msgspec.MsgspecError where it is not a frame or does not identify its record."""
    try:
        message = _decode(payload)
    except msgspec.ValidationError as error:
        return _damaged(payload, error)
    return consistent(message) if isinstance(message, Telemetry) else message


def consistent(frame: Telemetry) -> Telemetry:
    """The frame with an interval that does not begin before its boot, and contactors closed no longer than that."""
    dt = min(frame.dt, frame.up)
    if dt == frame.dt and all(sample.on_s <= dt for sample in frame.z):
        return frame
    samples = tuple(msgspec.structs.replace(sample, on_s=min(sample.on_s, dt)) for sample in frame.z)
    return msgspec.structs.replace(frame, dt=dt, z=samples)


def _damaged(payload: bytes, error: msgspec.ValidationError) -> Damaged:
    """The usable parts of a telemetry frame; raises `error` where it is not telemetry."""
    try:
        parts = _parts(payload)
        if msgspec.json.decode(parts["t"]) != "tel":
            raise error
        boot, q = (msgspec.json.decode(parts[name], type=Count) for name in ("boot", "q"))
    except (KeyError, msgspec.MsgspecError):
        raise error from None
    faults: list[str] = []

    def part(name: str, kind: Any) -> Any:
        try:
            return msgspec.json.decode(parts[name], type=kind)
        except (KeyError, msgspec.MsgspecError) as fault:
            faults.append(f"{name}: {fault}")
            return None

    utc, up, dt, bad = part("utc", Count), part("up", Uptime), part("dt", Short), part("bad", Short)
    samples: list[ZoneSample] = []
    for number, raw in enumerate(part("z", list[Raw]) or ()):
        try:
            samples.append(msgspec.json.decode(raw, type=ZoneSample))
        except msgspec.MsgspecError as fault:
            faults.append(f"z[{number}]: {fault}")
    kept = None
    if up is not None and dt is not None and samples:
        kept = consistent(Telemetry(boot=boot, q=q, utc=utc or 0, up=up, dt=dt, bad=bad or 0, z=tuple(samples)))
    if not faults:  # a field that this version does not know; the rest is used
        faults.append(str(error))
    return Damaged(boot, q, tuple(faults), payload, kept)
