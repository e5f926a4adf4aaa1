"""Frames between board and supervisor. `docs/nomenclature.md` lists every field; a test compares them.

A frame is the JSON payload, a newline and the MAC as 64 hex digits (see `supervisor.wire.authentication`).
Only the supervisor's nonce comes bare. Numbers are integers: a board's float has 24 bits.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from msgspec import Meta, Struct

FRAME_MAX_BYTES = 1024  # larger TLS records fail on the chip
PIECE_MAX_BYTES = 600  # of a program: 800 characters of base64 in a frame
NO_READING_MC = -273_150  # a sample's temperature while the board has no plausible one
NO_MOISTURE = -1
NO_LEAKAGE = -1
WET_PERMILLE = 200  # moisture from which a board counts its road as wet (firmware/rh/zone.py)
FRAME_ZONES_MAX = 8  # samples of so many fit a frame; a board has fewer: domain/board_profile.py

# Bounds of what a board may say. The widths are those of the board's packed record (firmware/rh/telemetry.py).
U8, U16, U32 = 2**8 - 1, 2**16 - 1, 2**32 - 1
UP_MAX_S = 20 * 366 * 86_400  # twenty years without a restart
COMMANDS_MAX = 2**30  # one command a second for 34 years; the supervisor adds to it without overflow
SURFACE_MAX_MC = 1_000_000  # an open PT100 converter reads 988 °C; plausibility is decided later
SURFACE_BELIEVED_MC = -60_000, 90_000  # the range of the road model; asphalt in the sun reaches 70 °C
Name = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,16}\Z")]  # ids of the configuration
Count = Annotated[int, Meta(ge=0, le=U32)]
Short = Annotated[int, Meta(ge=0, le=U16)]
Uptime = Annotated[int, Meta(ge=0, le=UP_MAX_S)]
CommandCount = Annotated[int, Meta(ge=0, le=COMMANDS_MAX)]
Temperature = Annotated[int, Meta(ge=NO_READING_MC, le=SURFACE_MAX_MC)]
Short4 = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}\Z")]  # four bytes of a SHA-256
Permille = Annotated[int, Meta(ge=0, le=1000)]
Leakage = Annotated[int, Meta(ge=NO_LEAKAGE, le=U16)]  # mA; NO_LEAKAGE where nothing measures it
Version = Annotated[str, Meta(pattern=r"^[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}\Z")]
Reason = Annotated[str, Meta(max_length=100)]  # in words, for an engineer


def is_surface(millidegrees: int) -> bool:
    """Whether a road can be that warm: a value outside is a sensor fault, whatever the board's flags say."""
    return SURFACE_BELIEVED_MC[0] <= millidegrees <= SURFACE_BELIEVED_MC[1]


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
    NOT_NOW = 8


class Winner(IntEnum):
    """The row of the precedence table that decides a zone."""

    INTERLOCK = 1
    MAINTENANCE = 2
    OVERRIDE = 3
    PLAN = 4
    LOCAL = 5


class Flag(IntEnum):
    """Status and fault bits of a zone. No `IntFlag`: its `&` makes an object, and every frame asks for bits."""

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
    METER_SILENT = 2048
    THERMAL_CUT_OUT = 4096
    LEAKAGE_HIGH = 8192


class ProgramState(Struct, array_like=True, forbid_unknown_fields=True):
    """What a board says of its program, of those that came over the link."""

    new: Annotated[int, Meta(ge=0, le=1)] = 0  # 1: runs, and is not proved yet
    left: Annotated[str, Meta(max_length=16)] = ""  # version that was left last, for the one before it
    why: Reason = ""


class Nonce(Struct, tag_field="t", tag="nonce", forbid_unknown_fields=True):
    """Supervisor → board, first frame, bare JSON."""

    n: str  # 32 hex digits


class Hello(Struct, tag_field="t", tag="hello", forbid_unknown_fields=True):
    """Board → supervisor, answers the nonce."""

    b: Annotated[str, Meta(max_length=16)]  # board id; one that is not configured is refused as unknown
    fw: Annotated[str, Meta(max_length=32)]  # firmware version
    boot: Count  # boots in this life
    ep: CommandCount  # newest supervisor epoch accepted
    q: CommandCount  # newest command sequence accepted in that epoch
    up: Uptime  # seconds since boot
    utc: Count  # 0 while the clock is not set
    z: Annotated[
        tuple[Name, ...], Meta(max_length=4 * FRAME_ZONES_MAX)
    ]  # its zones; more than are configured are alarmed
    life: Annotated[str, Meta(pattern=r"^([0-9a-f]{16})?\Z")] = ""  # board-life id, "" from firmware before 0.2
    ca: Annotated[tuple[Short4, ...], Meta(max_length=4)] = ()  # authorities it trusts; () from firmware before 0.2
    im: ProgramState | None = None  # None from firmware that takes no update over the link
    st: Reason = ""  # why a last good copy of its files is in force; "" where none is, and from firmware before 0.2
    cr: Reason = ""  # the error that ended a start last, "" where none has


class ZoneSample(Struct, array_like=True, forbid_unknown_fields=True):
    """One zone over one telemetry interval."""

    zone: Name
    surface_mc: Temperature  # NO_READING_MC while not known
    cable_mc: Temperature
    moisture_permille: Annotated[int, Meta(ge=NO_MOISTURE, le=1000)]  # NO_MOISTURE while not known
    on_s: Short  # seconds with the contactor closed
    power_w: Count  # mean over the interval, measured; by rated power while METER_SILENT
    dev_wh: Count  # the board's own energy counter since boot
    duty_permille: Permille  # asked for at the end of the interval
    who: Annotated[int, Meta(ge=0, le=U8)]  # Winner; 0 before the first decision
    flags: Short  # Flag


class Life(Struct, array_like=True, forbid_unknown_fields=True):
    """What a contactor has done since its board was new."""

    switchings: Count
    on_h: Count


class Telemetry(Struct, tag_field="t", tag="tel", forbid_unknown_fields=True):
    """Board → supervisor, every 10 s live, every 60 s from the journal after a gap. Key: (board, boot, q)."""

    boot: Count
    q: Count
    utc: Count  # end of the interval; 0 while the clock is not set
    up: Uptime  # end of the interval, seconds since boot
    dt: Short  # length of the interval [s]
    bad: Short  # frames refused since boot
    z: Annotated[tuple[ZoneSample, ...], Meta(max_length=4 * FRAME_ZONES_MAX)]
    lk: Annotated[tuple[Leakage, ...], Meta(max_length=4 * FRAME_ZONES_MAX)] = ()  # highest of each of `z`; live only
    wr: Annotated[tuple[Life, ...], Meta(max_length=4 * FRAME_ZONES_MAX)] = ()  # of each of `z`, once an hour


class ResultFrame(Struct, tag_field="t", tag="result", forbid_unknown_fields=True):
    """Board → supervisor, answers a command."""

    ep: CommandCount
    q: CommandCount
    rc: Annotated[int, Meta(ge=0, le=U8)]  # Result


class Get(Struct, tag_field="t", tag="get", forbid_unknown_fields=True):
    """Board → supervisor: a piece of a program. Changes nothing, so it carries no sequence."""

    v: Version
    f: Annotated[int, Meta(ge=0, le=2)]  # 0: the list, 1: its signature, 2: its files, one after the other
    o: Annotated[int, Meta(ge=0, le=U32)]  # from this byte
    n: Annotated[int, Meta(ge=1, le=PIECE_MAX_BYTES)]


class Image(Struct, tag_field="t", tag="image", forbid_unknown_fields=True):
    """Board → supervisor: how fetching a program has ended; of the running one's version: that it is proved."""

    v: Version
    ok: Annotated[int, Meta(ge=0, le=1)]  # 1: it is on flash and verified
    why: Reason


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
    ar: int  # after-run of standby [s]: how long the local rule heats on once the sensor is dry
    s: tuple[tuple[int, int, int], ...]  # [start s after `at`, set-point m°C, duty ‰ or -1 = standby]


class OverrideCommand(Command, tag_field="t", tag="override", kw_only=True):
    z: str
    id: int
    m: str  # on, off, boost or cancel
    dur: int  # seconds left; 0 for cancel
    exp: int  # UTC second of the expiry, for boards that lose power meanwhile


class TrustCommand(Command, tag_field="t", tag="trust", kw_only=True):
    ca: str  # a further authority, base64 of DER; "": as it is
    only: int  # 1: trust no other any more
    key: str  # the board's next key, 64 hex digits; "": as it is


class UpdateCommand(Command, tag_field="t", tag="update", kw_only=True):
    v: str  # version
    h: str  # SHA-256 of the program's list, 64 hex digits
    sz: int  # bytes of the list
    go: int  # 0: fetch it; 1: start what has been fetched


class Piece(Struct, tag_field="t", tag="piece", forbid_unknown_fields=True):
    """Supervisor → board, answers `get`. What it brings counts by the hash in the signed list alone."""

    b: str
    v: str
    f: int
    o: int
    d: str  # base64


class Ack(Struct, tag_field="t", tag="ack", forbid_unknown_fields=True):
    """Supervisor → board, after the commit. Idempotent, so it carries no sequence."""

    b: str
    boot: int
    q: tuple[int, ...]


FromBoard = Hello | Telemetry | ResultFrame | Get | Image
ToBoard = ClockCommand | PlanCommand | OverrideCommand | TrustCommand | UpdateCommand | Piece | Ack
