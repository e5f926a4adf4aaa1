"""Modbus at byte level: energy meters with registers, CRC and faults on an RS-485 line behind `machine.UART`.

Power and energy come from the host; within a grant a meter counts on by the contactor it sees. What may be wrong with
one is the last of its words in the grant.
"""

import struct
import time as _t

import _uart
import machine

FINE, MUTE, NOISE, CUT, ANOTHER, EXCEPTION, LATE, STUCK = 0, 1, 2, 3, 4, 5, 6, 7
_FIRST = 40  # word of the grant: W with the contactor open, W closed, Wh when the grant begins, fault
_WORDS = 4
_ANSWERS_MS = 40  # after the request's last byte, as SDM meters
_LATE_MS = 430  # after the master has given up twice
_REGISTERS = {"sdm120": 0x000C, "sdm630": 0x0034}
_IMPORT = 0x0048
_VOLTS = 0x0000


def _crc(data):
    crc = 0xFFFF
    for b in data:
        crc ^= b
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


class _Meter:
    def __init__(self, word, address, model, output, active):
        self.word = word
        self.address = address
        self._power = _REGISTERS[model]
        self._output = output
        self._active = active
        self._ws = 0  # since the grant began
        self._at = _t._now

    def power_w(self):
        return _t._grant[self.word + 1 if machine._levels.get(self._output) == self._active else self.word]

    def count(self):
        """Energy up to now, at the power that flowed."""
        self._ws += self.power_w() * (_t._now - self._at) // 1000
        self._at = _t._now

    def granted(self):
        self._ws = 0
        self._at = _t._now

    def fault(self):
        return _t._grant[self.word + 3]

    def answer(self, request):
        """Bytes to send and after how many ms, or None."""
        fault = self.fault()
        if request[0] != self.address or len(request) != 8 or _crc(request[:6]) != request[6:] or fault == MUTE:
            return None
        _, function, register, count = struct.unpack(">BBHH", request[:6])
        self.count()
        values = {self._power: self.power_w(), _IMPORT: _t._grant[self.word + 2] / 1000 + self._ws / 3_600_000}
        values[_IMPORT + 2] = 0.0
        values[_VOLTS] = 230.0
        registers = {}
        for first, value in values.items():
            registers[first], registers[first + 1] = struct.unpack(">HH", struct.pack(">f", value))
        wanted = range(register, register + count)
        if function != 4 or fault == EXCEPTION or any(r not in registers for r in wanted):
            body = bytes((self.address, function | 0x80, 2))
        else:
            body = bytes((self.address, 4, 2 * count))
            for r in wanted:
                body += struct.pack(">H", registers[r])
        if fault == ANOTHER:
            body = bytes((self.address % 247 + 1,)) + body[1:]
        frame = body + _crc(body)
        if fault == NOISE:
            frame = b"\x00\xff" + frame[:4] + bytes((frame[4] ^ 0x10,)) + frame[5:]
        elif fault == CUT:
            frame = frame[: len(frame) // 2]
        return frame, _LATE_MS if fault == LATE else _ANSWERS_MS


class _Line:
    """What travels on the wires."""

    def __init__(self, enable, echo, settings):
        self.meters = []
        self._enable = enable
        self._echo = echo
        self._settings = settings
        self._coming = []  # [ms at which the first byte begins, bytes, us a byte]
        self._here = b""
        self.stuck = False

    def granted(self):
        self.stuck = any(meter.fault() == STUCK for meter in self.meters)
        for meter in self.meters:
            meter.granted()

    def sent(self, data, byte_us, settings):
        """The board begins to send. Nobody hears what is sent with the transceiver off, or in another format."""
        if self._echo:
            self._coming.append([_t._now, data, byte_us])
        if tuple(settings) != tuple(self._settings) or (self._enable >= 0 and not self._sends()):
            return
        done = _t._now + len(data) * byte_us // 1000 + 1
        for meter in self.meters:
            said = meter.answer(data)
            if said:
                self._coming.append([done + said[1], said[0], byte_us])

    def _sends(self):
        return machine._levels.get(self._enable) == 1

    def waiting(self):
        """Number of bytes that have come."""
        if self.stuck:  # a line held low: breaks without end
            self._coming = []
            return 64
        if not self._coming:
            return len(self._here)
        for item in self._coming:
            n = max(0, (_t._now - item[0]) * 1000 // item[2])
            if n and (self._echo or not self._sends()):  # with its transceiver sending the board hears itself at most
                self._here += item[1][:n]
            item[0] += n * item[2] // 1000
            item[1] = item[1][n:]
        self._coming = [item for item in self._coming if item[1]]
        return len(self._here)

    def take(self, n):
        if self.stuck:
            return bytes(n)
        out = self._here[:n]
        self._here = self._here[n:]
        return out


def _attach(tx, enable, echo, settings, meters):
    """settings: baud, parity, stop bits; meters: [[address, model, output, level of it that closes the contactor], ...]
    in the order of the grant's words.
    """
    line = _uart.lines[tx] = _Line(enable, echo, settings)
    for i, wire in enumerate(meters):
        line.meters.append(_Meter(_FIRST + _WORDS * i, *wire))
    _t._on_grant.append(line.granted)
    machine._before_edge.append(lambda: [meter.count() for meter in line.meters])
