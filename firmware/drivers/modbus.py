"""Register energy meters by Modbus RTU on RS-485: MODBUS over Serial Line V1.02, Application Protocol V1.1b3.

A task asks the meters in turn, the safety loop takes what they last said: no reading waits for the line. An answer
does not repeat the register that was asked for, so power and energy are asked in different lengths: a late answer to
the one is never taken for the other. A cable only consumes, so power counts without its sign and energy as import plus
export: a meter whose sides are swapped measures the same.
"""

from rh.codes import NO_POWER

try:
    from micropython import const
except ImportError:  # CPython
    const = int  # type: ignore[assignment]

if 0:  # for the type checker; leaves nothing on the chip
    from typing import Any, Callable

    from machine import UART, Pin
    from rh.hardware import Buses

BUS = "rs485"
# Input registers of power [W], and of import and export [kWh] one after the other, each a float of two registers.
# Eastron SDM120-Modbus protocol V2.4: 30013, 30073, 30075; SDM630-Modbus V2: 30053, 30073, 30075.
MODELS = {"sdm120": (0x000C, 0x0048), "sdm630": (0x0034, 0x0048)}
FIELDS = {
    "power": {
        "model": ("in", tuple(sorted(MODELS))),
        "address": (1, 247),
        "low_word_first": (0, 1, 0),  # gateways and other makers' meters that swap a float's two registers
    }
}
STALE_S = const(2)  # readings of the safety loop after which a power is not known; fewer than make a weld
_PAUSE_MS = const(300)  # between rounds: three meters are asked again within 0.7 s, so that a weld is known within 5 s
_STEP_MS = const(20)
_TIMEOUT_MS = const(200)  # SDM meters answer within 60 ms; at 2400 baud 17 bytes take 78 ms more
_TRIES = const(2)
_READ_INPUT = const(4)
_POWER_WORDS = const(2)
_ENERGY_WORDS = const(4)
_DRAIN_MAX = const(512)  # bytes: a line that never falls silent must not hold the task
_MAX_W = const(1_000_000)
# What became of the last question.
FINE = const(0)
SILENT = const(1)
NOISE = const(2)
REFUSED = const(3)


def power(fields: "dict[str, Any]", buses: "Buses") -> "Callable[[], int]":
    """Reader of a meter's power [W]; NO_POWER while it does not answer."""
    return _meter(fields, buses).read_w


def energy(fields: "dict[str, Any]", buses: "Buses") -> "Callable[[], int | None]":
    """Reader of its accumulated energy [Wh]: each reading of the register once, else None."""
    return _meter(fields, buses).read_wh


def fault(fields: "dict[str, Any]", buses: "Buses") -> int:
    """What became of the last question to a meter: FINE, SILENT, NOISE or REFUSED."""
    return _meter(fields, buses).why


def line(pins: "dict[str, Any]") -> "Line":
    """The RS-485 line of config.json. UART 1 of every chip is free for it, whatever its pins."""
    from machine import UART, Pin  # here: the classes below are tested without a chip

    parity = {"none": None, "even": 0, "odd": 1}[pins["parity"]]
    enable = None if pins["de_pin"] is None else Pin(pins["de_pin"], Pin.OUT, value=0)
    baud = pins["baud"]
    stop = pins["stop_bits"]
    uart = UART(1, baudrate=baud, bits=8, parity=parity, stop=stop, tx=pins["tx_pin"], rx=pins["rx_pin"], timeout=0)
    return Line(uart, enable)


def _meter(fields: "dict[str, Any]", buses: "Buses") -> "Meter":
    found: "Line" = buses.rs485
    for meter in found.meters:
        if meter.address == fields["address"]:
            return meter
    meter = Meter(fields["address"], MODELS[fields["model"]], fields["low_word_first"] == 1)
    found.meters.append(meter)
    return meter


class Meter:
    """One meter. registers: of power and of energy; swapped: a float's low word comes first."""

    def __init__(self, address: int, registers: "tuple[int, int]", swapped: bool = False) -> None:
        self.address = address
        self.registers = registers
        self.why = SILENT
        self._swapped = swapped
        self._w = 0
        self._age = STALE_S
        self._wh: "int | None" = None

    def read_w(self) -> int:
        """Power [W], at most `STALE_S` readings old, or NO_POWER. Called once a second."""
        if self._age >= STALE_S:
            return NO_POWER
        self._age += 1
        return self._w

    def read_wh(self) -> "int | None":
        """Accumulated energy [Wh] if it has been read since the last call."""
        wh = self._wh
        self._wh = None
        return wh

    def take(self, buffer: bytearray, at: int, words: int) -> bool:
        """Values of an answer; False where they cannot be: not a number, too large."""
        if words == _POWER_WORDS:
            mw = thousandths(buffer, at, self._swapped)
            if mw is None or mw // 1000 > _MAX_W:
                return False
            self._w = mw // 1000
            self._age = 0
            return True
        took = thousandths(buffer, at, self._swapped)
        gave = thousandths(buffer, at + 4, self._swapped)
        if took is None or gave is None:
            return False
        self._wh = took + gave
        return True


class Line:
    """The line with its meters. uart: `machine.UART` or its like, reading without waiting.

    enable: pin that switches the transceiver to sending, None where it does so by itself.
    """

    def __init__(self, uart: "UART", enable: "Pin | None" = None) -> None:
        self.meters: "list[Meter]" = []
        self._uart = uart
        self._enable = enable
        self._request = bytearray(8)
        self._buffer = bytearray(64)  # echo, some noise and the longest answer
        self._n = 0
        self._byte = bytearray(1)
        self._turn = 0

    async def run(self, pause: "Callable[[int], Any]") -> None:
        """Ask for ever, round after round.

        pause: `asyncio.sleep_ms`.
        """
        while True:
            await self.round(pause)
            await pause(_PAUSE_MS)

    async def round(self, pause: "Callable[[int], Any]") -> None:
        """Ask all meters for their power, and one of them for its energy; afterwards they have the answers."""
        meters = self.meters
        self._turn = (self._turn + 1) % max(1, len(meters))
        for i in range(len(meters) + 1):
            meter = meters[i if i < len(meters) else self._turn]
            words = _POWER_WORDS if i < len(meters) else _ENERGY_WORDS
            why = SILENT
            for _ in range(_TRIES):
                why = self._ask(meter, words)
                left = _TIMEOUT_MS if why == FINE else 0
                while left > 0:
                    await pause(_STEP_MS)
                    left -= _STEP_MS
                    why = self._heard(meter, words)
                    if why == FINE or why == REFUSED:  # noqa: SIM109  # no tuple a turn
                        break
                if why == FINE or why == REFUSED:  # noqa: SIM109  # no tuple a turn
                    break
            meter.why = why

    def _ask(self, meter: Meter, words: int) -> int:
        """Send a request, over whatever the line said before: an answer that comes late, an echo, noise."""
        uart = self._uart
        one = self._byte
        for _ in range(_DRAIN_MAX):
            if not uart.any():
                break
            uart.readinto(one)
        self._n = 0
        register = meter.registers[0 if words == _POWER_WORDS else 1]
        request = self._request
        request[0] = meter.address
        request[1] = _READ_INPUT
        request[2] = register >> 8
        request[3] = register & 255
        request[4] = 0
        request[5] = words
        crc = crc16(request, 0, 6)
        request[6] = crc & 255
        request[7] = crc >> 8
        enable = self._enable
        try:
            if enable is not None:
                enable(1)
            uart.write(request)
            uart.flush()  # 8 bytes: 37 ms at 2400 baud; the meter must find the line free
        except OSError:
            return SILENT
        finally:
            if enable is not None:
                enable(0)
        return FINE

    def _heard(self, meter: Meter, words: int) -> int:
        """Take what has come; FINE once it has the answer."""
        uart = self._uart
        one = self._byte
        buffer = self._buffer
        n = self._n
        while n < len(buffer) and uart.any():
            if not uart.readinto(one):
                break
            buffer[n] = one[0]
            n += 1
        self._n = n
        if n == 0:
            return SILENT
        size = 2 * words
        for at in range(n - 4):  # behind an echo of the request, or noise
            if buffer[at] != meter.address:
                continue
            if buffer[at + 1] == _READ_INPUT and buffer[at + 2] == size and at + 5 + size <= n:
                if crc16(buffer, at, at + 5 + size) == 0:
                    return FINE if meter.take(buffer, at + 3, words) else NOISE
            elif buffer[at + 1] == _READ_INPUT | 0x80 and crc16(buffer, at, at + 5) == 0:
                return REFUSED
        return NOISE


def crc16(data: bytearray, begin: int, end: int) -> int:
    """Of the serial line, reflected polynomial 0xA001; 0 over a frame with its own behind it, low byte first."""
    crc = 0xFFFF
    for i in range(begin, end):
        crc ^= data[i]
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def thousandths(data: bytearray, at: int, swapped: bool) -> "int | None":
    """Magnitude of an IEEE 754 float32 in thousandths, rounded; None where it is not a number, or 2^23 and more.

    In integers: the chip's own float has these 24 bits too, and times 1000 it would lose the last ten.
    """
    high = at + 2 if swapped else at
    low = at if swapped else at + 2
    exponent = (data[high] & 127) << 1 | data[high + 1] >> 7
    mantissa = (data[high + 1] & 127 | 128) << 16 | data[low] << 8 | data[low + 1]
    shift = 150 - exponent  # the value is mantissa / 2^shift
    if shift <= 0:
        return None
    if shift > 19:  # keeps the product below within a small integer of 31 bits
        mantissa >>= min(shift - 19, 24)
        shift = 19
    whole = mantissa >> shift
    rest = mantissa - (whole << shift)
    return whole * 1000 + ((rest * 1000 + (1 << shift - 1)) >> shift)
