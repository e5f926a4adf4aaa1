"""A board's program as one file: the signed list of its files, the signature, and the files (docs/decisions/0062).

A zip with `list`, `signature` and what the list names. The list has header lines (`version 0.3.0`, `model …`,
`chips …`, `bytecode …`, `files …`), then a line `<bytes> <SHA-256> <path>` for each file. Boards verify the
signature (firmware/rh/update.py); the service only hands out what they ask for.
"""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from supervisor.domain.errors import ConfigError

LIST: Final = "list"
SIGNATURE: Final = "signature"
LIST_MAX_BYTES: Final = 8_192
FILE_MAX_BYTES: Final = 65_536
FILES_MAX: Final = 80
SIGNATURE_BYTES: Final = 384
# What `zipfile` raises for damaged, encrypted and unusually packed files.
_UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, KeyError, ValueError, EOFError, RuntimeError,
)  # fmt: skip
VERSION: Final = re.compile(r"^version ([0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4})$", re.MULTILINE)
FILE: Final = re.compile(r"^([0-9]{1,6}) ([0-9a-f]{64}) ((?:rh|drivers)/[a-z0-9_]+\.(?:mpy|json))$", re.MULTILINE)


@dataclass(frozen=True)
class Program:
    """What boards can be given."""

    version: str
    parts: tuple[bytes, bytes, bytes]  # the list, its signature, and all files in the list's order

    @property
    def listing(self) -> bytes:
        return self.parts[0]

    @property
    def identity(self) -> str:
        """SHA-256 of the list, as hex digits: what boards know a program by."""
        return sha256(self.listing).hexdigest()

    def piece(self, number: int, at: int, size: int) -> bytes:
        """Bytes of one part; empty where it has none there."""
        return self.parts[number][at : at + size] if number < len(self.parts) else b""


def load_program(path: Path) -> Program:
    """The program in a file; raises ConfigError where it is none, or a part of it is missing or damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            listing, signature = _read(archive, LIST, LIST_MAX_BYTES), _read(archive, SIGNATURE, SIGNATURE_BYTES)
            text = listing.decode("ascii")
            rows = FILE.findall(text)
            files = tuple(_checked(archive, name, int(size), digest) for size, digest, name in rows)
    except FileNotFoundError:
        raise ConfigError("no such file", where=str(path), remedy="Make one: `roadheat board update build`") from None
    except _UNREADABLE as error:
        raise _no_program(path, str(error)) from None
    version = VERSION.search(text)
    if version is None or not 0 < len(files) <= FILES_MAX or f"files {len(files)}\n" not in text:
        raise _no_program(path, "its list is not complete")
    if len(signature) != SIGNATURE_BYTES:
        raise _no_program(path, "its signature is not complete")
    return Program(version[1], (listing, signature, b"".join(files)))


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    if archive.getinfo(name).file_size > most:
        raise ValueError(f"{name} is above {most} bytes")
    return archive.read(name)


def _checked(archive: zipfile.ZipFile, name: str, size: int, digest: str) -> bytes:
    content = _read(archive, name, FILE_MAX_BYTES)
    if len(content) != size or sha256(content).hexdigest() != digest:
        raise ValueError(f"{name} is not what the list says")
    return content


def _no_program(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"no program of boards: {why}", where=str(path), remedy="Make it again: `roadheat board update build`"
    )
