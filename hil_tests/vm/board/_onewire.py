"""1-wire at byte level: DS18B20 sensors with ROM, scratchpad and CRC under the stock `onewire` driver.

What a sensor sees comes from the host in 1/16 degC; below -30,000 it is a fault: OPEN nobody answers, SHORT the bus
stays low, NOISE answers with a broken CRC.
"""

import time as _t

OPEN, SHORT, NOISE = -32_000, -32_001, -32_002
_FIRST = 8  # word of the grant with the first sensor
_FAULTS = 4  # word with the number of faulty sensors
_CONVERT_MS = 750
_POWER_ON = 1360  # 85 degC, what a DS18B20 holds before its first conversion


def _table():
    out = bytearray(256)
    for i in range(256):
        c = i
        for _ in range(8):
            c = (c >> 1) ^ 0x8C if c & 1 else c >> 1
        out[i] = c
    return bytes(out)


_TABLE = _table()


def crc8(data):
    c = 0
    for b in data:
        c = _TABLE[c ^ b]
    return c


class _Sensor:
    def __init__(self, word, rom):
        self.word = word
        self.rom = rom
        self.raw = _POWER_ON
        self.due = -1  # ms at which a running conversion is ready
        self.coming = 0
        self.pad_raw = None
        self.pad = None

    def convert(self):
        self.due = _t._now + _CONVERT_MS
        self.coming = _t._grant[self.word]

    def busy(self):
        return _t._now < self.due

    def scratchpad(self):
        if 0 <= self.due <= _t._now:
            self.due = -1
            if self.coming > -30_000:
                self.raw = self.coming
        raw = self.raw
        if self.pad_raw != raw:
            self.pad_raw = raw
            pad = bytes((raw & 255, (raw >> 8) & 255, 75, 70, 127, 255, 16, 16))
            self.pad = pad + bytes((crc8(pad),))
        if _t._grant[self.word] == NOISE:
            return bytes((self.pad[0] ^ 0x5A,)) + self.pad[1:]
        return self.pad


class _Bus:
    def __init__(self):
        self.sensors = []
        self.by_read = {}  # match ROM and read scratchpad, as one transaction: sensor
        self.selected = []
        self.state = 0  # 0 ROM command, 1 ROM bytes, 2 function command, 3 reading, 4 search
        self.rom = bytearray(8)
        self.n = 0
        self.reply = b""

    def attach(self, sensor):
        self.sensors.append(sensor)
        self.by_read[b"\x55" + sensor.rom + b"\xbe"] = sensor

    def present(self):
        grant = _t._grant
        if not grant[_FAULTS]:
            return self.sensors
        if any(grant[s.word] == SHORT for s in self.sensors):
            return []
        return [s for s in self.sensors if grant[s.word] != OPEN]

    def reset(self):
        self.state = 0
        self.n = 0
        self.reply = b""
        return bool(self.present())

    def write_all(self, buf):
        """As `write` for each byte; the transaction that a board makes every second, at once where nothing is wrong."""
        if self.state == 0 and not _t._grant[_FAULTS]:
            sensor = self.by_read.get(buf)
            if sensor is not None:
                self.reply = sensor.scratchpad()
                self.state = 3
                return
        for b in buf:
            self.write(b)

    def read_all(self, buf):
        """As `read` for each byte."""
        if self.n == 0 and len(buf) == len(self.reply):
            buf[:] = self.reply
            self.n = len(buf)
        else:
            for i in range(len(buf)):
                buf[i] = self.read()

    def write(self, b):
        if self.state == 1:
            self.rom[self.n] = b
            self.n += 1
            if self.n == 8:
                self.selected = [s for s in self.present() if s.rom == self.rom]
                self.state = 2
        elif self.state == 2:
            if b == 0x44:
                for s in self.selected:
                    s.convert()
            elif b == 0xBE and self.selected:
                self.reply = self.selected[0].scratchpad()
            self.state = 3
            self.n = 0
        elif b == 0x55:
            self.state = 1
            self.n = 0
        elif b == 0xCC:
            self.selected = self.present()
            self.state = 2
        elif b == 0x33:
            found = self.present()
            self.reply = found[0].rom if len(found) == 1 else b""
            self.state = 3
        elif b == 0xF0:
            self.selected = self.present()
            self.state = 4
            self.n = 0

    def read(self):
        i = self.n
        self.n += 1
        if i < len(self.reply):
            return self.reply[i]
        return 255 if self.present() or not any(_t._grant[s.word] == SHORT for s in self.sensors) else 0

    def read_bit(self):
        if self.state == 4:
            bit, complement = self.n // 3, self.n % 3
            self.n += 1
            if complement == 0:
                return int(all(s.rom[bit >> 3] >> (bit & 7) & 1 for s in self.selected))
            return int(all(not s.rom[bit >> 3] >> (bit & 7) & 1 for s in self.selected))
        return int(not any(s.busy() for s in self.present()))

    def write_bit(self, value):
        if self.state == 4:
            bit = self.n // 3
            self.n += 1
            self.selected = [s for s in self.selected if (s.rom[bit >> 3] >> (bit & 7) & 1) == value]


_buses = {}


def _attach(sensors):
    """sensors: [[pin, ROM as hex], ...] in the order of the grant's words."""
    import binascii

    for i, (pin, rom) in enumerate(sensors):
        _buses.setdefault(pin, _Bus()).attach(_Sensor(_FIRST + i, binascii.unhexlify(rom)))


def _bus(pin):
    bus = _buses.get(pin._id)
    if bus is None:
        bus = _buses[pin._id] = _Bus()
    return bus


def reset(pin):
    return _bus(pin).reset()


def readbyte(pin):
    return _bus(pin).read()


def writebyte(pin, b):
    _bus(pin).write(b)


def readbit(pin):
    return _bus(pin).read_bit()


def writebit(pin, value):
    _bus(pin).write_bit(value)
