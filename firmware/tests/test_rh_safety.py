"""What no command can pass: each interlock with its time to react and its way back."""

import unittest

from board_fixtures import POWER_W, Road
from rh.codes import (
    CABLE_BROKEN,
    CONTACTOR_WELDED,
    EARTH_FAULT,
    INTERLOCK,
    LATCHED,
    LOCAL,
    MAX_ON_TIME,
    MOISTURE_IMPLAUSIBLE,
    OVER_TEMPERATURE,
    OVERRIDE,
    POWER_RETURN_HOLD,
    SELF_TEST_PENDING,
    SENSOR_IMPLAUSIBLE,
)
from rh.control import Override
from rh.safety import BREAK_RETRY_S, BREAK_S, HOUR_S, REST_S, OnTime


class Interlocks(unittest.TestCase):
    def setUp(self):
        self.road = Road()
        self.road.run(400)
        self.assertTrue(self.road.on)

    def test_starts_after_the_minimum_off_time(self):
        self.assertEqual(self.road.rises, [301])

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
        for fault in (None, 85_000, -55_000):
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
        road.run(4)
        self.assertFalse(road.flags & CONTACTOR_WELDED)
        road.run(1)
        self.assertTrue(road.flags & CONTACTOR_WELDED)
        road.welded = False
        road.zone.control.override = None
        road.run(1_000)
        self.assertTrue(road.flags & LATCHED)
        self.assertFalse(road.on)

    def test_four_seconds_of_current_after_a_quiet_one_are_no_weld(self):
        road = self.road
        road.zone.control.override = Override(1, "off", 10**9, 0)
        for quiet in (1, 3):
            road.welded = False
            road.run(quiet)
            road.welded = True
            road.run(4)
            self.assertFalse(road.flags & CONTACTOR_WELDED)
        road.second()
        self.assertTrue(road.flags & CONTACTOR_WELDED)

    def test_current_that_stays_for_four_seconds_after_opening_is_no_weld(self):
        road = self.road
        road.zone.control.override = Override(1, "off", 10**9, 0)
        road.welded = True
        road.second()
        self.assertFalse(road.on)
        road.run(4)
        self.assertFalse(road.flags & CONTACTOR_WELDED)
        road.second()
        self.assertTrue(road.flags & CONTACTOR_WELDED)

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

    def test_rest_after_the_longest_on_time_to_the_second(self):
        road = Road(max_on_s=3_600)
        road.run(301 + 3_600 + REST_S + 60)
        self.assertEqual(road.falls[0] - road.rises[0], 3_599)
        self.assertEqual(road.rises[1] - road.falls[0], REST_S)

    def test_weld_is_a_current_above_five_percent(self):
        for watts, latched in ((POWER_W * 5 // 100, False), (POWER_W * 5 // 100 + 1, True)):
            road = Road()
            road.moisture = 0
            road.power_w = lambda w=watts: w
            road.run(30)
            self.assertEqual(bool(road.flags & CONTACTOR_WELDED), latched)

    def test_load_of_a_fifth_is_enough(self):
        road = Road()
        road.power_w = lambda: POWER_W // 5 if road.on else 0
        road.run(400)
        self.assertTrue(road.on)

    def test_cleared_weld_latches_again_while_it_lasts(self):
        road = self.road
        road.welded = True
        road.zone.control.override = Override(1, "off", road.t + 9_000, 0)
        road.run(10)
        road.zone.safety.clear()
        road.run(10)
        self.assertTrue(road.flags & CONTACTOR_WELDED)

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

    def test_longest_on_time_rests(self):
        road = Road(max_on_s=3_600)
        road.run(301 + 3_600)
        self.assertFalse(road.on)
        self.assertTrue(road.flags & MAX_ON_TIME)
        road.run(REST_S + 1)
        self.assertTrue(road.on)
        self.assertLessEqual(road.falls[0] - road.rises[0], 3_600)

    def test_hours_a_day_are_capped(self):
        road = Road(max_on_day_s=7_200)
        closed = road.run(20 * HOUR_S)
        self.assertLessEqual(closed, 7_200)
        self.assertGreaterEqual(closed, 7_100)
        self.assertTrue(road.flags & MAX_ON_TIME)
        closed = road.run(24 * HOUR_S)
        self.assertLessEqual(closed, 7_200 + 300)

    def test_interlock_passes_override_on(self):
        road = self.road
        road.zone.control.override = Override(1, "on", road.t + 5_000, 0)
        road.run(10)
        road.surface_mc = None
        road.run(3)
        self.assertFalse(road.on)


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

    def test_current_of_a_cable_that_draws_little_is_a_break(self):
        road = Road()
        road.power_w = lambda: POWER_W // 10 if road.on else 0
        road.run(400)
        self.assertTrue(road.flags & CABLE_BROKEN)


class Hours(unittest.TestCase):
    def test_buckets_forget_after_a_day(self):
        on_time = OnTime()
        for t in range(1, HOUR_S + 1):
            on_time.step(t, True)
        self.assertEqual(on_time.total, HOUR_S)
        for t in range(HOUR_S + 1, 26 * HOUR_S, 7):
            on_time.step(t, False)
        self.assertEqual(on_time.total, 0)

    def test_restored_hours_are_forgotten_after_a_day_as_well(self):
        on_time = OnTime()
        on_time.restore(5_000)
        self.assertEqual((on_time.total, sum(on_time.hours)), (5_000, 5_000))
        for t in range(1, 24 * HOUR_S):
            on_time.step(t, t <= 10)
        self.assertEqual(on_time.total, 5_010)
        on_time.step(24 * HOUR_S, False)
        self.assertEqual(on_time.total, 0)

    def test_restored_hours_count(self):
        road = Road(max_on_day_s=7_200)
        road.zone.safety.on_time.restore(7_000)
        self.assertLessEqual(road.run(3_600), 200)


if __name__ == "__main__":
    unittest.main()
