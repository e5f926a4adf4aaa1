"""Earth leakage in mA and the thermal cut-out: off and latched, or warned of, and off where a wire is broken."""

import unittest

from board_fixtures import CONFIG, LIMITS, Circuit, HeatedRoad, config, limits
from drivers import analog
from rh import leakage
from rh.check import ConfigError
from rh.codes import EARTH_FAULT, LATCHED, LEAKAGE_HIGH, THERMAL_CUT_OUT


class CutOut(HeatedRoad):
    def test_off_at_once_latched_until_a_person_has_been_there(self):
        road = self.road
        road.hot = True
        self.assertFalse(road.second())
        road.hot = False
        road.run(1_000)
        self.assertFalse(road.on)
        self.assertEqual(road.flags & (THERMAL_CUT_OUT | EARTH_FAULT | LATCHED), THERMAL_CUT_OUT | LATCHED)
        road.zone.safety.clear()
        road.run(400)
        self.assertTrue(road.on)

    def test_no_self_test_passes_while_it_is_open(self):
        road = self.road
        road.hot = True
        road.second()
        road.zone.safety.clear()
        road.run(400)
        self.assertFalse(road.on)


class Current(HeatedRoad):
    def test_trips_at_the_second_sample_from_the_limit_on(self):
        road = self.road
        for low in (0, 14):
            road.leakage_ma = low
            self.assertEqual(road.run(100), 100)
        road.leakage_ma = 30
        self.assertTrue(road.second())
        road.leakage_ma = 29
        self.assertTrue(road.second(), "one sample is noise")
        road.leakage_ma = 30
        road.second()
        self.assertFalse(road.second())
        road.leakage_ma = 0
        road.run(1_000)
        self.assertEqual(road.flags & (EARTH_FAULT | LATCHED), EARTH_FAULT | LATCHED)

    def test_a_broken_wire_trips(self):
        self.road.leakage_ma = None
        self.assertTrue(self.road.second())
        self.assertFalse(self.road.second())

    def test_warns_after_a_minute_and_heats_on(self):
        road = self.road
        road.leakage_ma = 15
        road.run(leakage.WARN_S - 1)
        self.assertFalse(road.flags & LEAKAGE_HIGH)
        road.run(1)
        self.assertTrue(road.flags & LEAKAGE_HIGH)
        road.leakage_ma = 12
        road.run(10)
        self.assertTrue(road.flags & LEAKAGE_HIGH, "80 % of it are not below")
        self.assertTrue(road.on)
        road.leakage_ma = 11
        road.run(1)
        self.assertFalse(road.flags & LEAKAGE_HIGH)
        road.leakage_ma = 15
        road.run(1)
        self.assertFalse(road.flags & LEAKAGE_HIGH, "a minute again")


class Millivolts:
    def __init__(self, mv):
        self.mv = mv

    def read_uv(self):
        return self.mv * 1000


class Monitor(unittest.TestCase):
    def test_live_zero(self):
        adc = Millivolts(600)
        read = analog.Residual(adc, 13, 600).read_ma
        for mv, ma in ((600, 0), (599, 0), (500, 0), (601, 1), (677, 2), (2_900, 30), (2_910, 31)):
            adc.mv = mv
            self.assertEqual(read(), ma, mv)
        for mv in (0, 100, 499):
            adc.mv = mv
            self.assertEqual(read(), None, mv)


class Checked(unittest.TestCase):
    def zone(self, **more):
        return config(zones=[dict(CONFIG["zones"][0], **more)]).zones[0]

    def test_both_are_for_zones_that_have_them(self):
        bare = self.zone()
        self.assertEqual((bare.thermal_pin, "leakage" in bare.sensors), (None, False))
        sensor = {"kind": "adc-leakage", "pin": 33, "ua_per_mv": 13}
        made = self.zone(thermal_pin=23, leakage=sensor)
        self.assertEqual(made.thermal_pin, 23)
        self.assertEqual(made.sensors["leakage"], dict(sensor, zero_mv=600))

    def test_what_cannot_be(self):
        sensor = {"kind": "adc-leakage", "pin": 33, "ua_per_mv": 13}
        for more in (
            {"thermal_pin": 34},  # no pull-up
            {"thermal_pin": 25},  # the relay's
            {"leakage": dict(sensor, pin=36)},  # the transformer's
            {"leakage": dict(sensor, pin=23)},
            {"leakage": dict(sensor, kind="adc-current")},
            {"leakage": dict(sensor, ua_per_mv=0)},
            {"leakage": 33},
        ):
            with self.assertRaises(ConfigError):
                self.zone(**more)

    def test_limits(self):
        made = limits()
        self.assertEqual((made.leakage_trip_ma, made.leakage_warn_ma), (30, 15))
        self.assertEqual(limits(leakage_trip_ma=300, leakage_warn_ma=100).leakage_trip_ma, 300)
        for wrong in ({"leakage_trip_ma": 301}, {"leakage_trip_ma": 10, "leakage_warn_ma": 11}, {"leakage_warn_ma": 2}):
            with self.assertRaises(ConfigError):
                limits(**wrong)
        self.assertFalse([name for name in LIMITS if name.startswith("leakage")], "files of earlier releases")

    def test_the_fixture_has_what_a_circuit_has(self):
        self.assertEqual((Circuit().cut_out(), Circuit().leakage_ma()), (False, -1))


if __name__ == "__main__":
    unittest.main()
