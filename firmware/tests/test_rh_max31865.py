"""MAX31865 at the level of its registers: a reading is right or there is none."""

import unittest

from board_fixtures import CONFIG, config
from drivers import max31865
from rh.check import ConfigError

SPI = {"sck_pin": 18, "mosi_pin": 23, "miso_pin": 19}
PROBE = {"kind": "max31865", "cs_pin": 5, "ref_ohm": 430}


def ohms(celsius, r0=100.0):
    """Callendar and Van Dusen with the constants of IEC 60751."""
    ratio = 1 + 3.9083e-3 * celsius - 5.775e-7 * celsius**2
    if celsius < 0:
        ratio += -4.183e-12 * (celsius - 100) * celsius**3
    return r0 * ratio


class Chip:
    """The converter's registers behind SPI and its select pin; `wires` is what a fault detection would find."""

    def __init__(self, ohm, ref=430.0):
        self.ref = ref
        self.set(ohm)
        self.config = self.status = self.wires = 0
        self.selected = False
        self.level = None  # of a stuck line, instead of an answer
        self.noise = 0  # bits of the RTD register's fault flag

    def set(self, ohm):
        self.rtd = min(32767, int(ohm / self.ref * 32768))

    def __call__(self, level):
        self.selected = level == 0

    def write(self, data):
        assert self.selected
        if data[0] == 0x80 and self.level is None:
            if data[1] & 2:
                self.status = 0
            if data[1] & 0x0C == 4:
                self.status |= self.wires
            self.config = data[1] & 0xF1

    def write_readinto(self, ask, said):
        assert self.selected
        assert ask[0] == 0
        word = self.rtd << 1 | (1 if self.status else 0)
        registers = bytes((0, self.config, word >> 8, word & 255, 255, 255, 0, 0, self.status))
        said[:] = registers if self.level is None else bytes([self.level]) * 9


class Readings(unittest.TestCase):
    def probe(self, ohm, r0=100, ref=430):
        self.chip = Chip(ohm, ref)
        made = max31865.Max31865(self.chip, self.chip, r0, ref)
        made.set_up(True, False)
        return made

    def settled(self, made):
        return [made.read_mc() for _ in range(3)][-1]

    def test_follows_iec_60751_within_a_step_of_the_converter(self):
        for r0, ref in ((100, 430), (1000, 4300), (100, 400)):
            for celsius in range(-59, 155):
                made = self.probe(ohms(celsius, r0), r0, ref)
                self.assertTrue(abs(self.settled(made) - 1000 * celsius) <= 45, celsius)

    def test_an_offset_is_added(self):
        made = self.probe(100.0)
        made.set_up(False, False, -1_250)
        self.assertTrue(abs(self.settled(made) + 1_250) <= 45)

    def test_the_table_is_the_formula(self):
        for i in range(len(max31865._TABLE)):
            self.assertTrue(abs(max31865._TABLE[i] - 327_680 * ohms(-60 + 10 * i) / 100) <= 1)

    def test_wires_are_tested_before_the_first_reading(self):
        made = self.probe(100.0)
        self.assertEqual([made.read_mc() for _ in range(2)], [None, None])
        self.assertTrue(abs(made.read_mc()) <= 45)
        self.assertEqual(self.chip.config, 0xD0)  # three wires, 60 Hz, converting

    def test_each_fault_of_the_wires_is_none_and_ends_by_itself(self):
        for bit in (0x80, 0x40, 0x20, 0x10, 0x08, 0x04):
            made = self.probe(100.0)
            self.chip.wires = bit
            self.assertEqual([made.read_mc() for _ in range(6)], [None] * 6)
            self.assertEqual(made.fault, bit)
            self.chip.wires = 0
            self.assertTrue(any(made.read_mc() is not None for _ in range(4)))
            self.assertEqual(made.fault, 0)

    def test_a_fault_while_it_measures(self):
        made = self.probe(100.0)
        self.settled(made)
        self.chip.status = 0x04
        self.assertIsNone(made.read_mc())
        self.assertEqual(made.fault, 0x04)
        self.assertTrue(self.settled(made) is not None)

    def test_open_and_shorted(self):
        made = self.probe(100.0)
        self.settled(made)
        for ohm, bit in ((1e6, 0x80), (0.0, 0x40), (60.0, 0x40)):
            self.chip.set(ohm)
            self.assertIsNone(made.read_mc())
            self.assertEqual(made.fault, bit)

    def test_a_stuck_bus_and_a_chip_that_lost_power(self):
        for level in (0x00, 0xFF):
            made = self.probe(100.0)
            self.settled(made)
            self.chip.level = level
            self.assertEqual([made.read_mc() for _ in range(5)], [None] * 5)
            self.assertEqual(made.fault, 0xFF)
            self.chip.level = None
            self.assertTrue(any(made.read_mc() is not None for _ in range(4)))
        self.chip.config = 0
        self.assertIsNone(made.read_mc())
        self.assertTrue(self.settled(made) is not None)


class Files(unittest.TestCase):
    def zones(self, **changed):
        first = dict(CONFIG["zones"][0], surface=dict(PROBE, **changed))
        del first["surface_rom"]
        return [first, CONFIG["zones"][1]]

    def refused(self, key, **changed):
        with self.assertRaises(ConfigError) as raised:
            config(**changed)
        self.assertEqual(raised.exception.args[1], key)

    def test_a_probe_on_the_bus(self):
        made = config(spi=SPI, zones=self.zones())
        self.assertEqual(made.spi, SPI)
        self.assertEqual(made.zones[0].sensors["surface"], dict(PROBE, r0_ohm=100, wires=4, mains_hz=60, offset_mk=0))

    def test_what_is_wrong_is_named(self):
        self.refused("zones[0].surface.kind", zones=self.zones())
        for key, value in (
            ("cs_pin", 34),
            ("cs_pin", 18),
            ("ref_ohm", 0),
            ("r0_ohm", 500),
            ("wires", 5),
            ("mains_hz", 0),
        ):
            self.refused("zones[0].surface." + key, spi=SPI, zones=self.zones(**{key: value}))
        self.refused("spi.miso_pin", spi=dict(SPI, miso_pin=23), zones=self.zones())


if __name__ == "__main__":
    unittest.main()
