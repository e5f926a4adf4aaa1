"""Host side of an emulated board's Modbus meters: what they have counted outlives every reset of the board."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

FAULTS = ("fine", "mute", "noise", "cut", "another", "exception", "late", "stuck")  # see board/_modbus.py
_FIRST, _EACH = 40, 4  # words of the grant: W with the contactor open, W closed, Wh when the grant begins, fault


@dataclass
class Rs485:
    """The line: pins of the board, -1 for a transceiver that switches by itself; format of the meters."""

    tx_pin: int = -1
    de_pin: int = -1
    echo: bool = False  # the board hears what it sends
    baud: int = 9600
    parity: int | None = None  # 0 even, 1 odd
    stop_bits: int = 1
    # address, model, output whose load it measures, level of it that closes the contactor
    meters: list[tuple[int, str, int, int]] = field(default_factory=list)

    def settings(self) -> list[object]:
        """As the board's kernel takes them."""
        return [self.tx_pin, self.de_pin, self.echo, [self.baud, self.parity, self.stop_bits], self.meters]


class Meters:
    """words: of the board's grants."""

    def __init__(self, line: Rs485, words: array[int]) -> None:
        self._wired = line.meters
        self._words = words
        self._ws = [0] * len(line.meters)
        self._now_ms = 0  # counted up to here

    def set_power(self, meter: int, off_w: float, on_w: float) -> None:
        """Power while the contactor behind it is open and closed."""
        self._words[_FIRST + _EACH * meter : _FIRST + _EACH * meter + 2] = array("i", [round(off_w), round(on_w)])

    def set_fault(self, meter: int, fault: str) -> None:
        """One of FAULTS; "stuck" holds the whole line."""
        self._words[_FIRST + _EACH * meter + 3] = FAULTS.index(fault)

    def set_register(self, meter: int, wh: float) -> None:
        """What a meter shows [Wh]."""
        self._ws[meter] = round(wh * 3600)

    def register_wh(self, meter: int) -> int:
        return self._ws[meter] // 3600

    def show(self) -> None:
        """Write the registers into the words of the next grant."""
        for i, ws in enumerate(self._ws):
            self._words[_FIRST + _EACH * i + 2] = ws // 3600

    def count(self, now_ms: int, levels: Mapping[int, int]) -> None:
        """What has flowed up to now, with the outputs at these levels."""
        passed_ms = max(0, now_ms - self._now_ms)
        for i, (_, _, output, active) in enumerate(self._wired):
            power_w = self._words[_FIRST + _EACH * i + (1 if levels.get(output) == active else 0)]
            self._ws[i] += power_w * passed_ms // 1000
        self._now_ms += passed_ms
