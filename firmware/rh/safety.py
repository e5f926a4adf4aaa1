"""What no command can pass, per zone: high limits, sensors, earth fault, contactor and cable, on-time, self-test. Pure.

`Safety.step` returns the zone's flags every second; any of `codes.BLOCKING` keeps the contactor open, and so does
`resting`. A latch needs a person; a broken cable stays reported until current flows or a person has looked, and is
tried again meanwhile.
"""

from .codes import (
    CABLE_BROKEN,
    CONTACTOR_WELDED,
    LATCHED,
    MAX_ON_TIME,
    NO_POWER,
    OVER_TEMPERATURE,
    SELF_TEST_PENDING,
    SENSOR_IMPLAUSIBLE,
)

if 0:  # for the type checker; leaves nothing on the chip
    from .config import Limits
    from .plausible import Plausible

SURFACE_HYSTERESIS_MC = 2_000
CABLE_HYSTERESIS_MC = 10_000
CURRENT_PERCENT = 5  # of the zone's power: above it a current flows
LOAD_PERCENT = 20  # under it the cable carries none
WELD_S = 4  # current in so many seconds while off: welded; a meter tells of it up to a second later
BREAK_S = 8  # no current this long while on: alarm within 10 s
BREAK_RETRY_S = 1_800  # a feeder without power returns without a person on site; at once after a reboot
SELF_TEST_S = 5
REST_S = 1_800  # after the longest continuous on-time
HOUR_S = 3_600


class OnTime:
    """Seconds on within 24 h, in hourly buckets (at most one hour pessimistic)."""

    def __init__(self) -> None:
        self.hours = [0] * 24
        self.total = 0
        self._at = 0
        self._next = HOUR_S

    def step(self, t: int, on: bool) -> int:
        if t >= self._next:
            self._next += HOUR_S
            self._at = (self._at + 1) % 24
            self.total -= self.hours[self._at]
            self.hours[self._at] = 0
        if on:
            self.hours[self._at] += 1
            self.total += 1
        return self.total

    def restore(self, total: int) -> None:
        """After a reboot: the time away counts as nothing, so all of it lies in the newest hour."""
        self.hours[self._at] += total
        self.total += total


class Safety:
    """The interlock of one zone.

    latched: flags kept across reboots: those a person must clear, and CABLE_BROKEN, which current clears too.
    """

    def __init__(self, limits: "Limits", power_w: int, latched: int = 0) -> None:
        self._limits = limits
        self._current_w = power_w * CURRENT_PERCENT // 100
        self._load_w = power_w * LOAD_PERCENT // 100
        self.latched = latched
        self.resting = False  # cable broken, and not yet time to try again
        self.tested = False
        self.on_time = OnTime()
        self._hot = False
        self._hot_cable = False
        self._weld_s = self._break_s = self._test_s = 0
        self._retry_at = self._rest_until = -1
        self._day_spent = False

    def step(
        self, t: int, surface: "Plausible", cable: "Plausible", power_w: int, on: bool, since: int, tripped: int
    ) -> int:
        """Flags after this second.

        surface, cable: `Plausible`; power_w: measured, or NO_POWER; on, since: the contactor as commanded until now,
        and since when; tripped: flags of the protections that have tripped, EARTH_FAULT and THERMAL_CUT_OUT.
        """
        limits = self._limits
        flags = 0
        if not (surface.valid and cable.valid):
            flags |= SENSOR_IMPLAUSIBLE
        raw = surface.raw
        if raw >= limits.t_max_mc:
            self._hot = True
        elif raw < limits.t_max_mc - SURFACE_HYSTERESIS_MC:
            self._hot = False
        raw = cable.raw
        if raw >= limits.cable_max_mc:
            self._hot_cable = True
        elif raw < limits.cable_max_mc - CABLE_HYSTERESIS_MC:
            self._hot_cable = False
        if self._hot or self._hot_cable:
            flags |= OVER_TEMPERATURE
        if tripped:
            self.latched |= tripped | LATCHED
        self._feedback(t, power_w, on)
        self.resting = t < self._retry_at
        if self._too_long(t, on, since):
            flags |= MAX_ON_TIME
        if not self.tested:
            self._test(flags, power_w, on, tripped)
            if not self.tested:
                flags |= SELF_TEST_PENDING
        return flags | self.latched

    def _feedback(self, t: int, power_w: int, on: bool) -> None:
        """The current must follow the contactor. A silent meter is evidence of nothing: what was counted waits."""
        if power_w == NO_POWER:
            return
        if on:
            self._weld_s = 0
            if power_w >= self._load_w:
                self._break_s = 0
                self.latched &= ~CABLE_BROKEN
                return
            self._break_s += 1
            if self._break_s >= BREAK_S:
                self._break_s = 0
                self._retry_at = t + BREAK_RETRY_S
                self.latched |= CABLE_BROKEN
            return
        self._break_s = 0
        if power_w <= self._current_w:
            self._weld_s = 0
            return
        self._weld_s += 1
        if self._weld_s >= WELD_S:
            self.latched |= CONTACTOR_WELDED | LATCHED

    def _too_long(self, t: int, on: bool, since: int) -> bool:
        """Longest continuous on-time and hours per day."""
        limits = self._limits
        if on and t - since >= limits.max_on_s - 1:  # both are rounded down
            self._rest_until = t + REST_S
        total = self.on_time.step(t, on)
        if total >= limits.max_on_day_s:
            self._day_spent = True
        elif total <= limits.max_on_day_s - limits.min_on_s:
            self._day_spent = False
        return self._day_spent or t < self._rest_until

    def _test(self, flags: int, power_w: int, on: bool, tripped: int) -> None:
        """Once a boot, before the first ON: for some seconds plausible readings, no current, nothing tripped."""
        if flags & SENSOR_IMPLAUSIBLE or power_w > self._current_w or on or tripped:
            self._test_s = 0
            return
        self._test_s += 1
        self.tested = self._test_s >= SELF_TEST_S

    def clear(self) -> None:
        """A person has looked: forget what is kept. What is still wrong is found again within seconds of it."""
        self.latched = 0
        self._weld_s = 0
        self._retry_at = -1
        self.resting = False
        self.tested = False
        self._test_s = 0
