"""One contactor: time proportioning with phase, minimum on and off times. Pure."""

from .codes import PLAN

if 0:  # for the type checker; leaves nothing on the chip
    from .config import Limits


class Relay:
    """Turns a duty [‰] into on and off; what is asked for and not delivered, or the reverse, goes to the next period.

    t: uptime at start, when outputs are off; how long they were off before is unknown and counts as nothing, so that
    the minimum off time holds across reboots.
    """

    def __init__(self, t: int, limits: "Limits") -> None:
        self._period = limits.period_s
        self._min_on = limits.min_on_s
        self._min_off = limits.min_off_s
        self.on = False
        self.since = t
        self._by = 0
        self._position = 0
        self._carry = 0  # owed at the period's start [‰·s]
        self._owed = 0

    def step(self, t: int, position: int, duty: int, who: int) -> bool:
        """One second: whether the contactor is closed. position: seconds into the period; who: the row that asks."""
        on = self.on
        if position < self._position:
            bound = self._period * 1000
            owed = self._owed
            self._carry = bound if owed > bound else -bound if owed < -bound else owed
            self._owed = self._carry
        self._position = position
        if duty <= 0 or duty >= 1000:
            self._owed = self._carry = 0
            want = duty > 0
        else:
            want = self._within(position, duty)
            self._owed += duty - 1000 if on else duty
        held = t - self.since
        if on:
            if want:
                self._by = who
            # The minimum on time spares the contactor; it never outlives the authority that switched it on, and the
            # rows above the plan open at once.
            elif held >= self._min_on or who != self._by or who < PLAN:
                self.on = False
                self.since = t
        elif want and held > self._min_off:  # more than: both ends are whole seconds, rounded down
            self.on = True
            self.since = t
            self._by = who
        return self.on

    def _within(self, position: int, duty: int) -> bool:
        """Whether the period's on-window holds this second."""
        period = self._period
        window = (duty * period + self._carry) // 1000
        if not self.on:
            return window - position >= self._min_on
        if position < window:
            return True
        # Not worth opening for less than the minimum off time, if the next window is a real one.
        return period - position < self._min_off and duty * period + self._owed >= self._min_on * 1000

    def open(self, t: int) -> None:
        """Off now, whatever the minimum on time says."""
        self._owed = self._carry = 0
        if self.on:
            self.on = False
            self.since = t
