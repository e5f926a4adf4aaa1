"""Small records on flash: written to a new file, which then replaces the old one; a hash detects damage."""

import json
import os
from binascii import hexlify
from hashlib import sha256

from .seal import OLD, replace

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any


class Damaged(Exception):
    """The file exists and its hash does not match."""


def save(path: str, record: "dict[str, Any]") -> None:
    """Replace `path` as a whole; raises OSError, and then the old file remains."""
    body = json.dumps(record).encode()
    replace(path, _hash(body) + body)


def load(path: str) -> "dict[str, Any] | None":
    """The record, or None where there is no file; raises Damaged."""
    try:
        with open(path, "rb") as f:
            raw = f.read()
    except OSError:
        return None
    if raw[:32] != _hash(raw[32:]):
        raise Damaged(path)
    return json.loads(raw[32:])  # type: ignore[no-any-return]


def fingerprint(program: bool = True) -> bytes:
    """Hash over the program, or over configuration and authority, to detect changes on flash."""
    digest = sha256()
    chunk = bytearray(512)
    for folder in ("", "rh", "drivers"):
        for name in sorted(os.listdir(folder) if folder else os.listdir()):
            code = name.endswith((".py", ".mpy")) or name == "profile.json"
            if code if program else name in ("config.json", "limits.json") or name.endswith((".der", OLD)):
                with open(folder + "/" + name if folder else name, "rb") as f:
                    while True:
                        n = f.readinto(chunk)
                        if not n:
                            break
                        digest.update(memoryview(chunk)[:n])
    result: bytes = digest.digest()
    return result


def _hash(body: bytes) -> bytes:
    digest: bytes = hexlify(sha256(body).digest()[:16])
    return digest
