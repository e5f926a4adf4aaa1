"""One service for each state folder: a second one would write the same record and end the first one's commands."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supervisor.domain.errors import StoreError

logger = logging.getLogger(__name__)

LOCK_NAME = "service.lock"
_HELD = (errno.EWOULDBLOCK, errno.EACCES)  # what flock says where another process holds it


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold `folder` (made where missing, 0700) until exit; the kernel lets go of it when the process ends in any way.

    Raises StoreError where another service holds it or it cannot be written. A file system without locks is logged.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"the state folder cannot be used: {error.strerror}", where=str(folder),
            remedy="Give it to the user that runs the service, or name another one in service.state_dir",
        ) from error  # fmt: skip
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                raise _taken(folder, lock) from error
            logger.warning("%s: no locks on this file system: %s; start one service only", folder, error.strerror)
        else:
            os.ftruncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(lock)


def _taken(folder: Path, lock: int) -> StoreError:
    holder = os.read(lock, 20).decode("ascii", "replace").strip()
    return StoreError(
        f"another service uses this state folder (process {holder or 'unknown'})", where=str(folder),
        remedy="Stop that one first, or name another folder in service.state_dir",
    )  # fmt: skip
