"""How much space the state folder's disk has left: said days before it is full, while it can still be mended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from supervisor.control.alarms import Alarms
from supervisor.control.metrics import Metrics
from supervisor.domain.alarm import AlarmCode

LOW_BYTES = 1024**3  # the record of 50 zones takes some 100 MB a day, and a backup or an upgrade needs a copy
LOW_SHARE = 0.1  # of a disk that is small itself
AGAIN = 1.25  # times as much ends the alarm: SQLite's log grows and shrinks
MIB = 1024**2


class Usage(Protocol):
    """Of a disk [bytes]."""

    @property
    def total(self) -> int: ...

    @property
    def free(self) -> int: ...


class DiskWatch:
    """`look` is called every few seconds."""

    def __init__(
        self, folder: Path, alarms: Alarms, metrics: Metrics, usage: Callable[[Path], Usage] = shutil.disk_usage
    ) -> None:
        self._folder, self._alarms, self._usage = folder, alarms, usage
        self._free, self._total = metrics.disk_free_bytes, metrics.disk_total_bytes
        self._low = False

    def look(self) -> None:
        """Measure, raise and clear. Raises OSError where the folder is gone."""
        disk = self._usage(self._folder)
        self._free.set(disk.free)
        self._total.set(disk.total)
        least = min(LOW_BYTES, LOW_SHARE * disk.total)
        self._low = disk.free < least * (AGAIN if self._low else 1)
        self._alarms.set(
            AlarmCode.DISK_LOW,
            "",
            self._low,
            f"{disk.free / MIB:,.0f} MiB of {disk.total / MIB:,.0f} are free on the disk of {self._folder}",
        )
