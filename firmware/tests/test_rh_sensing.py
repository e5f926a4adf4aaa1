"""Drivers on fake buses, plausibility, uptime."""

import unittest

from drivers import ds18b20
from drivers.analog import CurrentTransformer, Moisture
from rh.codes import NO_READING_MC
from rh.plausible import Plausible
from rh.uptime import Uptime

ROMS = (b"\x28\x01\0\0\0\0\0\x11", b"\x28\x02\0\0\0\0\0\x22")


def crc8(data):
    """Dallas CRC-8, polynomial x^8 + x^5 + x^4 + 1."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8C if crc & 1 else crc >> 1
    return crc


class Bus:
    """1-wire bus with the API of `onewire.OneWire`; pads by ROM."""

    def __init__(self):
        self.present = True
        self.pads = {}
        self.written = []
        self.selected = None

    def set(self, rom, raw, config=127):
        pad = bytes((raw & 255, raw >> 8 & 255, 75, 70, config, 255, 12, 16))
        self.pads[rom] = pad + bytes((crc8(pad),))

    def reset(self, required=False):
        self.written = []
        return self.present

    def writebyte(self, byte):
        self.written.append(byte)

    def write(self, data):
        self.selected = bytes(data[1:9])
        assert data[0] == 0x55
        assert data[9] == 0xBE

    def readinto(self, buffer):
        buffer[:] = self.pads.get(self.selected, b"\xff" * 9)

    def crc8(self, data):
        return crc8(data)


class Buses:
    """What a driver's `convert` is given."""

    def __init__(self, onewire):
        self.onewire = onewire


class Thermometers(unittest.TestCase):
    def setUp(self):
        self.bus = Bus()
        self.probes = [ds18b20.Ds18b20(self.bus, rom) for rom in ROMS]

    def test_several_on_one_bus_by_rom(self):
        self.bus.set(ROMS[0], 0x0191)  # data sheet: +25.0625
        self.bus.set(ROMS[1], 0xFF5E)  # data sheet: -10.125
        self.assertEqual([p.read_mc() for p in self.probes], [25_062, -10_125])

    def test_all_convert_at_once(self):
        self.assertTrue(ds18b20.convert(Buses(self.bus)))
        self.assertEqual(self.bus.written, [0xCC, 0x44])

    def test_nobody_there(self):
        self.assertIsNone(self.probes[0].read_mc())  # reads ones
        self.bus.present = False
        self.assertIsNone(self.probes[0].read_mc())
        self.assertFalse(ds18b20.convert(Buses(self.bus)))

    def test_every_flipped_bit_is_noticed(self):
        self.bus.set(ROMS[0], 20)
        pad = self.bus.pads[ROMS[0]]
        self.probes[0].read_mc()
        for i in range(9):
            for bit in range(8):
                self.bus.pads[ROMS[0]] = pad[:i] + bytes([pad[i] ^ 1 << bit]) + pad[i + 1 :]
                self.assertIsNone(self.probes[0].read_mc())
        self.bus.pads[ROMS[0]] = pad
        self.assertEqual(self.probes[0].read_mc(), 1_250)

    def test_shorted_bus_reads_zeros_whose_crc_is_right(self):
        self.bus.pads[ROMS[0]] = bytes(9)
        self.assertIsNone(self.probes[0].read_mc())

    def test_value_before_the_first_conversion(self):
        self.bus.set(ROMS[0], 0x0550)
        self.assertIsNone(self.probes[0].read_mc())
        self.assertIsNone(self.probes[0].read_mc())


class Adc:
    def __init__(self, uv=0):
        self.uv = uv

    def read_uv(self):
        return self.uv


class Analog(unittest.TestCase):
    def test_moisture_is_linear(self):
        for uv, permille in ((200_000, 0), (600_000, 200), (1_200_000, 500), (2_200_000, 1_000)):
            self.assertEqual(Moisture(Adc(uv)).read_permille(), permille)

    def test_moisture_wire_open_reads_zero(self):
        self.assertIsNone(Moisture(Adc(0)).read_permille())

    def test_power(self):
        for uv, watts in ((150_000, 0), (152_000, 0), (750_000, 60_000), (200_000, 5_000), (0, 0)):
            self.assertEqual(CurrentTransformer(Adc(uv), 100).read_w(), watts)

    def test_power_keeps_small_integers_on_the_chip(self):
        self.assertEqual(CurrentTransformer(Adc(3_100_000), 300).read_w(), 885_000)


class Plausibility(unittest.TestCase):
    def setUp(self):
        self.reading = Plausible(-100, 100, 10)

    def feed(self, *samples):
        return [self.reading.feed(s) for s in samples]

    def test_valid_after_five(self):
        self.assertEqual(self.feed(1, 2, 3, 4, 5), [False, False, False, False, True])
        self.assertEqual(self.reading.value, 5)

    def test_invalid_at_the_second_bad_sample(self):
        self.feed(1, 1, 1, 1, 1)
        self.assertEqual(self.feed(None, None), [True, False])
        self.assertEqual(self.reading.value, NO_READING_MC)

    def test_a_single_bad_sample_keeps_the_last_value(self):
        self.feed(1, 1, 1, 1, 7)
        self.assertEqual(self.feed(101, 8), [True, True])
        self.assertEqual(self.reading.value, 8)

    def test_step_is_a_fault_until_it_proves_constant(self):
        self.feed(0, 0, 0, 0, 0)
        self.assertEqual(self.feed(50, 50, 50, 50, 50, 50, 50), [True, False, False, False, False, False, True])

    def test_flicker_never_becomes_valid(self):
        for _ in range(20):
            self.assertEqual(self.feed(0, 50), [False, False])

    def test_slow_change_is_fine(self):
        self.feed(0, 0, 0, 0, 0)
        self.assertTrue(all(self.feed(*range(0, 100, 10))))
        self.assertTrue(all(self.feed(*range(90, -100, -10))))
        self.assertEqual(self.feed(-79, -79), [True, False])  # 11 in a second


class Ticks:
    """`time` of the chip: wraps at 2^30 ms."""

    def __init__(self, start):
        self.ms = start

    def ticks_ms(self):
        return self.ms % (1 << 30)

    @staticmethod
    def ticks_diff(a, b):
        half = 1 << 29
        return ((a - b + half) & ((1 << 30) - 1)) - half


class Uptimes(unittest.TestCase):
    def test_counts_on_over_the_wrap(self):
        ticks = Ticks((1 << 30) - 2_500)
        uptime = Uptime(ticks.ticks_ms, ticks.ticks_diff)
        for second in range(1, 10):
            ticks.ms += 1_000
            self.assertEqual(uptime.now(), second)

    def test_forty_days_in_uneven_steps(self):
        ticks = Ticks(12_345)
        uptime = Uptime(ticks.ticks_ms, ticks.ticks_diff)
        step = 1
        while ticks.ms < 12_345 + 40 * 86_400_000:
            step = step * 7 % 100_000_007 + 1
            ticks.ms += step
            self.assertEqual(uptime.now(), (ticks.ms - 12_345) // 1_000)


if __name__ == "__main__":
    unittest.main()
