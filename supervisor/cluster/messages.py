"""Messages between core and gateways: what they hold, how they are encoded, and the subjects they travel on.

Each message carries the version of the protocol. A new optional field leaves the version as it is, since readers pass
over fields that they do not know; whatever else changes raises `VERSION`, and `OLDEST` stays one behind, so that the
roles can be upgraded one after the other.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw, Struct

from supervisor.domain.errors import ClusterError, ConfigError
from supervisor.wire.messages import Get, Hello, Image, ResultFrame, Telemetry
from supervisor.wire.reports import Damaged

# Deadlines of both sides. The core gives a gateway up before a board does (60 s without an acknowledgement), and a
# gateway that leaves its core says so by another name.
BEAT_S: Final = 5.0  # between two signs of life
GONE_S: Final = 15.0  # without an answer or a sign of life: three were lost
ANSWER_S: Final = 5.0  # of one request; a commit takes milliseconds, on a busy disk a second

VERSION: Final = 1
OLDEST: Final = 1  # that is still understood
FRAMES_MAX: Final = 256  # of a message: with what is known of them 2 KB each, half of what NATS carries (1 MB)
KEYS_MAX: Final = 2_000  # boards of an answer to `KeysAsked`: 90 bytes each
_DISTRICT: Final = re.compile(r"[a-z0-9_-]{1,32}\Z")  # one token of a subject: no dot, no wildcard

T = TypeVar("T")


class Attached(Struct, tag=True):
    """A board has proved itself to a gateway."""

    session: int  # of that gateway, never used again
    hello: Hello
    proof: bytes  # `key_mark` of the key by which it did


class Detached(Struct, tag=True):
    """A session has ended."""

    session: int


class Answered(Struct, tag=True):
    """A board's answer to a command."""

    session: int
    result: ResultFrame


class Updating(Struct, tag=True):
    """A board fetches a program, or says how that has ended."""

    session: int
    said: Get | Image


class Heard(Struct, tag=True):
    """Telemetry of a board, to be committed."""

    session: int
    frames: tuple[Telemetry, ...]


class Spoilt(Struct, tag=True):
    """Telemetry of which something was out of range."""

    session: int
    frames: tuple[Damaged, ...]


Item = Attached | Detached | Answered | Updating | Heard | Spoilt


class Join(Struct, tag=True):
    """Gateway → whichever core runs the district: may I serve its boards?"""

    gateway: str  # "": only asks who is there


class Joined(Struct, tag=True):
    """Core → gateway: what the listener needs."""

    core: str  # the process; a restarted one has another name
    epoch: int
    keys: int  # changes with the boards' keys
    certificate: bytes  # PEM
    key: bytes  # PEM, of the certificate
    boards: int
    handshakes_max: int
    connections_per_address: int


class KeysAsked(Struct, tag=True):
    """Gateway → core: the keys of the boards behind `after`, in the order of their ids."""

    after: str = ""


class Keys(Struct, tag=True):
    """Core → gateway: keys by board; the one in force, then the next one while a board is being given one."""

    keys: dict[str, tuple[bytes, ...]]
    more: bool


class Batch(Struct, tag=True):
    """Gateway → core: what boards have said, in its order. An empty one says that the gateway is there."""

    gateway: str
    number: int  # one more than the last; a batch that is sent again keeps its own
    items: tuple[Item, ...] = ()


class BatchDone(Struct, tag=True):
    """Core → gateway: the batch is committed but for `failed`."""

    failed: dict[int, str] = {}  # item → why it could not be recorded
    unknown: tuple[int, ...] = ()  # sessions that the core does not have: to be ended


class Commands(Struct, tag=True):
    """Core → gateway: frames for boards, in their order, then sessions to end."""

    number: int  # one more than the last; sent again under the same
    frames: tuple[tuple[int, bytes], ...] = ()  # session, payload to be sealed
    ends: tuple[tuple[int, str], ...] = ()  # session, reason


class CommandsDone(Struct, tag=True):
    """Gateway → core."""

    unknown: tuple[int, ...] = ()  # sessions that the gateway does not have


class Presence(Struct, tag=True):
    """Core → everybody of the district, every few seconds."""

    core: str
    epoch: int
    keys: int  # as in `Joined`: other keys are to be fetched


class Refused(Struct, tag=True):
    """Instead of an answer. `code`: `busy`, `unknown-gateway`, `malformed`, `version`, `over`, `failed`."""

    code: str
    text: str


def key_mark(key: bytes) -> bytes:
    """What tells a board's keys apart without showing them."""
    return hashlib.sha256(b"roadheat key" + key).digest()[:8]


class _Envelope(Struct, array_like=True):
    version: int
    body: Raw


_encode = msgspec.msgpack.Encoder().encode
_open = msgspec.msgpack.Decoder(_Envelope).decode
_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def encode(message: Struct) -> bytes:
    """A message as it travels."""
    return _encode(_Envelope(VERSION, Raw(_encode(message))))


def decode(raw: bytes, kind: type[T] | Any) -> Any:
    """A message of `kind` (a struct or a union of them). Raises ClusterError with the code of a `Refused`."""
    try:
        envelope = _open(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ClusterError(f"not a message between roles: {error}", code="malformed") from None
    if envelope.version < OLDEST:
        raise ClusterError(
            f"it speaks version {envelope.version} of the protocol between roles, which is too old: {OLDEST} to "
            f"{VERSION} are understood", remedy="Upgrade the process that sends it", code="version",
        )  # fmt: skip
    if envelope.version > VERSION:
        raise ClusterError(
            f"it speaks version {envelope.version} of the protocol between roles, which is newer than {VERSION}",
            remedy="Upgrade this process", code="version",
        )  # fmt: skip
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
    try:
        return decoder.decode(envelope.body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ClusterError(f"not a message between roles: {error}", code="malformed") from None


def check_district(district: str) -> str:
    """The id; raises ConfigError where it cannot be a token of a subject."""
    if not _DISTRICT.match(district):
        raise ConfigError(
            f"{district[:40]!r} is no id of a district", where="--district",
            remedy="Use 1 to 32 of a-z, 0-9, _ and -",
        )  # fmt: skip
    return district


class Subjects:
    """Subjects of one district."""

    def __init__(self, district: str) -> None:
        """Raises ConfigError as `check_district`."""
        self._prefix = f"roadheat.{check_district(district)}"
        self.join = f"{self._prefix}.join"  # requests: `Join`
        self.presence = f"{self._prefix}.presence"  # published: `Presence`

    def core(self, core: str) -> str:
        """Requests of gateways to one core process: `Batch`, `KeysAsked`."""
        return f"{self._prefix}.core.{core}"

    def gateway(self, gateway: str) -> str:
        """Requests of the core to one gateway process: `Commands`."""
        return f"{self._prefix}.gateway.{gateway}"
