"""What the host shows to an emulated board with each grant: probes, pins, network, and troubles of the chip."""

from __future__ import annotations

import array

OPEN, SHORT, NOISE = -32_000, -32_001, -32_002  # faults of a DS18B20, see board/_onewire.py
LINK, WIFI = 1, 2
# Memory runs out in the safety loop; a call of the network hangs, or raises; power ends within a write to the flash; a
# dial computes for so many ms in C code, as a TLS handshake does on the chip.
TROUBLES = ("none", "memory", "hang", "refuse", "cut", "handshake")
_ONCE = ("memory", "cut")  # over with the reset that they cause
_WORDS, _FAULTS, _TROUBLE, _FIRST_DS, _FIRST_ADC = 64, 4, 5, 8, 24


class Inputs:
    """The words of a grant; board/time.py has the list."""

    def __init__(self, sensors: int) -> None:
        self._words = array.array("i", [0] * _WORDS)
        self._words[1] = LINK | WIFI
        self._faulty: frozenset[int] = frozenset()
        for i in range(sensors):
            self.set_temperature(i, 85.0)

    def set_temperature(self, sensor: int, celsius: float) -> None:
        """A DS18B20's temperature, quantised to 1/16 °C; or one of OPEN, SHORT, NOISE."""
        fault = celsius <= -30_000
        self._words[_FIRST_DS + sensor] = int(celsius) if fault else round(celsius * 16)
        self._faulty = self._faulty | {sensor} if fault else self._faulty - {sensor}
        self._words[_FAULTS] = len(self._faulty)

    def set_adc(self, channel: int, off_mv: float, on_mv: float | None = None) -> None:
        """Millivolts at an analogue input, while the output it belongs to is off and on."""
        self._words[_FIRST_ADC + 2 * channel] = round(off_mv)
        self._words[_FIRST_ADC + 2 * channel + 1] = round(off_mv if on_mv is None else on_mv)

    def set_input(self, pin: int, level: int) -> None:
        word, bit = 2 + (pin >> 5), pin & 31
        mask = (1 << bit) - (1 << 32 if bit == 31 else 0)  # words are signed
        self._words[word] = self._words[word] | mask if level else self._words[word] & ~mask

    def cut_link(self, *, wifi: bool = False) -> None:
        """Nothing passes to or from the network; with `wifi` the access point is gone as well."""
        self._words[1] = 0 if wifi else WIFI

    def restore_link(self) -> None:
        self._words[1] = LINK | WIFI

    @property
    def link_is_there(self) -> bool:
        return bool(self._words[1] & LINK)

    def set_trouble(self, kind: str, argument: int = 0, quarters: int = 0) -> None:
        """One of TROUBLES. "cut": power ends at the write after `argument` more, `quarters` of it done."""
        self._words[_TROUBLE : _TROUBLE + 3] = array.array("i", [TROUBLES.index(kind), argument, quarters])

    @property
    def trouble(self) -> str:
        return TROUBLES[self._words[_TROUBLE]]

    def survived(self) -> None:
        """The chip starts anew."""
        if self.trouble in _ONCE:
            self.set_trouble("none")
