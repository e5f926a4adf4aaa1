"""The exact edges of limits, times and amounts in safety, control and relay. Runs on CPython and in the VM."""

import unittest

from board_fixtures import POWER_W, Road, limits
from rh import control, safety
from rh.codes import CABLE_BROKEN, CONTACTOR_WELDED, MAX_ON_TIME, OVER_TEMPERATURE, PLAN, SELF_TEST_PENDING
from rh.control import Control, LocalRule, Override, Plan
from rh.plausible import Plausible
from rh.relay import Relay
from rh.safety import Safety

UTC = 1_795_000_000
PERIOD = 1_200


def sensor(mc):
    made = Plausible(-45_000, 125_000, 200_000)
    for _ in range(6):
        made.feed(mc)
    return made


class Numbers(unittest.TestCase):
    def test_numbers_are_those_of_the_documents(self):
        self.assertEqual((control.ON_MC, control.OFF_MC, control.AFTER_RUN_S), (2_000, 3_000, 3_600))
        self.assertEqual((control.GAIN_PERMILLE_PER_K, control.TRIM_MAX_PERMILLE), (100, 300))
        self.assertEqual((control.CEILING_MARGIN_MC, control.CEILING_HYSTERESIS_MC), (2_000, 1_000))
        self.assertEqual((control.CLEAR_MC, control.CLEAR_S, control.NEVER), (1_000, 60, -1))
        self.assertEqual((safety.SURFACE_HYSTERESIS_MC, safety.CABLE_HYSTERESIS_MC), (2_000, 10_000))
        self.assertEqual((safety.CURRENT_PERCENT, safety.LOAD_PERCENT), (5, 20))
        self.assertEqual((safety.WELD_S, safety.BREAK_S, safety.SELF_TEST_S), (4, 8, 5))
        self.assertEqual((safety.BREAK_RETRY_S, safety.REST_S, safety.HOUR_S), (1_800, 1_800, 3_600))


class Interlock(unittest.TestCase):
    def setUp(self):
        self.safety = Safety(limits(), POWER_W)
        self.t = 0

    def step(self, surface=1_000, cable=2_000, power=0, on=False, seconds=1):
        flags = 0
        for _ in range(seconds):
            self.t += 1
            flags = self.safety.step(self.t, sensor(surface), sensor(cable), power, on, 0, False)
        return flags

    def test_nothing_is_held_against_a_zone_at_boot(self):
        self.assertEqual((self.safety.latched, self.safety.resting, self.safety.tested), (0, False, False))
        self.assertFalse(self.step(13_500, 75_000) & OVER_TEMPERATURE)  # between the limits and their hysteresis

    def test_over_temperature_ends_below_the_hysteresis_and_not_on_it(self):
        for hot, held, over in (((15_000, 0), (13_000, 0), (12_999, 0)), ((0, 80_000), (0, 70_000), (0, 69_999))):
            self.assertTrue(self.step(*hot) & OVER_TEMPERATURE)
            self.assertTrue(self.step(*held) & OVER_TEMPERATURE)
            self.assertFalse(self.step(*over) & OVER_TEMPERATURE)

    def test_a_weld_is_known_in_the_fourth_second_also_after_a_person_looked(self):
        for _ in range(2):
            self.assertFalse(self.step(power=POWER_W, seconds=3) & CONTACTOR_WELDED)
            self.assertTrue(self.step(power=POWER_W) & CONTACTOR_WELDED)
            self.safety.clear()

    def test_a_broken_cable_is_known_in_the_eighth_second_and_tried_half_an_hour_after_the_last_try(self):
        self.step(seconds=10)
        self.t = 0
        self.assertFalse(self.step(on=True, seconds=7) & CABLE_BROKEN)
        self.assertTrue(self.step(on=True) & CABLE_BROKEN)
        self.step(on=True, seconds=8)  # tried at once again: known again after eight more
        self.t = 16 + 1_800 - 2
        self.step()
        self.assertTrue(self.safety.resting)
        self.step()
        self.assertFalse(self.safety.resting)

    def test_the_self_test_takes_five_seconds_at_boot_and_after_a_person_looked(self):
        for _ in range(2):
            self.assertTrue(self.step(power=POWER_W * 5 // 100, seconds=4) & SELF_TEST_PENDING)  # noise of the meter
            self.assertFalse(self.step(power=POWER_W * 5 // 100) & SELF_TEST_PENDING)
            self.step(seconds=3)
            self.safety.clear()
            self.assertFalse(self.safety.resting)

    def test_a_person_who_looked_ends_the_wait_for_the_next_try(self):
        self.step(seconds=10)
        self.step(on=True, seconds=9)
        self.assertTrue(self.safety.resting)
        self.safety.clear()
        self.assertFalse(self.safety.resting)

    def test_the_days_hours_are_free_again_once_the_shortest_on_time_fits(self):
        most, least = limits().max_on_day_s, limits().min_on_s
        on_time = self.safety.on_time
        for total, spent in ((most - 1, False), (most, True), (most - least + 1, True), (most - least, False)):
            on_time.total = total
            self.assertEqual(bool(self.step() & MAX_ON_TIME), spent, "{}".format(total))

    def test_an_hour_counts_for_a_day(self):
        on_time = self.safety.on_time
        for t in range(1, 3_600):
            on_time.step(t, True)
        self.assertEqual(on_time.step(86_399, False), 3_599)
        for hour in range(1, 24):
            self.assertEqual(on_time.step(hour * 3_600, False), 3_599)
        self.assertEqual(on_time.step(86_400, False), 0)


class Readings(unittest.TestCase):
    def test_both_ends_of_the_range_belong_to_it(self):
        for sample in (-45_000, 125_000):
            made = Plausible(-45_000, 125_000, 1_000)
            answers = [made.feed(sample) for _ in range(5)]
            self.assertEqual(answers, [False] * 4 + [True])
            self.assertEqual(made.value, sample)
        for sample in (-45_001, 125_001):
            made = Plausible(-45_000, 125_000, 1_000)
            self.assertEqual([made.feed(sample) for _ in range(9)], [False] * 9)


class Decisions(unittest.TestCase):
    def plan(self, duty, set_point, lease_end=600):
        made = Plan(UTC, lease_end, 0, 2_000, 3_000, 3_600, [(0, set_point, duty)])
        made.anchor(UTC)
        return made

    def test_a_rule_begins_unarmed_and_between_its_thresholds_it_does_not_heat(self):
        rule = LocalRule(limits())
        self.assertFalse(rule.armed)
        rule.rearm(0)
        self.assertEqual(rule.duty(1, 2_500, True, 2_000, 3_000), 0)

    def test_a_plan_counts_once_the_clock_is_known(self):
        made = Plan(UTC, 600, 0, 2_000, 3_000, 3_600, [(0, 0, 500)])
        self.assertFalse(made.live(10))
        made.anchor(1)
        self.assertTrue(made.live(10))

    def test_duty_with_feedback_stays_between_nothing_and_all(self):
        self.assertEqual(self.plan(1_000, 10).duty(10, 0), 1_000)  # a thousandth more is asked for
        self.assertEqual(self.plan(100, 0).duty(10, 5_000), 0)
        self.assertEqual(self.plan(500, 3_000).duty(10, 0), 800)
        self.assertEqual(self.plan(500, 0).duty(10, 3_000), 200)

    def test_a_warm_road_is_not_heated_by_plan_whatever_it_asks_for(self):
        made = Control(limits())
        made.plan = self.plan(1_000, 20_000)
        self.assertEqual(made.decide(10, 12_999, False, False, False), 1_000)
        self.assertEqual(made.decide(11, 13_000, False, False, False), 0)

    def test_a_plan_is_forgotten_in_the_second_in_which_its_lease_ends(self):
        made = Control(limits())
        made.plan = self.plan(500, 0)
        made.decide(599, 0, False, False, False)
        self.assertTrue(made.plan is not None)
        made.decide(600, 0, False, False, False)
        self.assertTrue(made.plan is None)

    def test_boost_counts_a_road_as_clear_from_one_degree_on(self):
        boost = Override(1, "boost", 10_000, 0)
        self.assertTrue(all(boost.live(t, 999, False) for t in range(200)))
        self.assertTrue(all(boost.live(t, 1_000, False) for t in range(60)))
        self.assertFalse(boost.live(60, 1_000, False))

    def test_commanded_heat_returns_below_the_ceilings_hysteresis_and_not_on_it(self):
        made = Control(limits())
        made.override = Override(1, "on", 10_000, 0)
        for surface, duty in ((12_999, 1_000), (13_000, 0), (12_000, 0), (11_999, 1_000)):
            self.assertEqual(made.decide(10, surface, True, False, False), duty)

    def test_nothing_is_asked_for_at_boot_nor_under_an_interlock_nor_the_maintenance_key(self):
        made = Control(limits())
        self.assertEqual(made.duty, 0)
        made.override = Override(1, "on", 10_000, 0)
        made.decide(10, 0, True, False, False)
        for blocked, locked in ((True, False), (False, True)):
            self.assertEqual(made.decide(11, 0, True, blocked, locked), 0)
            self.assertEqual(made.duty, 0)


class Owed(unittest.TestCase):
    """A window shorter than the minimum on time: 298 s of 300, two seconds short of it are 2,000 ‰·s owed."""

    def closes_after(self, seconds, before=None):
        """Whether the contactor closes at a period's start for duty 249, `seconds` of duty 1 having gone before."""
        relay = Relay(0, limits())
        t = 10 * PERIOD - seconds
        if before:
            before(relay, t)
        for at in range(t, 10 * PERIOD):
            self.assertFalse(relay.step(at, at % PERIOD, 1, PLAN))
        return relay.step(10 * PERIOD, 0, 249, PLAN)

    def test_what_is_owed_closes_once_it_makes_the_minimum_on_time(self):
        self.assertFalse(self.closes_after(1_999))
        self.assertTrue(self.closes_after(2_000))

    def test_nothing_is_owed_after_the_contactor_was_opened_or_no_duty_was_asked_for(self):
        def opened(relay, t):
            relay.step(t - 1, (t - 1) % PERIOD, 200, PLAN)
            relay.open(t)

        def asked_for_nothing(relay, t):
            relay.step(t - 2, (t - 2) % PERIOD, 200, PLAN)
            relay.step(t - 1, (t - 1) % PERIOD, 0, PLAN)

        for before in (opened, asked_for_nothing):
            self.assertFalse(self.closes_after(1_999, before))
            self.assertTrue(self.closes_after(2_000, before))

    def test_a_second_without_duty_cancels_what_was_owed(self):
        relay = Relay(0, limits())
        for at in range(10 * PERIOD - 2_001, 10 * PERIOD - 1):
            relay.step(at, at % PERIOD, 1, PLAN)
        relay.step(10 * PERIOD - 1, PERIOD - 1, 0, PLAN)
        self.assertFalse(relay.step(10 * PERIOD, 0, 249, PLAN))

    def test_a_window_of_the_minimum_on_time_owes_nothing_when_it_was_missed(self):
        def missed(relay, t):
            for at in range(t - 100, t):
                relay.step(at, 500, 250, PLAN)

        self.assertFalse(self.closes_after(1_749, missed))  # 250 of the last second
        self.assertTrue(self.closes_after(1_750, missed))

    def test_a_window_longer_than_the_minimum_off_time_allows_stays_on_until_as_much_was_given_too_much(self):
        relay = Relay(0, limits())
        for at in range(PERIOD):
            relay.step(at, at, 1_000, PLAN)
        self.assertTrue(relay.on)
        opened = []
        for at in range(PERIOD, 27 * PERIOD):
            relay.step(at, at % PERIOD, 990, PLAN)
            if not relay.on:
                opened.append(at)
        # 10 ‰·s a second too much: after 24 periods 288,000, the 288 s by which the window is longer than 900 s.
        self.assertEqual(opened[0], 25 * PERIOD + 900)

    def test_a_shortest_window_that_is_not_owed_yet_does_not_close_at_the_periods_first_seconds(self):
        relay = Relay(0, limits(min_on_s=60))
        for position in (0, 1, 2):
            self.assertFalse(relay.step(10 * PERIOD + position, position, 10, PLAN))

    def test_what_was_given_too_much_opens_a_long_window_at_its_exact_amount(self):
        most = PERIOD - 300
        duty = 800
        window = duty * PERIOD // 1000
        over = (window - most) * 1000
        for owed, closed_all_period in ((-over, False), (1 - over, True)):
            relay = Relay(0, limits())
            relay.on = True
            relay._owed = owed
            relay._position = PERIOD - 1
            relay.step(10 * PERIOD, 0, duty, PLAN)
            relay.step(10 * PERIOD + 1, most, duty, PLAN)  # the first second after the longest window
            self.assertEqual(relay.on, closed_all_period)

    def test_the_minimum_off_time_holds_from_boot(self):
        road = Road()
        road.run(301)
        self.assertEqual(road.rises, [301])


if __name__ == "__main__":
    unittest.main()
