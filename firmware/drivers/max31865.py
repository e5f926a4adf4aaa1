"""Platinum resistance thermometers (PT100, PT1000) behind MAX31865 converters on SPI.

Data sheet: Maxim 19-6478. A reading takes all eight registers at once; it counts where the configuration is still the
one that was written, no fault bit is set and the resistance is one that a road can have.
"""

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from machine import SPI, Pin
    from rh.hardware import Buses

BUS = "spi"
FIELDS = {
    "temperature": {
        "cs_pin": ("pin",),
        "r0_ohm": ("in", (100, 1000), 100),
        "ref_ohm": (200, 10_000),  # reference resistor of the converter's board: usually 430 or 4300
        "wires": ("in", (2, 3, 4), 4),
        "mains_hz": ("in", (50, 60), 60),
        "offset_mk": (-2_000, 2_000, 0),  # of the element against a reference, added
    }
}
_BIAS_AUTO = 0xC0  # voltage on, converting all the time
_DETECT = 0x84  # voltage on, one fault detection with automatic delay: 0.6 ms
_CLEAR = 0x82
_WRITE = 0x80
# Resistance over that at 0 °C, times 327,680, every 10 K from -60 °C: R/R0 = 1 + A t + B t² + C (t - 100) t³, the last
# for t < 0 only, A = 3.9083e-3, B = -5.775e-7, C = -4.183e-12 (IEC 60751). Linear between them it errs by 4 mK.
_FIRST_MC = -60_000
_STEP_MC = 10_000
_TABLE = (
    250_111,
    263_148,
    276_138,
    289_085,
    301_990,
    314_854,
    327_680,
    340_468,
    353_218,
    365_930,
    378_604,
    391_240,
    403_839,
    416_400,
    428_923,
    441_408,
    453_855,
    466_264,
    478_636,
    490_969,
    503_265,
    515_523,
    527_743,
)


def temperature(fields: "dict[str, Any]", buses: "Buses") -> "Callable[[], int | None]":
    """Reader of the thermometer behind the converter at `cs_pin` [m°C]."""
    from machine import Pin  # here: the class below is tested without a chip

    made = Max31865(buses.spi, Pin(fields["cs_pin"], Pin.OUT, value=1), fields["r0_ohm"], fields["ref_ohm"])
    made.set_up(fields["wires"] == 3, fields["mains_hz"] == 50, fields["offset_mk"])
    return made.read_mc


def bus(pins: "dict[str, Any]") -> "SPI":
    """The SPI bus of config.json."""
    from machine import SPI, Pin

    sck, mosi, miso = Pin(pins["sck_pin"]), Pin(pins["mosi_pin"]), Pin(pins["miso_pin"])
    return SPI(1, baudrate=500_000, polarity=0, phase=1, sck=sck, mosi=mosi, miso=miso)


class Max31865:
    """One converter. spi: `machine.SPI` in mode 1; select: pin, 0 while it is spoken to."""

    def __init__(self, spi: "SPI", select: "Pin", r0_ohm: int, ref_ohm: int) -> None:
        self.fault = 0  # bits of the fault register that ended the last reading; 0xFF: it did not answer
        self._spi = spi
        self._select = select
        self._permille = ref_ohm * 1000 // r0_ohm
        self._ask = bytearray(9)  # address 0, then clock for eight registers
        self._said = bytearray(9)
        self._two = bytearray(2)
        self._format = 0
        self._first_mc = _FIRST_MC
        self._config = -1  # written last; -1: nothing yet

    def set_up(self, three_wires: bool, hz50: bool, offset_mk: int = 0) -> None:
        self._first_mc = _FIRST_MC + offset_mk
        self._format = (0x10 if three_wires else 0) | (1 if hz50 else 0)

    def read_mc(self) -> "int | None":
        """Temperature [m°C], or None: no answer, open, shorted, over- or undervoltage. Called once a second.

        After a start and after each fault the wires are tested first, which takes two calls.
        """
        said = self._said
        self._select(0)
        self._spi.write_readinto(self._ask, said)
        self._select(1)
        config = said[1]
        if self._config < 0:
            self._begin()
            return None
        if (
            config != self._config & 0xF3
        ):  # detection is over when its bits are 0; else it lost power, or nobody is there
            self.fault = 0xFF
            self._begin()
            return None
        if said[8] or said[3] & 1:
            self.fault = said[8]
            self._begin()
            return None
        if not config & 0x40:  # the wires are good
            self._write(_BIAS_AUTO | self._format)
            return None
        ratio = (said[2] << 7 | said[3] >> 1) * self._permille // 100
        if not _TABLE[0] <= ratio < _TABLE[-1]:
            self.fault = 0x80 if ratio >= _TABLE[-1] else 0x40  # as the converter's own thresholds: open or shorted
            return None
        self.fault = 0
        i = 1
        while ratio >= _TABLE[i]:
            i += 1
        low = _TABLE[i - 1]
        return self._first_mc + (i - 1) * _STEP_MC + (ratio - low) * _STEP_MC // (_TABLE[i] - low)

    def _begin(self) -> None:
        self._write(_CLEAR | self._format)
        self._write(_DETECT | self._format)

    def _write(self, config: int) -> None:
        self._config = config
        self._two[0] = _WRITE
        self._two[1] = config
        self._select(0)
        self._spi.write(self._two)
        self._select(1)
