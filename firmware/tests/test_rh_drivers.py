"""The table of drivers, and sensors by kind in config.json."""

import sys
import unittest

import drivers
from board_fixtures import CONFIG, config
from drivers import analog
from rh.check import ConfigError

ROM = "28000000000000aa"
SENSORS = {
    "surface": {"kind": "ds18b20", "rom": ROM},
    "moisture": {"kind": "adc-moisture", "pin": 33},
    "power": {"kind": "adc-current", "pin": 32, "w_per_mv": 50},
}
FLAT = {"surface": ("surface_rom",), "moisture": ("moist_pin",), "power": ("ct_pin", "ct_w_per_mv")}


def zones(**sensors):
    """The zones, the first with these sensors by kind."""
    first = dict(CONFIG["zones"][0])
    for place in sensors:
        for key in FLAT[place]:
            del first[key]
    first.update(sensors)
    return [first, CONFIG["zones"][1]]


class Millivolts:
    """A converter's input."""

    def __init__(self, mv):
        self._uv = mv * 1000

    def read_uv(self):
        return self._uv


class Calibrated(unittest.TestCase):
    def test_moisture_by_its_two_points(self):
        for mv, permille in ((350, 0), (1_100, 500), (1_850, 1_000), (2_000, 1_100), (99, None)):
            self.assertEqual(analog.Moisture(Millivolts(mv), 350, 1_850).read_permille(), permille, mv)
        self.assertEqual(analog.Moisture(Millivolts(1_200)).read_permille(), 500)

    def test_points_that_do_not_fit_each_other(self):
        sensor = {"kind": "adc-moisture", "pin": 33, "dry_mv": 900, "wet_mv": 1_100}
        found = config(zones=zones(moisture=sensor)).zones[0].sensors["moisture"]
        self.assertEqual((found["dry_mv"], found["wet_mv"]), (900, 1_100))
        with self.assertRaises(ConfigError) as raised:
            config(zones=zones(moisture=dict(sensor, wet_mv=1_099)))
        self.assertIn("200 mV above", str(raised.exception))


class Probe:
    """A driver's module as the table expects it, for a kind that the firmware does not have."""

    FIELDS = {"temperature": {"cs_pin": ("pin",), "offset_mc": (-5_000, 5_000, 0)}}

    @staticmethod
    def temperature(fields, bus):
        return lambda: 1_000 + fields["offset_mc"]


class Table(unittest.TestCase):
    def refused(self, key, call):
        with self.assertRaises(ConfigError) as raised:
            call()
        self.assertEqual(raised.exception.args[1], key)

    def test_each_kind_has_rules_and_a_reader(self):
        for kind in drivers.KINDS:
            name, quantity = drivers.KINDS[kind]
            self.assertTrue(callable(getattr(drivers.module(kind), quantity)))
            self.assertTrue(len(drivers.rules(kind)) > 0, name)

    def test_keys_without_a_kind_mean_the_kinds_of_earlier_releases(self):
        first = config().zones[0].sensors
        self.assertEqual(first["surface"], {"kind": "ds18b20", "rom": b"\x28\0\0\0\0\0\0\x01"})
        self.assertEqual(first["cable"]["rom"], b"\x28\0\0\0\0\0\0\x02")
        self.assertEqual(first["moisture"], {"kind": "adc-moisture", "pin": 34})
        self.assertEqual(first["power"], {"kind": "adc-current", "pin": 36, "w_per_mv": 100})

    def test_sensors_by_kind(self):
        first = config(zones=zones(**SENSORS)).zones[0].sensors
        self.assertEqual(first["surface"], {"kind": "ds18b20", "rom": b"\x28\0\0\0\0\0\0\xaa"})
        self.assertEqual(first["power"], SENSORS["power"])

    def test_what_a_sensor_must_say(self):
        for place, key, sensor in (
            ("surface", "kind", {"kind": "pt1000"}),
            ("surface", "kind", {"kind": "adc-moisture", "pin": 33}),  # another quantity
            ("surface", "kind", {"rom": ROM}),
            ("surface", "rom", {"kind": "ds18b20", "rom": "10"}),
            ("moisture", "pin", {"kind": "adc-moisture", "pin": 99}),
            ("moisture", "colour", {"kind": "adc-moisture", "pin": 33, "colour": 1}),
            ("power", "w_per_mv", {"kind": "adc-current", "pin": 33}),
            ("power", "", 5),
        ):
            self.refused("zones[0].{}.{}".format(place, key), lambda p=place, s=sensor: config(zones=zones(**{p: s})))
        both = dict(CONFIG["zones"][0], surface=SENSORS["surface"])
        self.refused("zones[0].surface_rom", lambda: config(zones=[both]))

    def test_no_pin_and_no_probe_serves_two_sensors(self):
        taken = {"kind": "adc-moisture", "pin": 35}
        self.refused("zones[1].moist_pin", lambda: config(zones=zones(moisture=taken)))
        taken = {"kind": "adc-moisture", "pin": 25}
        self.refused("zones[0].moisture.pin", lambda: config(zones=zones(moisture=taken)))
        taken = {"kind": "ds18b20", "rom": "2800000000000002"}
        self.refused("zones[0].cable_rom", lambda: config(zones=zones(surface=taken)))

    def test_a_kind_of_its_own_needs_a_module_and_a_line(self):
        drivers.KINDS["probe"] = ("probe", "temperature")
        drivers.probe = sys.modules["drivers.probe"] = Probe
        try:
            sensor = {"kind": "probe", "cs_pin": 15}
            first = config(zones=zones(surface=sensor)).zones[0].sensors["surface"]
            self.assertEqual(first, {"kind": "probe", "cs_pin": 15, "offset_mc": 0})
            self.assertEqual(drivers.reader(first, None)(), 1_000)
            self.refused("zones[0].surface.cs_pin", lambda: config(zones=zones(surface=dict(sensor, cs_pin=25))))
        finally:
            del drivers.KINDS["probe"], drivers.probe, sys.modules["drivers.probe"]


if __name__ == "__main__":
    unittest.main()
