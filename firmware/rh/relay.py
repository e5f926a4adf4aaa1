"""One contactor: time proportioning with phase, minimum on and off times. Pure."""

from .codes import PLAN

if 0:  # for the type checker; leaves nothing on the chip
    from .config import Limits


_LATE_S = 60  # a window may be entered so late: the minimum on time then makes it good


class Relay:
    """Turns a duty [‰] into on and off.

    The contactor closes at the start of the period, for duty x period: a supervisor that staggers the phases of a
    feeder knows when. Shorter than the minimum on time: once that much is owed, for the minimum on time. Off for less
    than the minimum off time: not at all, until as much has been given too much.

    t: uptime at start, when outputs are off; how long they were off before is unknown and counts as nothing, so that
    the minimum off time holds across reboots.
    """

    def __init__(self, t: int, limits: "Limits") -> None:
        self._period = limits.period_s
        self._min_on = limits.min_on_s
        self._min_off = limits.min_off_s
        self.on = False
        self.since = t
        # owed: asked for and not given, or less than 0 [‰·s]; carry: what was owed when the period began
        self._by = self._position = self._owed = self._carry = 0

    def step(self, t: int, position: int, duty: int, who: int) -> bool:
        """One second: whether the contactor is closed. position: seconds into the period; who: the row that asks."""
        on = self.on
        if position < self._position:
            self._carry = self._owed
        self._position = position
        if 0 < duty < 1000:
            want = self._within(position, duty)
            self._owed += duty - 1000 if on else duty
        else:
            want = duty >= 1000
            self._owed = self._carry = 0
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
        window = duty * self._period // 1000
        most = self._period - self._min_off
        if window < self._min_on:
            window = self._min_on if window * 1000 + self._carry >= self._min_on * 1000 else 0
        elif window > most:
            window = self._period if window * 1000 + self._carry > most * 1000 else most
        else:
            self._owed = 0
        if self.on or not window:
            return position < window
        return position <= window - self._min_on + _LATE_S

    def open(self, t: int) -> None:
        """Off now, whatever the minimum on time says."""
        self._owed = self._carry = 0
        if self.on:
            self.on = False
            self.since = t
