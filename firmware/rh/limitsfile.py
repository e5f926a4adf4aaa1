"""limits.json where the board has an engineer's public keys: signed by one of them, for this board, never an older one.

What no plan can pass must not be widened by whoever holds the server either: the private key is elsewhere. Used by
`rh.check` at boot and by `roadheat board configure`; dropped with the former.
"""

import json

from . import seal, signed, strict
from .fields import ConfigError
from .settle import Settled

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any

_FOREIGN = "is not signed by a key of this board: `roadheat board limits sign`"


def settled(path: str, board: str, accept: bool) -> Settled:
    """The limits in force: the newest where it may be, else the last good copy; raises ConfigError without either.

    board: id of this one; accept: take a newest file without a seal. A signature is asked for all the same.
    """
    file = Settled(path, accept)
    keys = _pinned(path)
    if not keys:
        file.text = signed.text_of(file.content)
        return file
    before = _version(seal.load(path + seal.OLD)[0], keys)
    text, why = _allowed(file.content, keys, board, before)
    if why and not file.stale:
        file.fall_back(why)
        text, why = _allowed(file.content, keys, board, before)
    if text is None or why:
        raise ConfigError(path, "file", "…", why)
    file.text = text
    return file


def examine(files: "dict[str, bytes]") -> bytes:
    """Text of new limits that are about to take the place of those in force; raises ConfigError where they must not.

    files: what came, by name, as their seals carry it: config.json, limits.json, perhaps new public keys.
    """
    path = "limits.json"
    content = files[path]
    if signed.KEYS in files:
        keys = signed.split(files[signed.KEYS])
        if not keys:
            raise ConfigError(signed.KEYS, "file", "…", "one or two public keys of 384 bytes")
    else:
        keys = _pinned(path)
    if not keys:
        return signed.text_of(content)
    board = json.loads(files["config.json"])["board"]
    text, why = _allowed(content, keys, board, _version(seal.pick(path)[0], keys))
    if text is None or why:
        raise ConfigError(path, "file", "…", why)
    return text


def _pinned(path: str) -> "list[bytes]":
    try:
        return signed.pinned()
    except signed.Damaged:
        remedy = "nothing can be verified: run `roadheat board configure`"
        raise ConfigError(path, signed.KEYS, "…", remedy)


def _allowed(
    content: bytes, keys: "list[bytes]", board: str, before: "tuple[int, bytes] | None"
) -> "tuple[bytes | None, str]":
    """(text, why not). before: version and text in force."""
    text = signed.opened(content, signed.LIMITS, keys)
    if text is None:
        return None, _FOREIGN
    if strict.fault(text):
        return text, strict.fault(text)
    record: "Any" = json.loads(text)
    if record.get("board") != board:
        return text, "is signed for board {}, this is {}".format(record.get("board"), board)
    version: "Any" = record.get("version")
    if type(version) is not int or version < 1:
        return text, "has no version"
    if before is not None and (version < before[0] or (version == before[0] and text != before[1])):
        return text, "has version {}, and {} is in force".format(version, before[0])
    return text, ""


def _version(content: "bytes | None", keys: "list[bytes]") -> "tuple[int, bytes] | None":
    """Version and text of limits that are signed, whoever they are for."""
    text = None if content is None else signed.opened(content, signed.LIMITS, keys)
    if text is None or strict.fault(text):
        return None
    version: "Any" = json.loads(text).get("version")
    return (version, text) if type(version) is int else None
