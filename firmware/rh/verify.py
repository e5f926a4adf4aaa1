"""Whether a program is for this board, and whether there is room. Used by `rh.verdict`, which drops it afterwards."""

import os
import sys

from . import VERSION, chips, slot, store
from .verdict import Refused, later

MODEL = "roadheat-1"  # what a list must name: boards with other circuits are other models
BYTECODE = getattr(sys.implementation, "_mpy", 0) & 0xFF  # version of the bytecode that this interpreter takes
FILES_MAX = 80
FILE_MAX = 65_536
SPARE = 393_216  # bytes that stay free: what journal and events may still grow to, and the configuration
NO_SENSE = "its list makes no sense"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"


def path_fault(path: str) -> bool:
    """Whether a list must not name this path: only modules and data directly in rh and drivers."""
    folder, _, name = path.partition("/")
    stem, _, kind = name.partition(".")
    return (
        folder not in ("rh", "drivers")
        or kind not in ("mpy", "json")
        or not stem
        or any(c not in _LETTERS for c in stem)
    )


def header(path: str, version: str, place: str) -> int:
    """Bytes of all files, once the list is for this board; raises Refused.

    path: of the list; version: what it must be of; place: the slot that its files go to.
    """
    said: "dict[str, str]" = {}
    total = count = blocks = 0
    block = os.statvfs("/")[0]
    with open(path) as f:
        for line in f:
            if line[0].isdigit():
                break
            key, _, value = line.strip().partition(" ")
            said[key] = value
        f.seek(0)
        for size, expected, name in slot.files(f):
            if path_fault(name) or len(expected) != 64 or size > FILE_MAX:
                raise Refused(NO_SENSE)
            total += size
            blocks += blocks_of(size, block)
            count += 1
    if said.get("model") != MODEL:
        raise Refused("it is for model {}".format(said.get("model")))
    if chips.name() not in said.get("chips", "").split():
        raise Refused("it is not for this chip")
    if said.get("bytecode") != str(BYTECODE):
        raise Refused("its bytecode needs another interpreter")
    if said.get("version") != version or not later(version, VERSION):
        raise Refused("{} is not later than {}".format(said.get("version"), VERSION))
    if str(count) != said.get("files") or not 0 < count <= FILES_MAX:
        raise Refused("its list is not complete")
    free = room() + block * _blocks_in(place, block)
    if free < block * blocks + SPARE:
        raise Refused("no room: {} bytes free".format(free))
    return total


def room() -> int:
    """Bytes that are free on flash."""
    found = os.statvfs("/")
    return int(found[0] * found[3])


def blocks_of(size: int, block: int) -> int:
    """What a file takes: whole blocks, and at least one."""
    return max(1, (size + block - 1) // block)


def _blocks_in(name: str, block: int) -> int:
    """What the files of a slot take."""
    made = 0
    for folder in (name + "/rh", name + "/drivers"):
        try:
            for entry in store.names(folder):
                made += blocks_of(os.stat(folder + "/" + entry)[6], block)
        except OSError:
            pass
    return made
