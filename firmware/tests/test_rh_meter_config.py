"""Meters on a line in the configuration of a board: each wrong key is named."""

import unittest

from board_fixtures import CONFIG, config
from rh.check import ConfigError

METER = {"kind": "modbus-meter", "model": "sdm630", "address": 1}
RS485 = {"tx_pin": 17, "rx_pin": 16}


class Lines(unittest.TestCase):
    def refused(self, key, **changed):
        with self.assertRaises(ConfigError) as raised:
            config(**changed)
        self.assertEqual(raised.exception.args[1], key)

    def zones(self, first=METER, second=None):
        zones = []
        for i, meter in enumerate((first, second)):
            zone = dict(CONFIG["zones"][i])
            if meter is not None:
                del zone["ct_pin"], zone["ct_w_per_mv"]
                zone["power"] = meter
            zones.append(zone)
        return zones

    def test_a_line_with_a_meter(self):
        made = config(rs485=RS485, zones=self.zones())
        expected = {"tx_pin": 17, "rx_pin": 16, "de_pin": None, "baud": 9_600, "parity": "none", "stop_bits": 1}
        self.assertEqual(made.rs485, expected)
        power = made.zones[0].sensors["power"]
        self.assertEqual(power, dict(METER, low_word_first=0))
        self.assertIsNone(config().rs485)

    def test_what_is_wrong_is_named(self):
        self.refused("zones[0].power.kind", zones=self.zones())
        zones = self.zones(METER, dict(METER, model="sdm120"))
        self.refused("zones[1].power.address", rs485=RS485, zones=zones)
        for key, value in (
            ("address", 0),
            ("address", 248),
            ("address", True),
            ("model", "sdm"),
            ("model", None),
            ("model", 1),
            ("low_word_first", 2),
        ):
            self.refused("zones[0].power." + key, rs485=RS485, zones=self.zones(dict(METER, **{key: value})))
        for key, value in (
            ("tx_pin", 34),
            ("tx_pin", 1),
            ("rx_pin", 4),
            ("rx_pin", 17),
            ("de_pin", 4),
            ("baud", 1_200),
            ("baud", True),
            ("parity", "mark"),
            ("parity", ["none"]),
            ("stop_bits", 3),
            ("colour", 1),
        ):
            self.refused("rs485." + key, rs485=dict(RS485, **{key: value}), zones=self.zones())


if __name__ == "__main__":
    unittest.main()
