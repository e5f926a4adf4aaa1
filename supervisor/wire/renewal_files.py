"""Files of a renewal of the boards' authority: `next` until boards have it, `previous` until they have forgotten it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from supervisor.domain.errors import ConfigError
from supervisor.wire.keys import write_private
from supervisor.wire.pki import FILES, NEXT, PREVIOUS, ensure_pki

TRUSTS: Final = "trusted.json"  # what each board said in its newest hello
_HURRIED: Final = "now"  # file in `next`: do not wait for the boards that lack it


def begin(directory: Path, server_name: str) -> bytes:
    """Make the next authority and its server certificate; its DER. Raises ConfigError while a renewal is under way."""
    if authority(directory / NEXT) or authority(directory / PREVIOUS):
        raise ConfigError(
            "a renewal of this authority is under way", where=str(directory), remedy="See `roadheat pki status`"
        )
    for half in (NEXT, PREVIOUS):  # of one that was interrupted; of an older one that was being forgotten
        if (directory / half).exists():
            shutil.rmtree(directory / half)
    ensure_pki(directory / NEXT, server_name)
    return authority(directory / NEXT)


def authority(directory: Path) -> bytes:
    """The authority's certificate in a folder of the renewal, DER; b"" where there is none, or not all of it."""
    names = ("ca.pem", "ca.der") if directory.name == PREVIOUS else FILES
    if not all((directory / name).exists() for name in names):
        return b""
    return (directory / "ca.der").read_bytes()


def hurry(directory: Path) -> None:
    """Put the next authority into force at the next look, whichever boards lack it."""
    if not authority(directory / NEXT):
        raise ConfigError("no renewal is waiting", where=str(directory), remedy="Start one: `roadheat pki rotate`")
    write_private(directory / NEXT / _HURRIED, b"")


def hurried(directory: Path) -> bool:
    return (directory / NEXT / _HURRIED).exists()


def forget_previous(directory: Path) -> None:
    """No board trusts it any more."""
    shutil.rmtree(directory / PREVIOUS)


def load_trusts(directory: Path) -> dict[str, tuple[str, ...]]:
    """Board → authorities by its newest hello; empty where that is not known, or the file is damaged."""
    try:
        return msgspec.json.decode((directory / TRUSTS).read_bytes(), type=dict[str, tuple[str, ...]])
    except (OSError, msgspec.MsgspecError):  # boards say it again when they connect
        return {}


def save_trusts(directory: Path, trusts: Mapping[str, tuple[str, ...]]) -> None:
    """Raises OSError."""
    write_private(directory / TRUSTS, msgspec.json.encode(trusts))
