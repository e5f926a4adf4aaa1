"""MAX31865 converters byte by byte: registers, conversions and the detection of faults, as the data sheet has them.

The resistance of each element, or what is wrong, comes from the host (`hil_tests/vm/converters.py`).
"""

import time as _t

import _spi

_FIRST = 52  # word of the grant: milliohms of the element, or a fault
_OPEN, _SHORT, _RTDIN, _REFIN, _VOLTAGE, _MUTE, _DEAD, _RESTARTS = -1, -2, -3, -4, -5, -6, -7, -8
_FULL = 32_767
_DETECTS = {_OPEN: 0x20, _RTDIN: 0x08, _REFIN: 0x10}  # fault bits that a detection of the wires finds
_CONVERTS_MS = 66  # first conversion at 50 Hz; then one every 20 ms
_DETECTS_MS = 1
_START = bytes((0, 0, 0, 0xFF, 0xFF, 0, 0, 0))


class Converter:
    def __init__(self, word, ref_ohm):
        self.selected = False
        self._word = word
        self._ref_mohm = ref_ohm * 1000
        self._registers = bytearray(_START)
        self._address = -1
        self._since = 0  # of converting, or of the detection

    def select(self, selected):
        self.selected = selected
        self._address = -1
        if selected:
            self._settle()

    def exchange(self, out, mode):
        """One byte each way; the first is the address, with bit 7 set to write."""
        fault = _t._grant[self._word]
        if fault == _MUTE:
            return 0xFF
        if fault == _DEAD:
            return 0
        if mode[1] != 1:  # data is taken at the other edge of the clock
            return 0x55
        if self._address < 0:
            self._address = out
            return 0xFF
        at = self._address & 0x7F
        said = self._registers[at] if at < 8 else 0
        if self._address & 0x80:
            self._write(at, out)
        self._address = self._address & 0x80 | (at + 1) & 0x7F
        return said

    def _write(self, at, value):
        registers = self._registers
        if 3 <= at <= 6:
            registers[at] = value
        elif at == 0:
            if value & 2:
                registers[7] = 0
                registers[2] &= 0xFE
            if value & 0x0C or (value & 0xC0 == 0xC0 and registers[0] & 0xC0 != 0xC0):
                self._since = _t._now
            registers[0] = value & 0xFD

    def _settle(self):
        """What has happened since: a detection ended, a conversion ended, the supply failed."""
        fault = _t._grant[self._word]
        registers = self._registers
        if fault == _RESTARTS:
            registers[:] = _START
        if registers[0] & 0x0C and _t._now - self._since >= _DETECTS_MS:
            registers[0] &= 0xF3
            registers[7] |= _DETECTS.get(fault, 0)
        if fault == _VOLTAGE:
            registers[7] |= 0x04
        if registers[0] & 0xC0 == 0xC0 and _t._now - self._since >= _CONVERTS_MS:
            code = _FULL
            if fault == _SHORT:
                code = 0
            elif fault >= 0:
                code = min(_FULL, fault * 32_768 // self._ref_mohm)
            high, low = registers[3] << 8 | registers[4], registers[5] << 8 | registers[6]
            if code << 1 > high:
                registers[7] |= 0x80
            if code << 1 < low:
                registers[7] |= 0x40
            registers[1] = code >> 7
            registers[2] = code << 1 & 0xFE
        registers[2] = registers[2] & 0xFE | (1 if registers[7] else 0)


def _attach(pins, converters):
    """pins: sck, mosi, miso; converters: chip-select pin and reference resistance."""
    _spi.pins = tuple(pins)
    for i, (pin, ref_ohm) in enumerate(converters):
        _spi.chips[pin] = Converter(_FIRST + i, ref_ohm)
