"""Authority and key that the supervisor has renewed since the board was provisioned (docs/decisions/0059).

One record beside the provisioned files, and a copy of it. Each part counts only while the provisioned one that it
replaces is in place: provisioning again puts it out of force. What cannot be used here leaves what was provisioned.
"""

from binascii import a2b_base64, hexlify, unhexlify
from hashlib import sha256

from . import store

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

    from .config import Config

PATH = "trust.rec"
COPY = "trust.rec.1"
KEY_BYTES = 32
_DER_MAX = 700  # bytes; one of the supervisor's has about 430, and a frame carries no more


def short(content: bytes) -> str:
    """By what an authority or a key is known: the first four bytes of its SHA-256, as hex digits."""
    return hexlify(sha256(content).digest()[:4]).decode()


def key(config: "Config") -> bytes:
    """The key in force."""
    record = _load()
    if record.get("for") == short(config.key):
        renewed = _key(record.get("key"))
        if renewed:
            return renewed
    return config.key


def authorities(pinned: bytes) -> "list[bytes]":
    """The DER certificates to trust. pinned: the provisioned one, which stays the last resort."""
    record = _load()
    der = _der(record.get("ca")) if record.get("pin") == short(pinned) else b""
    if not der:
        return [pinned]
    return [der] if record.get("only") == 1 else [pinned, der]


def accept(message: "dict[str, Any]", config: "Config", pinned: bytes) -> bool:
    """Keep what a `trust` command brings; False where it makes no sense. Raises OSError where flash does not take it.

    ca: a further authority, base64 of DER; only: 1 to trust no other any more, once it is kept; key: the next key.
    An empty text leaves that part as it is.
    """
    ca, only, new = message["ca"], message["only"], message["key"]
    if type(ca) is not str or type(new) is not str or type(only) is not int or only not in (0, 1):
        return False
    record = _load()
    if record.get("pin") != short(pinned):
        for name in ("pin", "ca", "only"):
            record.pop(name, None)
    if record.get("for") != short(config.key):
        for name in ("for", "key"):
            record.pop(name, None)
    if ca:
        if not _der(ca) or (only and record.get("ca") != ca):
            return False
        record["pin"], record["ca"], record["only"] = short(pinned), ca, only
    if new:
        if not _key(new):
            return False
        record["for"], record["key"] = short(config.key), new
    store.save(COPY, record)
    store.save(PATH, record)
    return True


def _load() -> "dict[str, Any]":
    for path in (PATH, COPY):
        try:
            record = store.load(path)
            if record is not None:
                return record
        except store.Damaged:
            pass
    return {}


def _key(text: object) -> bytes:
    """A key's bytes, b"" where it is none."""
    try:
        raw = unhexlify(text) if type(text) is str and len(text) == 2 * KEY_BYTES else b""
    except ValueError:
        raw = b""
    return raw if raw != bytes(KEY_BYTES) else b""


def _der(text: object) -> bytes:
    """One whole DER sequence, b"" where it is none."""
    try:
        raw = a2b_base64(text) if type(text) is str else b""
    except ValueError:
        raw = b""
    if 130 < len(raw) <= _DER_MAX and raw[0] == 0x30 and raw[1] == 0x82 and raw[2] * 256 + raw[3] + 4 == len(raw):
        return raw
    return b""
