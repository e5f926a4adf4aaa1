"""Energy meters with a pulse output (S0, EN 62053-31): power by the time between pulses, and the count as a register.

The output pulls the input down against the chip's pull-up. A broken wire gives no pulses, so that a closed contactor
shows a broken cable. The count is kept on flash: a power cut costs the pulses of a quarter of an hour at most.
"""

import time

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from machine import Pin

FIELDS = {"power": {"pulse_pin": ("pin",), "imp_per_kwh": (1, 100_000)}}
RATED = True  # the sensor's `rated_w` is the zone's power
_BOUNCE_MS = 20  # a pulse lasts 30 ms or more
_GAP_LEAST_MS = 60  # of pulse and pause
_GAP_MOST_MS = 1_000  # with fewer pulses a stuck contactor or a broken cable would be seen too late
_STOPPED_MS = 1_500
_SAVE_S = 900
_meters: "dict[int, Pulses]" = {}


def refusal(fields: "dict[str, Any]") -> str:
    """Why the meter's pulses would come too fast to be counted, or too slowly to be seen in time."""
    gap_ms = 3_600_000_000 // (fields["imp_per_kwh"] * fields["rated_w"])
    if gap_ms < _GAP_LEAST_MS or gap_ms > _GAP_MOST_MS:
        return "a pulse every {} ms at {} W; it must be {} to {} ms".format(
            gap_ms, fields["rated_w"], _GAP_LEAST_MS, _GAP_MOST_MS
        )
    return ""


def power(fields: "dict[str, Any]", buses: object) -> "Callable[[], int]":
    """Reader of the power [W]."""
    return _meter(fields).read_w


def energy(fields: "dict[str, Any]", buses: object) -> "Callable[[], int | None]":
    """Reader of the energy counted [Wh]: each new value once, else None."""
    return _meter(fields).read_wh


def _meter(fields: "dict[str, Any]") -> "Pulses":
    number: int = fields["pulse_pin"]
    if number not in _meters:
        from machine import Pin  # here: the class below is tested without a chip

        made = Pulses(fields["imp_per_kwh"], fields["rated_w"], "pulses{}.rec".format(number))
        Pin(number, Pin.IN, Pin.PULL_UP).irq(made.pulse, Pin.IRQ_FALLING)
        _meters[number] = made
    return _meters[number]


class Pulses:
    """One meter. path: where its count is kept."""

    def __init__(self, imp_per_kwh: int, rated_w: int, path: str) -> None:
        self._imp = imp_per_kwh
        self._mws = 3_600_000_000 // imp_per_kwh  # of a pulse; fits a small integer for all that is not refused
        self._least_ms = max(_BOUNCE_MS, self._mws // rated_w // 2)  # faster than twice the rated power: bounces
        self._path = path
        self._last_ms = time.ticks_ms()
        self._gap_ms = 0
        self.count = self._saved = self._told = _load(path)
        self._save_s = 0

    def pulse(self, _pin: "Pin | None" = None) -> None:
        """Interrupt: the output has closed."""
        now = time.ticks_ms()
        gap = time.ticks_diff(now, self._last_ms)
        if 0 <= gap < self._least_ms:
            return
        self._last_ms = now
        self._gap_ms = gap
        self.count += 1

    def read_w(self) -> int:
        """Power [W]; 0 once the next pulse is long overdue. Called once a second."""
        self._save_s += 1
        if self._save_s >= _SAVE_S:
            self._save_s = 0
            self._save()
        gap = self._gap_ms
        if gap <= 0:
            return 0
        age = time.ticks_diff(time.ticks_ms(), self._last_ms)
        if age < 0 or age > max(_STOPPED_MS, gap + (gap >> 1)):
            self._gap_ms = 0  # the first gap after a pause says nothing
            return 0
        return self._mws // max(gap, age) if gap <= 2 * _STOPPED_MS else 0

    def read_wh(self) -> "int | None":
        """Energy counted [Wh] if there is more of it than at the last call."""
        if self.count == self._told:
            return None
        self._told = self.count
        return self.count * 1000 // self._imp

    def _save(self) -> None:
        if self.count == self._saved:
            return
        try:
            from rh import store

            store.save(self._path, {"n": self.count})
            self._saved = self.count
        except Exception:
            pass  # flash full or worn: counts on


def _load(path: str) -> int:
    from rh import store

    try:
        record = store.load(path)
        count: "Any" = 0 if record is None else record.get("n")
    except store.Damaged:
        count = 0
    return count if type(count) is int and 0 <= count < 1 << 29 else 0
