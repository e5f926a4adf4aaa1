"""Earth fault and welded contactor: open at once, latched until a person has been there."""

import unittest

from board_fixtures import POWER_W, HeatedRoad, Road
from rh.codes import CONTACTOR_WELDED, EARTH_FAULT, LATCHED
from rh.control import Override


class Latches(HeatedRoad):
    def test_earth_fault_opens_at_once_latches_and_waits_for_a_person(self):
        road = self.road
        road.earth = True
        self.assertFalse(road.second())
        road.earth = False
        road.run(1_000)
        self.assertEqual(road.flags & (EARTH_FAULT | LATCHED), EARTH_FAULT | LATCHED)
        self.assertFalse(road.on)
        road.zone.safety.clear()
        road.run(400)
        self.assertTrue(road.on)

    def test_welded_contactor_latches_within_five_seconds(self):
        road = self.road
        road.zone.control.override = Override(1, "off", road.t + 9_000, 0)
        road.welded = True
        road.run(1)
        self.assertFalse(road.on)
        road.run(3)
        self.assertFalse(road.flags & CONTACTOR_WELDED)
        road.run(1)
        self.assertTrue(road.flags & CONTACTOR_WELDED)
        road.welded = False
        road.zone.control.override = None
        road.run(1_000)
        self.assertTrue(road.flags & LATCHED)
        self.assertFalse(road.on)

    def test_three_seconds_of_current_after_a_quiet_one_are_no_weld(self):
        road = self.road
        road.zone.control.override = Override(1, "off", 10**9, 0)
        for quiet in (1, 3):
            road.welded = False
            road.run(quiet)
            road.welded = True
            road.run(3)
            self.assertFalse(road.flags & CONTACTOR_WELDED)
        road.second()
        self.assertTrue(road.flags & CONTACTOR_WELDED)

    def test_current_that_stays_for_three_seconds_after_opening_is_no_weld(self):
        road = self.road
        road.zone.control.override = Override(1, "off", 10**9, 0)
        road.welded = True
        road.second()
        self.assertFalse(road.on)
        road.run(3)
        self.assertFalse(road.flags & CONTACTOR_WELDED)
        road.second()
        self.assertTrue(road.flags & CONTACTOR_WELDED)

    def test_weld_is_a_current_above_five_percent(self):
        for watts, latched in ((POWER_W * 5 // 100, False), (POWER_W * 5 // 100 + 1, True)):
            road = Road()
            road.moisture = 0
            road.power_w = lambda w=watts: w
            road.run(30)
            self.assertEqual(bool(road.flags & CONTACTOR_WELDED), latched)

    def test_cleared_weld_latches_again_while_it_lasts(self):
        road = self.road
        road.welded = True
        road.zone.control.override = Override(1, "off", road.t + 9_000, 0)
        road.run(10)
        road.zone.safety.clear()
        road.run(10)
        self.assertTrue(road.flags & CONTACTOR_WELDED)


if __name__ == "__main__":
    unittest.main()
