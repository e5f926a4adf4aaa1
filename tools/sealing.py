"""Seals of the files a board boots with: length and SHA-256 in a last line. Twin of firmware/rh/seal.py."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from supervisor.domain.errors import RoadheatError

SIGNED = "limits.signed"  # beside limits.json in a board's folder: goes to the board in its place
SIGNERS = "signers.bin"  # of a board: the public keys that it takes, one after the other


class SealError(RoadheatError):
    code = "seal"


def sealed(content: bytes) -> bytes:
    """`content`, newline, "#roadheat <length> <SHA-256 as hex>", newline."""
    return content + f"\n#roadheat {len(content)} {sha256(content).hexdigest()}\n".encode()


def unsealed(raw: bytes) -> bytes:
    """The content of a board's file; raises SealError where its seal does not hold."""
    content, mark, _ = raw.rpartition(b"\n#roadheat ")
    if not mark or raw != sealed(content):
        raise SealError("the seal does not hold")
    return content


def sealed_file(path: Path) -> bytes:
    """What to put on a board for a plain file of ours; raises SealError where a .json is not one JSON object without
    duplicate keys, before a seal can vouch for it.
    """
    content = path.read_bytes()
    if path.suffix == ".json":
        try:
            whole = isinstance(json.loads(content, object_pairs_hook=_unique), dict)
        except (ValueError, RecursionError) as error:
            raise SealError(f"not JSON: {error}", where=str(path), remedy="Correct it or provision again") from None
        if not whole:
            raise SealError("not a JSON object", where=str(path), remedy="Correct it or provision again")
    return sealed(content)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made
