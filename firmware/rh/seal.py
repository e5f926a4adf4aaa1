"""Files that decide about safety or trust end in a line with their length and SHA-256, so that a torn one shows.

    content, newline, "#roadheat <length of the content> <SHA-256 as 64 hex digits>", newline

`path` is the newest file, `path`.old a sealed copy of the last one that passed the check at a boot. Twin of
tools/sealing.py; see docs/decisions/0031.
"""

import os
from binascii import hexlify
from hashlib import sha256

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

_MARK = b"\n#roadheat "
OLD = ".old"
UNSEALED = "has no seal"
MISSING = "is missing"
FILE_MAX = 8_192  # bytes; ours have a fifth of it, and what does not fit into memory would end each start


def sealed(content: bytes) -> bytes:
    """The file that carries `content`."""
    return content + _seal(len(content), sha256(content))


def load(path: str) -> "tuple[bytes | None, str]":
    """(content, why): "" where the seal holds, UNSEALED where there is none; None where it cannot be used."""
    try:
        size = os.stat(path)[6]
        if size > FILE_MAX:  # asked first: a read takes as much memory as it may return
            return None, "is too long"
        with open(path, "rb") as f:
            raw: bytes = f.read(size)  # in one piece; without a size the VM takes memory in steps, and more of it
    except OSError:
        return None, MISSING
    at = raw.rfind(_MARK)
    if at < 0:
        return raw, UNSEALED
    if raw[at:] != _seal(at, sha256(memoryview(raw)[:at])):
        return None, "is damaged: length or hash do not match"
    return raw[:at], ""


def _seal(size: int, made: "Any") -> bytes:
    return _MARK + b"%d " % size + hexlify(made.digest()) + b"\n"


def pick(path: str) -> "tuple[bytes | None, str, bool]":
    """What is in force: (content, why the newest is not as it should be, whether this is the last good copy instead).

    The newest where its seal holds; else the last good copy; else, where there never was one, the newest without a
    seal: whoever takes that must check that it is complete.
    """
    content, why = load(path)
    if why:
        old, damage = load(path + OLD)
        if not damage and old != content:
            return old, why, True
        if damage and damage != MISSING:
            content = None
    return content, why, False


def replace(path: str, raw: bytes) -> None:
    """Put `raw` in the place of `path`, whole; raises OSError, and then the old one stands."""
    with open(path + ".new", "wb") as f:
        f.write(raw)
    os.rename(path + ".new", path)
