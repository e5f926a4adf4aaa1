"""Clocks: real, and set by hand. Only this module reads the machine's clocks; all others get a `Clock`."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two times that must not be mixed up: UTC for times of day, monotonic for durations."""

    def utc_s(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z; may jump when the machine's clock is set."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary origin; never jumps."""
        ...


class SystemClock:
    """The machine's clocks."""

    def utc_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that is advanced explicitly: tests, replays and the lock-step bench."""

    def __init__(self, utc_s: float = 0.0, monotonic_s: float = 0.0) -> None:
        self._utc_offset_s = utc_s - monotonic_s
        self._monotonic_s = monotonic_s

    def utc_s(self) -> float:
        return self._monotonic_s + self._utc_offset_s

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; raises ValueError on a negative step."""
        if seconds < 0:
            raise ValueError(f"time cannot go back by {-seconds} s")
        self._monotonic_s += seconds
