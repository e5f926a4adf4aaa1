"""Frames between board and supervisor. `docs/nomenclature.md` lists every field; a test holds it true.

A frame is the JSON payload, a newline and the MAC as 64 hex digits (see `supervisor.wire.authentication`).
Only the supervisor's nonce comes bare. Numbers are integers: a board's float has 24 bits.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

from msgspec import Struct

FRAME_MAX_BYTES = 1024  # larger TLS records fail on the chip
NO_READING_MC = -273_150  # a sample's temperature while the board has none to believe
NO_MOISTURE = -1


class Result(IntEnum):
    """A board's answer to a command."""

    OK = 0
    STALE_SEQUENCE = 1
    OLD_EPOCH = 2
    UNKNOWN_ZONE = 3
    OUT_OF_LIMITS = 4
    MALFORMED = 5
    WRONG_BOARD = 6
    STORE_FAILED = 7


class Winner(IntEnum):
    """The row of the precedence table that decides a zone."""

    INTERLOCK = 1
    MAINTENANCE = 2
    OVERRIDE = 3
    PLAN = 4
    LOCAL = 5


class Flag(IntFlag):
    """What is the matter with a zone or its board."""

    OVER_TEMPERATURE = 1
    SENSOR_IMPLAUSIBLE = 2
    EARTH_FAULT = 4
    CONTACTOR_WELDED = 8
    CABLE_BROKEN = 16
    MAX_ON_TIME = 32
    SELF_TEST_PENDING = 64
    CLOCK_INVALID = 128
    LATCHED = 256
    POWER_RETURN_HOLD = 512
    MOISTURE_IMPLAUSIBLE = 1024


class Nonce(Struct, tag_field="t", tag="nonce", forbid_unknown_fields=True):
    """Supervisor → board, first frame, bare JSON."""

    n: str  # 32 hex digits


class Hello(Struct, tag_field="t", tag="hello", forbid_unknown_fields=True):
    """Board → supervisor, answers the nonce."""

    b: str  # board id
    fw: str  # firmware version
    boot: int  # boots in this life
    ep: int  # newest supervisor epoch accepted
    q: int  # newest command sequence accepted in that epoch
    up: int  # seconds since boot
    utc: int  # 0 while the clock is not set
    z: tuple[str, ...]  # its zones
    life: str = ""  # board-life id, "" from firmware before 0.2


class ZoneSample(Struct, array_like=True, forbid_unknown_fields=True):
    """One zone over one telemetry interval."""

    zone: str
    surface_mc: int  # NO_READING_MC while not known
    cable_mc: int
    moisture_permille: int  # NO_MOISTURE while not known
    on_s: int  # seconds with the contactor closed
    power_w: int  # mean over the interval, measured
    dev_wh: int  # the board's own energy counter since boot
    duty_permille: int  # asked for at the end of the interval
    who: int  # Winner
    flags: int  # Flag


class Telemetry(Struct, tag_field="t", tag="tel", forbid_unknown_fields=True):
    """Board → supervisor, each 10 s live, each 60 s from the journal after a gap. Key: (board, boot, q)."""

    boot: int
    q: int
    utc: int  # end of the interval; 0 while the clock is not set
    up: int  # end of the interval, seconds since boot
    dt: int  # length of the interval [s]
    bad: int  # frames refused since boot
    z: tuple[ZoneSample, ...]


class ResultFrame(Struct, tag_field="t", tag="result", forbid_unknown_fields=True):
    """Board → supervisor, answers a command."""

    ep: int
    q: int
    rc: int  # Result


class Command(Struct, forbid_unknown_fields=True, kw_only=True):
    """What every command carries: (ep, q) must exceed the newest the board has stored."""

    b: str  # board id
    ep: int  # supervisor epoch: the older of two supervisors loses
    q: int  # strictly increasing within the epoch


class ClockCommand(Command, tag_field="t", tag="clock", kw_only=True):
    utc: int


class PlanCommand(Command, tag_field="t", tag="plan", kw_only=True):
    z: str
    at: int  # UTC second at which the slots start
    lease: int  # seconds since receipt
    ph: int  # phase of the time-proportioning period [s]
    on: int  # standby thresholds [m°C]
    off: int
    ar: int  # after-run of standby [s]: so long the local rule heats on once the sensor is dry
    s: tuple[tuple[int, int, int], ...]  # [start s after `at`, set-point m°C, duty ‰ or -1 = standby]


class OverrideCommand(Command, tag_field="t", tag="override", kw_only=True):
    z: str
    id: int
    m: str  # on, off, boost or cancel
    dur: int  # seconds left; 0 for cancel
    exp: int  # UTC second of the expiry, for boards that lose power meanwhile


class Ack(Struct, tag_field="t", tag="ack", forbid_unknown_fields=True):
    """Supervisor → board, after the commit. Idempotent, so it carries no sequence."""

    b: str
    boot: int
    q: tuple[int, ...]


FromBoard = Hello | Telemetry | ResultFrame
ToBoard = ClockCommand | PlanCommand | OverrideCommand | Ack
