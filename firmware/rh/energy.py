"""Energy of one zone: measured power second by second, held to a register meter's own count where there is one. Pure.

The register knows what samples of the power miss, such as a contactor that opens between two of them, and counts on
while nobody reads it. Its difference is not booked in one step, which the supervisor would take for a fault
(docs/decisions, 39), but by counting a little more or less in seconds with power.
"""

_SLEW_SHIFT = 2  # a quarter of the power …
_SLEW_PERCENT = 108  # … and at most up to this of the rated power: the supervisor books no more than 110
_DRAWABLE_PERCENT = 110  # of the rated power: mains 5 % high, as the square
_SLACK_WH = 100  # a float32 register has steps of 62 Wh at its end


class Energy:
    """rated_w: of the cable."""

    def __init__(self, rated_w: int) -> None:
        self.wh = 0  # since boot, never falls
        self._rated_w = rated_w
        self._most_w = rated_w * _SLEW_PERCENT // 100
        self._ws = 0
        self._owed_ws = 0  # of the register, not counted yet; negative: counted too much
        self._register_wh = -1
        self._since_s = 0  # since that reading
        self._since_ws = 0

    def count(self, power_w: int, register_wh: "int | None") -> None:
        """Take in a second's power and, where the register was read within it, its reading."""
        ws = power_w
        owed = self._owed_ws
        if owed:
            least = -(power_w >> _SLEW_SHIFT)
            paid = max(least, min(owed, -least, max(0, self._most_w - power_w)))
            self._owed_ws = owed - paid
            ws += paid
        self._since_s += 1
        self._since_ws += power_w
        if register_wh is not None:
            self._compare(register_wh)
        ws += self._ws
        if ws >= 3600:
            self.wh += ws // 3600
            ws %= 3600
        self._ws = ws

    def _compare(self, wh: int) -> None:
        """The first reading is where it starts. One that fell was reset or has wrapped, one that rose by more than the
        cable can draw is another meter's: then what the power says stays, and counting goes on from there.
        """
        gained = wh - self._register_wh
        most = self._rated_w * self._since_s // 3600 * _DRAWABLE_PERCENT // 100 + _SLACK_WH
        if self._register_wh >= 0 and 0 <= gained <= most:
            self._owed_ws += gained * 3600 - self._since_ws
        self._register_wh = wh
        self._since_s = self._since_ws = 0
