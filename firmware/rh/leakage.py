"""Earth-leakage current of one zone [mA], measured: a warning before the protection trips, and a trip of its own. Pure.

The protection itself and its contact come first; this is what a rising current says weeks before, and a second way
to open the contactor. The limits are `leakage_trip_ma` and `leakage_warn_ma` of limits.json.
"""

from .codes import NO_LEAKAGE

if 0:  # for the type checker; leaves nothing on the chip
    from .config import Limits

TRIP_MIN = 2  # samples in a row: one may be noise
WARN_S = 60  # a contactor that closes charges the cable's capacitance for a moment
_BACK_PERCENT = 80  # of the warning, where it ends


class Leakage:
    """`high`: the warning stands."""

    def __init__(self, limits: "Limits") -> None:
        self._trip_ma = limits.leakage_trip_ma
        self._warn_ma = limits.leakage_warn_ma
        self.high = False
        self.peak_ma = NO_LEAKAGE  # of what was measured since somebody last set it back
        self._over = 0
        self._warn_s = 0

    def step(self, ma: "int | None") -> bool:
        """Take a second's sample; whether the zone must trip. NO_LEAKAGE where nothing measures it.

        None: no answer, as from a broken wire. It counts as too much, as the contact of the protection does.
        """
        if ma == NO_LEAKAGE:
            return False
        if ma is not None and ma > self.peak_ma:
            self.peak_ma = ma
        if ma is None or ma >= self._trip_ma:
            self._over += 1
        else:
            self._over = 0
            if ma >= self._warn_ma:
                self._warn_s += 1
                self.high = self.high or self._warn_s >= WARN_S
            elif ma * 100 < self._warn_ma * _BACK_PERCENT:
                self._warn_s = 0
                self.high = False
        return self._over >= TRIP_MIN
