"""Host side of an emulated board's MAX31865 converters: elements by temperature, and what may be wrong with them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

# See board/_max31865.py: a broken or shorted element, a broken lead of it or of the reference, a voltage beyond the
# supply, a converter that does not drive the line or holds it low, and one whose supply fails again and again.
FAULTS = ("open", "short", "rtdin", "refin", "voltage", "mute", "dead", "restarts")
_FIRST = 52  # word of the grant
CONVERTERS_MAX = 6
_A, _B, _C = 3.9083e-3, -5.775e-7, -4.183e-12  # IEC 60751


@dataclass
class Spi:
    """The bus: its pins, and of each converter the chip-select pin, reference and element at 0 °C [Ω]."""

    sck_pin: int = -1
    mosi_pin: int = -1
    miso_pin: int = -1
    converters: list[tuple[int, int, int]] = field(default_factory=list)

    def settings(self) -> list[object]:
        """As the board's kernel takes them."""
        chips = [(pin, ref_ohm) for pin, ref_ohm, _ in self.converters]
        return [[self.sck_pin, self.mosi_pin, self.miso_pin], chips]


class Converters:
    """words: of the board's grants."""

    def __init__(self, bus: Spi, words: array[int]) -> None:
        self._wired = bus.converters
        self._words = words

    def set_celsius(self, converter: int, celsius: float) -> None:
        """Temperature of the element; ends a fault."""
        self._words[_FIRST + converter] = round(1000 * ohms(celsius, self._wired[converter][2]))

    def set_fault(self, converter: int, fault: str) -> None:
        """One of FAULTS, until the next temperature."""
        self._words[_FIRST + converter] = -1 - FAULTS.index(fault)


def ohms(celsius: float, r0_ohm: float) -> float:
    """Resistance of a platinum element (Callendar and Van Dusen with the constants of IEC 60751)."""
    ratio = 1 + _A * celsius + _B * celsius**2
    if celsius < 0:
        ratio += _C * (celsius - 100) * celsius**3
    return r0_ohm * ratio
