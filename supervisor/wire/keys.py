"""Board keys: 256 bits each, made here, never a default. One file per board, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from supervisor.domain.errors import ConfigError
from supervisor.runtime.disk import to_disk
from supervisor.wire.authentication import KEY_BYTES


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all; it outlives a power cut from then on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    to_disk(path.parent)  # a board must not be given a key that the service forgets


def load_key(path: Path) -> bytes:
    """The key in `path`; raises ConfigError where it is missing or is not 64 hex digits."""
    try:
        text = path.read_text(encoding="ascii").strip()
        key = bytes.fromhex(text)
    except FileNotFoundError:
        raise ConfigError(
            "board key is missing", where=str(path), remedy="Run `roadheat board provision` for this board"
        ) from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"board key is not {2 * KEY_BYTES} hex digits",
            where=str(path),
            remedy="Delete the file and provision the board again: a new key is made",
        )
    return key


def load_or_create_key(path: Path) -> bytes:
    """The key in `path`, made on first use."""
    if not path.exists():
        write_private(path, secrets.token_hex(KEY_BYTES).encode() + b"\n")
    return load_key(path)


def next_path(path: Path) -> Path:
    """Where the key is that a board is being given in place of the one in `path`."""
    return path.with_name(path.name + ".next")


def load_keys(path: Path) -> list[bytes]:
    """The key in force, then the next one while a board is being given one. Raises ConfigError as `load_key`."""
    following = next_path(path)
    return [load_key(path), *([load_key(following)] if following.exists() else [])]


def promote(path: Path, key: bytes) -> None:
    """A board has shown the next key: the old one counts no more. Nothing where `key` is not the next one."""
    following = next_path(path)
    if following.exists() and load_key(following) == key:
        following.replace(path)
