"""Makes a program of boards to be sent over the link: bytecode, the list of its files, and a signature of the list."""

from __future__ import annotations

import re
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from supervisor.wire.program import LIST, SIGNATURE, Program, load_program
from tools.bytecode import build
from tools.flashing import FIRMWARE, FOLDERS
from tools.signing import signature

PURPOSE: Final = b"roadheat program\n"  # before the list's hash: twin of firmware/rh/update.py
MODEL: Final = "roadheat-1"
CHIPS: Final = ("ESP32", "ESP32S2", "ESP32S3", "ESP32C3", "ESP32C6")  # bytecode is the same for all
BYTECODE: Final = 6  # version of the format that tools/bytecode makes
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # so that the same firmware and key give the same file


def make_program(path: Path, key: rsa.RSAPrivateKey, firmware: Path = FIRMWARE) -> Program:
    """Write the program of `firmware` to `path`. Raises BytecodeError."""
    with tempfile.TemporaryDirectory() as scratch:
        stage = Path(scratch)
        build(firmware, FOLDERS, stage)
        files = {
            one.relative_to(stage).as_posix(): one.read_bytes() for one in sorted(stage.rglob("*")) if one.is_file()
        }
    listing = listed(files, version_of(firmware))
    parts = {LIST: listing, SIGNATURE: signature(PURPOSE + sha256(listing).hexdigest().encode(), key), **files}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return load_program(path)


def version_of(firmware: Path = FIRMWARE) -> str:
    """As its boards say it."""
    found = re.search(r'^VERSION = "([0-9.]+)"', (firmware / "rh" / "__init__.py").read_text(), re.MULTILINE)
    assert found is not None, "held by tools/tests/test_version.py"
    return found[1]


def listed(files: dict[str, bytes], version: str, model: str = MODEL, chips: tuple[str, ...] = CHIPS) -> bytes:
    """The list of a program's files."""
    head = f"version {version}\nmodel {model}\nchips {' '.join(chips)}\nbytecode {BYTECODE}\nfiles {len(files)}\n"
    rows = (f"{len(content)} {sha256(content).hexdigest()} {name}\n" for name, content in files.items())
    return (head + "".join(rows)).encode()
