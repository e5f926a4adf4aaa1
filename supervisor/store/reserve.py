"""Disk space set aside for what must be possible on a full disk: safety commands, and emptying the spool.

A file of a few MB for each beside the database, its blocks allocated. The first safety command that finds the disk
full gives its file's blocks back to the file system. Until as much can be set aside again everything else is refused,
because telemetry would fill the space within minutes. Lines that InfluxDB has taken leave the spool in the blocks of
the other file: deleting them needs a little space in SQLite's log, and makes room within the database for telemetry.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

logger = logging.getLogger(__name__)

RESERVE_BYTES = 4 * 1024**2  # a command takes some 20 KB of log: about two hundred commands
ROOM_BYTES = 2 * RESERVE_BYTES  # free space needed to set it aside again: as much remains for the record


class Reserve:
    """The set-aside space of one database. Not thread-safe: the writer's thread only."""

    def __init__(self, path: Path, purpose: str = "safety commands") -> None:
        self._path, self._purpose = path, purpose
        self.spent = False  # given back and not set aside again: only safety commands are recorded

    def set_aside(self) -> bool:
        """Set the space aside if the disk has it; returns whether it is set aside."""
        try:
            if self._path.stat().st_size >= RESERVE_BYTES:
                self.spent = False
                return True
        except OSError:
            pass
        try:
            if shutil.disk_usage(self._path.parent).free < ROOM_BYTES:
                self.spent = True
                return False
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        except OSError as error:  # a file system without preallocation, or a limit on file size: no reserve
            logger.warning("no space set aside for %s: %s", self._purpose, error)
            self._path.unlink(missing_ok=True)
            return False
        self.spent = False
        return True

    def release(self) -> bool:
        """Give the space back to the file system; returns whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        self.spent = True
        logger.error("the disk is full: the space set aside for %s is in use. Free the disk", self._purpose)
        return True
