"""Plausibility of one measured quantity, after IEC 60730-1 Annex H class B: range, rate of change, repetition. Pure."""

from .codes import NO_READING_MC

_BAD_MAX = 2  # a fault is known within two samples
_GOOD_MIN = 5  # and forgotten after five in a row


class Plausible:
    """Judges raw samples of a quantity, one every second.

    low, high: range of the quantity; step: the most it changes within a second. `value` is the newest plausible sample,
    `valid` whether it may be used; `raw` the newest in range, plausible or not: the high limit uses it.
    """

    def __init__(self, low: int, high: int, step: int) -> None:
        self._low = low
        self._high = high
        self._step = step
        self.value = NO_READING_MC
        self.raw = NO_READING_MC
        self.valid = False
        self._bad = self._good = 0

    def feed(self, sample: "int | None") -> bool:
        """Take a sample (None: the sensor did not answer); returns `valid`."""
        if sample is None or sample < self._low or sample > self._high:
            return self._refuse()
        before = self.value if self.valid else self.raw
        self.raw = sample
        change = sample - before
        if before != NO_READING_MC and (change > self._step or change < -self._step):
            return self._refuse()
        self._bad = 0
        if self.valid:
            self.value = sample
            return True
        self._good += 1
        if self._good >= _GOOD_MIN:
            self.value = sample
            self.valid = True
        return self.valid

    def _refuse(self) -> bool:
        self._good = 0
        self._bad += 1
        if self._bad >= _BAD_MAX:
            self.valid = False
            self.value = NO_READING_MC
        return self.valid
