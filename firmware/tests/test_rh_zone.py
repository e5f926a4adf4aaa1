"""The zone as a whole: phase by the clock, wetness, energy, flags."""

import unittest

from board_fixtures import POWER_W, UTC, Road
from rh.codes import CLOCK_INVALID, LOCAL, MOISTURE_IMPLAUSIBLE, NO_MOISTURE, NO_READING_MC, PLAN
from rh.control import Plan

PERIOD = 1_200


class Zones(unittest.TestCase):
    def planned(self, duty, phase_s, utc_phase):
        """A zone on a plan of constant duty; returns the second of its first rise."""
        road = Road()
        road.surface_mc = 0
        plan = Plan(UTC, 10**6, phase_s, 2_000, 3_000, 3_600, [(0, 0, duty)])
        plan.anchor(UTC)
        road.zone.control.plan = plan
        road.zone.phase_s = phase_s
        road.utc_phase = utc_phase
        road.run(3 * PERIOD)
        return road

    def test_windows_open_where_clock_and_phase_say(self):
        for phase_s, utc_phase in ((0, 0), (400, 0), (0, 700), (400, 700), (1_199, 1)):
            road = self.planned(500, phase_s, utc_phase)
            for rise in road.rises[1:]:  # the first may come late: the minimum off time after boot
                self.assertTrue((rise + utc_phase - phase_s) % PERIOD <= 60, "rise at {}".format(rise))
            self.assertEqual(road.falls[-1] - road.rises[len(road.falls) - 1], 600)
            self.assertEqual(road.who, PLAN)

    def test_wet_has_hysteresis(self):
        road = Road()
        for moisture, wet in ((190, False), (200, True), (160, True), (149, False), (199, False)):
            road.moisture = moisture
            road.run(8)
            self.assertEqual(road.zone._wet, wet, "{}".format(moisture))

    def test_dry_road_is_left_alone(self):
        road = Road()
        road.moisture = 50
        self.assertEqual(road.run(2_000), 0)
        self.assertEqual(road.who, LOCAL)

    def test_energy_is_what_flowed(self):
        road = Road()
        closed = road.run(5_000)
        flowed = closed - road.on  # the last second's current is measured in the next
        self.assertEqual(road.zone.energy.wh, flowed * POWER_W // 3_600)
        self.assertEqual(road.zone.sample()[3], flowed)
        self.assertEqual(road.zone.sample()[3], 0)

    def test_unknown_readings_are_said(self):
        road = Road()
        road.surface_mc = road.moisture = None
        road.utc_phase = -1
        road.run(10)
        surface, cable, moisture = road.zone.sample()[:3]
        self.assertEqual((surface, cable, moisture), (NO_READING_MC, 2_000, NO_MOISTURE))
        self.assertEqual(road.flags & (CLOCK_INVALID | MOISTURE_IMPLAUSIBLE), CLOCK_INVALID | MOISTURE_IMPLAUSIBLE)

    def test_no_clock_does_not_stop_the_local_rule(self):
        road = Road()
        road.utc_phase = -1
        road.run(400)
        self.assertTrue(road.on)


if __name__ == "__main__":
    unittest.main()
