"""From boot to the first heat: self-test, minimum off time, hold after power return, latch and lock."""

import unittest

from board_fixtures import HeatedRoad, Road
from rh.codes import CONTACTOR_WELDED, EARTH_FAULT, LATCHED, LOCAL, POWER_RETURN_HOLD, SELF_TEST_PENDING


class MinimumOff(HeatedRoad):
    def test_starts_after_the_minimum_off_time(self):
        self.assertEqual(self.road.rises, [301])


class Start(unittest.TestCase):
    def test_off_until_the_self_test_has_passed(self):
        road = Road()
        road.surface_mc = None
        road.run(2_000)
        self.assertEqual(road.rises, [])
        self.assertTrue(road.flags & SELF_TEST_PENDING)
        road.surface_mc = -1_000
        road.run(15)
        self.assertFalse(road.flags & SELF_TEST_PENDING)

    def test_self_test_takes_five_good_seconds(self):
        road = Road()
        road.run(8)  # four until the probes are believed
        self.assertTrue(road.flags & SELF_TEST_PENDING)
        road.run(1)
        self.assertFalse(road.flags & SELF_TEST_PENDING)

    def test_self_test_wants_no_current_while_off(self):
        road = Road()
        road.welded = True
        road.run(100)
        self.assertTrue(road.flags & SELF_TEST_PENDING)
        self.assertTrue(road.flags & CONTACTOR_WELDED)

    def test_power_return_holds(self):
        road = Road(hold_until=480)
        road.run(479)
        self.assertEqual(road.rises, [])
        self.assertTrue(road.flags & POWER_RETURN_HOLD)
        road.run(1)
        self.assertEqual(road.rises, [480])
        self.assertEqual(road.who, LOCAL)

    def test_latch_from_before_the_reboot_holds(self):
        road = Road(latched=EARTH_FAULT | LATCHED)
        road.run(1_000)
        self.assertEqual(road.rises, [])

    def test_lock_keeps_off(self):
        road = Road()
        road.locked = True
        road.run(1_000)
        self.assertEqual(road.rises, [])


if __name__ == "__main__":
    unittest.main()
