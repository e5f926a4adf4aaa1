"""DS18B20 thermometers on a shared 1-wire bus, addressed by ROM, over the stock `onewire.OneWire`.

Data sheet: Maxim 19-7487. Every reading is checked: CRC-8, configuration byte, power-on value. A conversion takes
750 ms; the owner starts one and reads a second later.
"""

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from onewire import OneWire
    from rh.hardware import Buses

FIELDS = {"temperature": {"rom": ("rom",)}}
_CONVERT = 0x44
_READ = 0xBE
_MATCH = 0x55
_SKIP = 0xCC
_POWER_ON_RAW = 1360  # 85 °C: no conversion has been made yet


def temperature(fields: "dict[str, Any]", buses: "Buses") -> "Callable[[], int | None]":
    """Reader of the thermometer with `rom` (8 bytes) [m°C]."""
    return Ds18b20(buses.onewire, fields["rom"]).read_mc


def convert(buses: "Buses") -> bool:
    """Start a conversion in all thermometers of the 1-Wire bus; False if none is there."""
    bus = buses.onewire
    if not bus.reset():
        return False
    bus.writebyte(_SKIP)
    bus.writebyte(_CONVERT)
    return True


class Ds18b20:
    """One thermometer. bus: `onewire.OneWire`; rom: 8 bytes."""

    def __init__(self, bus: "OneWire", rom: bytes) -> None:
        self._bus = bus
        self._select = bytes((_MATCH,)) + rom + bytes((_READ,))
        self._pad = bytearray(9)
        self._last = bytearray(9)
        self._mc: "int | None" = None

    def read_mc(self) -> "int | None":
        """Newest temperature [m°C], or None: no thermometer, broken CRC, no conversion since power-on."""
        bus = self._bus
        pad = self._pad
        if not bus.reset():
            return None
        bus.write(self._select)
        bus.readinto(pad)
        if pad == self._last:  # the same nine bytes have been checked before
            return self._mc
        if bus.crc8(pad) or pad[4] & 0x9F != 0x1F:  # a shorted bus reads nine zeros, whose CRC is right
            return None
        raw = pad[0] | pad[1] << 8
        if raw >= 0x8000:
            raw -= 0x10000
        self._last[:] = pad
        self._mc = None if raw == _POWER_ON_RAW else raw * 125 // 2
        return self._mc
