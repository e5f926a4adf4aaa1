"""Pulse outputs of energy meters: they pull a pin down for each quantum of energy that flows, within a grant too.

The power comes from the host as two numbers of the grant, with the contactor open and closed, as a transformer's mV.
"""

import machine
import time as _t

_STEP_MS = 5
_MWS_PER_KWH = 3_600_000_000


class Output:
    """On the timers of the virtual clock."""

    def __init__(self, pin, imp_per_kwh):
        self._pin = pin
        self._pulse_mws = _MWS_PER_KWH // imp_per_kwh
        self._mws = 0
        self._due = _t._now + _STEP_MS
        _t._timers.append(self)

    def _fire(self):
        self._due += _STEP_MS
        word, output, active = machine._adc[self._pin]
        self._mws += _t._grant[word + 1 if machine._levels.get(output) == active else word] * _STEP_MS
        while self._mws >= self._pulse_mws:
            self._mws -= self._pulse_mws
            pin = machine._pins.get(self._pin)
            if pin is not None and pin._handler and pin._trigger & machine.Pin.IRQ_FALLING:
                pin._handler(pin)
