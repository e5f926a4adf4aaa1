"""Time proportioning, phase, minimum on and off times."""

import unittest

from board_fixtures import limits
from rh.codes import LOCAL, OVERRIDE, PLAN
from rh.relay import Relay

PERIOD = 1_200


class Proportion(unittest.TestCase):
    def setUp(self):
        self.relay = Relay(0, limits())
        self.t = 300  # past the minimum off time after boot

    def run_for(self, seconds, duty, who=PLAN, phase=0):
        """Per second, whether closed."""
        closed = []
        for _ in range(seconds):
            self.t += 1
            closed.append(self.relay.step(self.t, (self.t - phase) % PERIOD, duty, who))
        return closed

    def test_duty_is_delivered_on_the_mean(self):
        for duty in (50, 100, 240, 300, 500, 700, 760, 900, 970):
            self.setUp()
            closed = self.run_for(20 * PERIOD, duty)
            mean = sum(closed) * 1000 // len(closed)
            self.assertTrue(abs(mean - duty) <= 25, "{} delivered as {}".format(duty, mean))

    def test_minimum_times_hold_at_every_duty(self):
        for duty in range(0, 1001, 20):
            self.setUp()
            closed = self.run_for(8 * PERIOD, duty)
            lengths = []
            length = 1
            for i in range(1, len(closed)):
                if closed[i] == closed[i - 1]:
                    length += 1
                else:
                    lengths.append(length)
                    length = 1
            for length in lengths[1:]:
                self.assertGreaterEqual(length, 300, "at {}".format(duty))

    def test_phase_moves_the_window(self):
        for phase in (0, 400, 800):
            self.relay = Relay(0, limits())
            self.t = 2 * PERIOD + phase - 1
            closed = self.run_for(PERIOD, 500, phase=phase)
            self.assertEqual(closed.index(False), 600)
            self.assertTrue(closed[0] and not closed[700])

    def test_window_is_never_longer_than_the_duty_says(self):
        # What phases of a feeder are assigned by: nothing made up for later, whatever went before.
        for duty in (250, 400, 600, 750):
            self.setUp()
            self.t = 0  # held off at first
            closed = self.run_for(6 * PERIOD, duty)
            for start in range(-1, 5 * PERIOD, PERIOD):
                self.assertLessEqual(sum(closed[max(start, 0) : start + PERIOD]), duty * PERIOD // 1000)

    def test_small_duty_waits_until_it_is_worth_closing(self):
        self.t = PERIOD - 1
        closed = self.run_for(10 * PERIOD, 100)
        starts = [i for i in range(1, len(closed)) if closed[i] and not closed[i - 1]]
        self.assertEqual([s % PERIOD for s in starts], [0] * len(starts))
        self.assertEqual(sum(closed), 300 * len(starts))
        self.assertIn(len(starts), (3, 4))

    def test_a_missed_second_does_not_miss_the_window(self):
        self.t = PERIOD + 5
        self.assertTrue(self.run_for(1, 250)[0])

    def test_entered_too_late_it_waits_for_the_next(self):
        self.t = PERIOD + 400
        self.assertFalse(any(self.run_for(700, 500)))

    def test_zero_and_full_are_constant(self):
        self.assertEqual(sum(self.run_for(3 * PERIOD, 0)), 0)
        self.assertEqual(sum(self.run_for(3 * PERIOD, 1000)), 3 * PERIOD)

    def test_boot_counts_as_just_switched_off(self):
        self.t = 0
        closed = self.run_for(400, 1000)
        self.assertEqual(closed.index(True) + 1, 301)

    def test_minimum_on_time_does_not_outlive_the_authority(self):
        self.run_for(100, 1000, who=OVERRIDE)
        self.assertTrue(self.relay.on)
        self.assertFalse(self.run_for(1, 0, who=LOCAL)[0])

    def test_rule_keeps_the_minimum_on_time(self):
        self.run_for(100, 1000, who=LOCAL)
        closed = self.run_for(400, 0, who=LOCAL)
        self.assertEqual(closed.index(False), 200)

    def test_plan_keeps_the_minimum_on_time_under_its_lease(self):
        self.run_for(100, 1000, who=PLAN)
        closed = self.run_for(400, 0, who=PLAN)
        self.assertEqual(closed.index(False), 200)

    def test_window_is_entered_up_to_a_minute_late(self):
        for late, closed in ((360, True), (361, False)):  # of 600 s, with 300 s minimum on
            self.relay = Relay(0, limits())
            self.t = PERIOD + late - 1
            self.assertEqual(self.run_for(1, 500)[0], closed)

    def test_override_off_opens_at_once(self):
        self.run_for(100, 1000, who=PLAN)
        self.assertFalse(self.run_for(1, 0, who=OVERRIDE)[0])

    def test_open_forgets_what_was_owed(self):
        self.run_for(PERIOD // 2, 200)
        self.relay.open(self.t)
        self.assertEqual(sum(self.run_for(3 * PERIOD, 0)), 0)


if __name__ == "__main__":
    unittest.main()
