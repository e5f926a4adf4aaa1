"""I5 and I13 of the fault model: what is on a board's flash whenever it starts anew."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from hil_tests.vm.flash_image import read_image
from tools.sealing import sealed

SEALED = ("config.json", "limits.json", "ca.der")
STATE = "state.json"
_HASH = 32  # hex digits before the state's JSON, see firmware/rh/store.py
_MARK = b"\n#roadheat "


class Accepted(NamedTuple):
    """The newest command that a board has accepted, within its life."""

    life: str
    epoch: int
    sequence: int


def damage(files: dict[str, bytes]) -> str:
    """Which file a boot finds neither old nor new, or "": I13. Without a seal anywhere: flashed by hand, and whole."""
    for name in SEALED:
        if name not in files:
            return f"{name} is missing"
        old = files.get(f"{name}.old")
        if not (_whole(files[name]) or (old is not None and _whole(old))) and (_MARK in files[name] or old):
            return f"{name} and its last good copy are damaged"
    state = files.get(STATE)
    if state is not None and sha256(state[_HASH:]).hexdigest()[:_HASH].encode() != state[:_HASH]:
        return f"{STATE} is damaged"
    return ""


def accepted(files: dict[str, bytes]) -> Accepted | None:
    """By the state on flash; None where there is none that can be read."""
    try:
        state = json.loads(files[STATE][_HASH:])
        return Accepted(str(state.get("life", "")), int(state["n"][0]), int(state["n"][1]))
    except (KeyError, ValueError, IndexError, TypeError, AttributeError):
        return None


def flash(image: Path) -> dict[str, bytes]:
    """Its files; raises OSError where the file system cannot be mounted."""
    from littlefs import LittleFSError

    try:
        return read_image(image)
    except LittleFSError as error:
        raise OSError(str(error)) from error


def _whole(raw: bytes) -> bool:
    content, mark, _ = raw.rpartition(_MARK)
    return bool(mark) and sealed(content) == raw
