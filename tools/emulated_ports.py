"""Emulated boards of this machine that run now, so that `roadheat board list` shows them beside the serial ports.

Each is a file in a folder of its user's own; one whose process has ended is removed when the list is read.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple


class Emulated(NamedTuple):
    board: str
    path: str  # of its pseudo-terminal


def _folder() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR")
    return Path(base) / "roadheat" if base else Path(tempfile.gettempdir()) / f"roadheat-{os.getuid()}"


@contextmanager
def announced(board: str, path: str) -> Iterator[None]:
    """`running()` names the board within the block."""
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    entry = folder / f"{os.getpid()}-{board}.json"
    if _own(folder):
        entry.write_text(json.dumps({"board": board, "path": path}), encoding="utf-8")
    try:
        yield
    finally:
        entry.unlink(missing_ok=True)


def running() -> list[Emulated]:
    """The boards that run, by name."""
    folder = _folder()
    if not _own(folder):
        return []
    found = []
    for entry in sorted(folder.glob("*-*.json")):
        try:
            os.kill(int(entry.name.partition("-")[0]), 0)
            said = json.loads(entry.read_text(encoding="utf-8"))
            found.append(Emulated(str(said["board"]), str(said["path"])))
        except (OSError, ValueError, KeyError, TypeError, OverflowError):  # it has ended, or is none of ours
            with suppress(OSError):
                entry.unlink()
    return sorted(found)


def _own(folder: Path) -> bool:
    """Whether nobody else can write there: in a shared folder for temporary files the name may be taken."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
