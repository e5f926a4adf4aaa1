"""Clocks: real, and set by hand. Only this module reads the machine's clocks; all others get a `Clock`."""

from __future__ import annotations

import ctypes
import time
from typing import Protocol

TIME_ERROR = 5  # of adjtimex(2)
TIMEX_BYTES = 256  # struct timex has 208 on 64 bit, 128 on 32 bit


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


def kept_in_time() -> bool | None:
    """Whether the kernel's clock is disciplined by a time source (NTP, PTP); None where it cannot be known.

    adjtimex(2) without a change returns TIME_ERROR while STA_UNSYNC is set.
    """
    state = ctypes.create_string_buffer(TIMEX_BYTES)
    try:
        result: int = ctypes.CDLL(None).adjtimex(state)
    except (OSError, AttributeError):
        return None
    return None if result < 0 else result != TIME_ERROR


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

    def set_utc(self, utc_s: float) -> None:
        """Set the time of day, as a person or a time service does with a machine's."""
        self._utc_offset_s = utc_s - self._monotonic_s
