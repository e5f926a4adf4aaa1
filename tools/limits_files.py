"""A board's limits file as it goes to the board: plain, or signed where the board has an engineer's public keys."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from tools import signing
from tools.sealing import SIGNED, SIGNERS, SealError, sealed_file


def limits_text(file: Path, board: str, version: int) -> bytes:
    """What is signed for a board; raises SigningError where it would refuse the limits."""
    check: Any = import_module("firmware.rh.check")  # the board's own; its types are checked with the firmware
    try:
        sealed_file(file)
    except SealError as error:
        raise signing.SigningError(str(error)) from None
    raw = {"board": board, "version": version, **_values(json.loads(file.read_bytes()))}
    try:
        check.limits(raw, str(file))
    except check.ConfigError as error:
        raise signing.SigningError(str(error)) from None
    return json.dumps(raw, indent=1).encode()


def limits_to_bring(folder: Path) -> bytes:
    """Content of a board's limits file: limits.json, or the signed limits where it has an engineer's keys.

    Raises SigningError where these are not of its keys, or limits.json has changed since.
    """
    plain = folder / "limits.json"
    keys = folder / SIGNERS
    if not keys.exists():
        return plain.read_bytes()
    remedy = f"Run `roadheat board limits sign` on {plain}"
    if not (folder / SIGNED).exists():
        raise signing.SigningError("the board takes signed limits only", where=str(plain), remedy=remedy)
    content = (folder / SIGNED).read_bytes()
    text = signing.opened(content, signing.LIMITS, signing.split(keys.read_bytes()))
    if text is None:
        raise signing.SigningError("no key of the board has signed it", where=str(folder / SIGNED), remedy=remedy)
    if _values(json.loads(text)) != _values(json.loads(plain.read_bytes())):
        raise signing.SigningError("other limits were signed than these", where=str(plain), remedy=remedy)
    return content


def _values(record: dict[str, object]) -> dict[str, object]:
    """Limits without whom they are for."""
    return {name: value for name, value in record.items() if name not in ("board", "version")}
