"""Temperature and moisture: what no command can pass, with its time to react and its way back."""

import unittest

from board_fixtures import HeatedRoad, Road
from rh.codes import INTERLOCK, MOISTURE_IMPLAUSIBLE, OVER_TEMPERATURE, SENSOR_IMPLAUSIBLE
from rh.control import Override


class Sensors(HeatedRoad):
    def test_over_temperature_opens_within_one_second_and_has_hysteresis(self):
        road = self.road
        road.surface_mc = 15_000  # a jump is not believed, yet obeyed
        self.assertFalse(road.second())
        self.assertTrue(road.flags & OVER_TEMPERATURE)
        road.surface_mc = 13_500
        road.run(30)
        self.assertTrue(road.flags & OVER_TEMPERATURE)
        road.surface_mc = 12_900
        road.run(30)
        self.assertFalse(road.flags & OVER_TEMPERATURE)

    def test_hot_cable_opens(self):
        for cable_mc, hot in ((79_999, False), (80_000, True), (70_000, True), (69_999, False)):
            self.road.cable_mc = cable_mc
            self.road.run(10)
            self.assertEqual(bool(self.road.flags & OVER_TEMPERATURE), hot, "{}".format(cable_mc))
            self.assertFalse(hot and self.road.on)

    def test_sensor_open_or_out_of_range_is_invalid_within_two_samples(self):
        for fault in (None, 85_000, 127_937, -55_000):  # 127.94 °C: too little parasite power
            self.setUp()
            self.road.surface_mc = fault
            self.road.run(2)
            self.assertFalse(self.road.on)
            self.assertTrue(self.road.flags & SENSOR_IMPLAUSIBLE)
            self.assertEqual(self.road.who, INTERLOCK)

    def test_one_lost_sample_changes_nothing(self):
        self.road.surface_mc = None
        self.assertTrue(self.road.second())
        self.road.surface_mc = -1_000
        self.assertEqual(self.road.run(10), 10)

    def test_broken_cable_sensor_opens(self):
        self.road.cable_mc = None
        self.road.run(2)
        self.assertFalse(self.road.on)

    def test_a_jump_is_implausible_and_believed_after_it_stays(self):
        self.road.surface_mc = 4_500
        self.road.run(2)
        self.assertTrue(self.road.flags & SENSOR_IMPLAUSIBLE)
        self.road.run(6)
        self.assertFalse(self.road.flags & SENSOR_IMPLAUSIBLE)
        self.assertEqual(self.road.zone.surface.value, 4_500)

    def test_moisture_fault_counts_as_wet_and_is_flagged(self):
        road = Road()
        road.moisture = None
        road.run(400)
        self.assertTrue(road.on)
        self.assertTrue(road.flags & MOISTURE_IMPLAUSIBLE)

    def test_interlock_passes_override_on(self):
        road = self.road
        road.zone.control.override = Override(1, "on", road.t + 5_000, 0)
        road.run(10)
        road.surface_mc = None
        road.run(3)
        self.assertFalse(road.on)


if __name__ == "__main__":
    unittest.main()
