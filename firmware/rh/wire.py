"""Frames: payload, newline, 64 hex digits of HMAC-SHA256 (docs/nomenclature.md); twin of supervisor/wire. Pure."""

import json
from binascii import hexlify
from hashlib import sha256

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

FRAME_MAX = 1024
_MAC_HEX = 64


class FrameError(Exception):
    """Not a valid frame: no or wrong MAC, too long, not an object."""


class Mac:
    """HMAC-SHA256 under one key; the two padded key blocks are made once."""

    def __init__(self, key: bytes) -> None:
        key = key + bytes(64 - len(key))
        self._inner = bytes([b ^ 0x36 for b in key])
        self._outer = bytes([b ^ 0x5C for b in key])

    def hex(self, prefix: bytes, payload: bytes) -> bytes:
        inner = sha256(self._inner)
        inner.update(prefix)
        inner.update(payload)
        outer = sha256(self._outer)
        outer.update(inner.digest())
        return hexlify(outer.digest())

    def seal(self, nonce: bytes, payload: bytes) -> bytes:
        """Frame for the supervisor, in the session of `nonce` (hex digits)."""
        return payload + b"\n" + self.hex(b"B" + nonce, payload)

    def open(self, frame: bytes) -> "dict[str, Any]":
        """Command of the supervisor; nothing is parsed before its MAC is verified. Raises FrameError."""
        cut = len(frame) - _MAC_HEX - 1
        if len(frame) > FRAME_MAX or cut < 2 or frame[cut] != 10:
            raise FrameError("form")
        payload = frame[:cut]
        if not _same(frame[cut + 1 :], self.hex(b"S", payload)):
            raise FrameError("MAC")
        return parse(payload)


def parse(payload: bytes) -> "dict[str, Any]":
    """JSON object; raises FrameError. The caller checks the types of values: the VM's parser accepts garbage."""
    try:
        message = json.loads(payload)
    except MemoryError:
        raise
    except Exception:  # ValueError in the VM; anything else that a parser raises means a bad frame too
        raise FrameError("JSON")
    if type(message) is not dict:
        raise FrameError("JSON")
    return message


def _same(a: bytes, b: bytes) -> bool:
    """Equal, in a time that does not depend on where they differ."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0
