"""Small records on flash: written to a new file, which then replaces the old one; a hash detects damage."""

import json
import os
from binascii import hexlify
from hashlib import sha256

from .seal import OLD, replace

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Iterator


RECORD_MAX = 4_096  # bytes; ours have a tenth of it, and a longer one may not fit into memory
_FILES = ("config.json", "limits.json", "signers.bin")  # and the authority's
_ENOENT = 2
_CHUNK = 128  # bytes read at once: beside the link the heap has little more in one piece


class Damaged(Exception):
    """The file exists, but it cannot be read, its hash does not match, or it is no record."""


def save(path: str, record: "dict[str, Any]") -> None:
    """Replace `path` as a whole; raises OSError, and then the old file remains."""
    body = json.dumps(record).encode()
    replace(path, _hash(body) + body)


def load(path: str) -> "dict[str, Any] | None":
    """The record, or None where there is no file; raises Damaged."""
    try:
        if os.stat(path)[6] > RECORD_MAX:
            raise Damaged(path)
        with open(path, "rb") as f:
            raw = f.read()
    except OSError as e:
        if e.args[0] == _ENOENT:
            return None
        raise Damaged(path)  # it is there, and nobody knows what it says
    if raw[:32] != _hash(raw[32:]):
        raise Damaged(path)
    try:
        record = json.loads(raw[32:])
    except (ValueError, RuntimeError):  # the latter: nested too deep
        raise Damaged(path)
    if type(record) is not dict:
        raise Damaged(path)
    return record


def fingerprint(program: bool = True) -> bytes:
    """Hash over the program, or over configuration and authority, to detect changes on flash."""
    made = bytearray(32)
    own = __file__.rpartition("/")[0]  # of the running program; the flashed one is that of the next start, perhaps
    for folder in ("", "rh", "drivers") + ((own, own[:-2] + "drivers") if own != "rh" else ()):
        for name in names(folder):
            code = name.endswith((".py", ".mpy")) or name == "profile.json"
            if code if program else name in _FILES or name.endswith((".der", OLD)):
                path = folder + "/" + name if folder else name
                one = digest(path, path.encode())
                for i in range(32):  # whatever order the file system names them in
                    made[i] ^= one[i]
    return bytes(made)


def names(folder: str) -> "Iterator[str]":
    """What is in a folder, one after the other: a list of all takes some kilobytes. Raises OSError."""
    listed: "Any" = getattr(os, "ilistdir", None)  # the VM's
    return iter(os.listdir(folder or ".")) if listed is None else (entry[0] for entry in listed(folder))


def digest(path: str, prefix: bytes = b"") -> bytes:
    """SHA-256 of a file behind a prefix; raises OSError."""
    made = sha256(prefix)
    chunk = bytearray(_CHUNK)
    with open(path, "rb") as f:
        while True:
            n = f.readinto(chunk)
            if not n:
                return bytes(made.digest())
            made.update(memoryview(chunk)[:n])


def _hash(body: bytes) -> bytes:
    digest: bytes = hexlify(sha256(body).digest()[:16])
    return digest
