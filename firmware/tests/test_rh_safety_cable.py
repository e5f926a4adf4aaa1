"""A broken cable: opened, reported and tried again."""

import unittest

from board_fixtures import POWER_W, HeatedRoad, Road
from rh.codes import CABLE_BROKEN, EARTH_FAULT, INTERLOCK, LATCHED, OVERRIDE
from rh.control import Override
from rh.safety import BREAK_RETRY_S, BREAK_S


class BrokenCable(HeatedRoad):
    def test_a_broken_cable_is_tried_again_after_half_an_hour_to_the_second(self):
        road = self.road
        road.broken = True
        road.run(20)
        self.assertEqual(len(road.falls), 1)
        road.run(BREAK_RETRY_S - (road.t - road.falls[0]))
        self.assertEqual(len(road.rises), 2)
        self.assertEqual(road.rises[1] - road.falls[0], BREAK_RETRY_S)
        road.run(20)
        self.assertEqual(road.falls[1] - road.rises[1], BREAK_S)

    def test_a_weak_second_within_seven_does_not_break_the_cable(self):
        road = self.road
        for _ in range(3):
            road.broken = True
            road.run(BREAK_S - 1)
            road.broken = False
            road.second()
        self.assertTrue(road.on)
        self.assertFalse(road.flags & CABLE_BROKEN)

    def test_load_of_a_fifth_is_enough(self):
        road = Road()
        road.power_w = lambda: POWER_W // 5 if road.on else 0
        road.run(400)
        self.assertTrue(road.on)

    def test_broken_cable_opens_within_ten_seconds_and_tries_again_later(self):
        road = self.road
        road.broken = True
        self.assertEqual(road.run(20), 7)  # open in the eighth second
        self.assertTrue(road.flags & CABLE_BROKEN)
        road.broken = False
        road.run(BREAK_RETRY_S)
        self.assertTrue(road.on)
        self.assertFalse(road.flags & CABLE_BROKEN)

    def test_broken_cable_stays_reported_until_current_flows(self):
        """It used to be cleared for each retry, so that alarms came and went every 30 min."""
        road = self.road
        road.broken = True
        road.run(7)
        self.assertFalse(road.flags & CABLE_BROKEN)
        road.run(1)
        first = road.t
        for _ in range(3 * BREAK_RETRY_S):
            road.second()
            self.assertTrue(road.flags & CABLE_BROKEN, "{}".format(road.t))
        # A retry begins BREAK_RETRY_S after the last one ended, and lasts BREAK_S.
        self.assertEqual(road.rises[1:], [first + BREAK_RETRY_S, first + 2 * BREAK_RETRY_S + BREAK_S])
        self.assertEqual([road.falls[i] - road.rises[i] for i in (1, 2)], [BREAK_S] * 2)
        self.assertFalse(road.flags & LATCHED)
        road.broken = False
        while not road.on:
            road.second()
            self.assertTrue(road.flags & CABLE_BROKEN)
        road.second()  # the first second with current
        self.assertFalse(road.flags & CABLE_BROKEN)
        self.assertEqual(road.run(1_000), 1_000)

    def test_broken_cable_is_not_blocked_and_not_cleared_while_nothing_asks_for_heat(self):
        road = self.road
        road.broken = True
        road.run(8)
        road.zone.control.override = Override(1, "off", road.t + 20_000, 0)
        road.broken = False
        road.run(2 * BREAK_RETRY_S)
        self.assertTrue(road.flags & CABLE_BROKEN)
        self.assertEqual(road.who, OVERRIDE)  # not the interlock: it could try
        road.zone.control.override = None
        road.run(2)
        self.assertTrue(road.on)
        self.assertFalse(road.flags & CABLE_BROKEN)

    def test_broken_cable_waits_whatever_is_commanded(self):
        road = self.road
        road.broken = True
        road.run(8)
        road.zone.control.override = Override(1, "on", road.t + 20_000, 0)
        self.assertEqual(road.run(BREAK_RETRY_S - 1), 0)
        self.assertEqual(road.who, INTERLOCK)
        self.assertEqual(road.run(1), 1)
        self.assertEqual(road.who, OVERRIDE)

    def test_little_current_at_the_retry_does_not_clear_a_broken_cable(self):
        for watts, kept in ((POWER_W // 5 - 1, True), (POWER_W // 5, False)):
            road = Road(latched=CABLE_BROKEN)
            road.power_w = lambda r=road, w=watts: w if r.on else 0
            road.run(400)
            self.assertEqual(len(road.rises), 1)
            self.assertEqual(bool(road.flags & CABLE_BROKEN), kept)

    def test_a_person_clears_a_broken_cable_and_it_is_tried_at_once(self):
        road = self.road
        road.broken = True
        road.run(8)
        opened = road.t
        road.zone.safety.clear()
        road.broken = False
        self.assertFalse(road.second() or road.flags & CABLE_BROKEN)
        road.run(400)
        self.assertEqual(road.rises[-1], opened + 301)  # after the minimum off time

    def test_broken_cable_from_before_a_reboot_is_reported_and_tried_after_the_minimum_off_time(self):
        road = Road(latched=CABLE_BROKEN)
        road.broken = True
        road.run(300)
        self.assertEqual(road.rises, [])
        self.assertTrue(road.flags & CABLE_BROKEN)
        road.run(8)
        self.assertEqual(road.rises, [301])
        road.run(BREAK_RETRY_S + 1)
        self.assertEqual(len(road.rises), 2)
        self.assertTrue(road.flags & CABLE_BROKEN)

    def test_broken_cable_does_not_hide_a_latch(self):
        road = Road(latched=CABLE_BROKEN | EARTH_FAULT | LATCHED)
        road.run(4_000)
        self.assertEqual(road.rises, [])
        self.assertEqual(road.flags & (CABLE_BROKEN | EARTH_FAULT | LATCHED), CABLE_BROKEN | EARTH_FAULT | LATCHED)


class SmallCable(unittest.TestCase):
    def test_current_of_a_cable_that_draws_little_is_a_break(self):
        road = Road()
        road.power_w = lambda: POWER_W // 10 if road.on else 0
        road.run(400)
        self.assertTrue(road.flags & CABLE_BROKEN)


if __name__ == "__main__":
    unittest.main()
