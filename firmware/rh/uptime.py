"""Seconds since boot from a millisecond counter that wraps (2^30 ms, 12.4 days, on the chip)."""

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable


class Uptime:
    """Monotonic seconds. Call `now()` at least every six days; the safety loop calls it every second.

    ticks_ms, ticks_diff: those of `time`. Seconds stay a small integer for 34 years; the clock does not matter.
    """

    def __init__(self, ticks_ms: "Callable[[], Any]", ticks_diff: "Callable[[Any, Any], int]") -> None:
        self._ticks = ticks_ms
        self._diff = ticks_diff
        self._last = ticks_ms()
        self._ms = 0
        self._s = 0

    def now(self) -> int:
        """Whole seconds since boot."""
        ticks = self._ticks()
        ms = self._ms + self._diff(ticks, self._last)
        self._last = ticks
        if ms >= 1000:
            self._s += ms // 1000
            ms %= 1000
        self._ms = ms
        return self._s
