"""S0 pulses: power by their distance, bounces and impossible rates ignored, the count kept over a restart."""

import unittest

from board_fixtures import CONFIG, config, remove
from drivers import pulse
from rh.check import ConfigError

PATH = "pulses-test.rec"
RATED_W = 54_000


class Time:
    def __init__(self):
        self.ms = 0

    def ticks_ms(self):
        return self.ms

    def ticks_diff(self, a, b):
        return a - b


class Case(unittest.TestCase):
    def setUp(self):
        remove(PATH, PATH + ".new")
        self._real, pulse.time = pulse.time, Time()
        self.time = pulse.time
        self.meter = self.make()

    def tearDown(self):
        pulse.time = self._real
        remove(PATH, PATH + ".new")

    def make(self):
        return pulse.Pulses(1_000, RATED_W, PATH)

    def run_s(self, seconds, gap_ms):
        """Pulses so far apart, a reading every second; the readings."""
        said = []
        due = self.time.ms + gap_ms
        for _ in range(seconds):
            end = self.time.ms + 1_000
            while due <= end:
                self.time.ms = due
                self.meter.pulse()
                due += gap_ms
            self.time.ms = end
            said.append(self.meter.read_w())
        return said


class Power(Case):
    def test_follows_the_distance(self):
        for gap_ms, watt in ((67, 53_731), (100, 36_000), (720, 5_000)):
            self.setUp()
            said = self.run_s(10, gap_ms)[2:]
            self.assertTrue(all(watt * 2 // 3 <= one <= watt for one in said), said)
            self.assertEqual(max(said), watt)

    def test_falls_to_none_long_before_a_weld_would_be_seen(self):
        self.run_s(10, 67)
        self.assertEqual(self.run_s(4, 10_000)[1:], [0, 0, 0])

    def test_no_pulse_is_no_power(self):
        self.assertEqual(self.run_s(5, 100_000), [0] * 5)

    def test_bounces_and_noise_count_once(self):
        for _ in range(10):
            for wait in (70, 1, 3, 18):
                self.time.ms += wait
                self.meter.pulse()
        self.assertEqual(self.meter.count, 10)

    def test_ticks_that_wrap(self):
        self.run_s(3, 100)
        count = self.meter.count
        self.time.ms = -500  # before the last pulse: they have wrapped
        self.meter.pulse()
        self.assertEqual(self.meter.read_w(), 0)
        self.assertLessEqual(count, self.meter.count)


class Register(Case):
    def test_each_value_once(self):
        self.assertIsNone(self.meter.read_wh())
        self.run_s(10, 100)
        self.assertEqual(self.meter.read_wh(), 100)
        self.assertIsNone(self.meter.read_wh())

    def test_kept_over_a_restart(self):
        self.run_s(pulse._SAVE_S, 100)
        before = self.meter.count
        self.meter = self.make()
        self.assertEqual(self.meter.count, before)
        with open(PATH, "wb") as f:
            f.write(b"torn")
        self.assertEqual(self.make().count, 0)


class Checked(unittest.TestCase):
    def zone(self, **more):
        first = dict(
            CONFIG["zones"][0], power=dict({"kind": "s0-pulse", "pulse_pin": 23, "imp_per_kwh": 1_000}, **more)
        )
        del first["ct_pin"], first["ct_w_per_mv"]
        return config(zones=[first]).zones[0]

    def test_by_the_power_of_the_zone(self):
        self.assertEqual(self.zone().sensors["power"]["rated_w"], 60_000)
        for wrong in (
            {"imp_per_kwh": 2_000},
            {"imp_per_kwh": 10},
            {"pulse_pin": 34},
            {"pulse_pin": 25},
            {"rated_w": 5},
        ):
            with self.assertRaises(ConfigError):
                self.zone(**wrong)


if __name__ == "__main__":
    unittest.main()
