"""The five rows of the precedence table, each against the ones under it, and what each row asks for."""

import unittest

from board_fixtures import UTC, limits
from rh.codes import INTERLOCK, LOCAL, MAINTENANCE, OVERRIDE, PLAN, STANDBY
from rh.control import AFTER_RUN_S, CLEAR_S, TRIM_MAX_PERMILLE, Control, LocalRule, Override, Plan

HOUR = 3_600


def plan(duty=500, set_point=0, lease_end=6 * HOUR, on=2_000, off=3_000, at=UTC, anchor=UTC, after_run=AFTER_RUN_S):
    made = Plan(at, lease_end, 0, on, off, after_run, [(0, set_point, duty)])
    made.anchor(anchor)
    return made


class Rows(unittest.TestCase):
    def setUp(self):
        self.control = Control(limits())

    def decide(self, t=10, surface=0, wet=True, blocked=False, locked=False):
        duty = self.control.decide(t, surface, wet, blocked, locked)
        return self.control.who, duty

    def test_row_5_local_rule_decides_when_nobody_else_does(self):
        self.assertEqual(self.decide(), (LOCAL, 1000))

    def test_row_4_plan_passes_local_rule(self):
        self.control.plan = plan(duty=300)
        self.assertEqual(self.decide(), (PLAN, 300))

    def test_row_3_override_passes_plan(self):
        self.control.plan = plan(duty=300)
        self.control.override = Override(1, "off", 100, 0)
        self.assertEqual(self.decide(), (OVERRIDE, 0))
        self.control.override = Override(2, "on", 100, 0)
        self.assertEqual(self.decide(wet=False), (OVERRIDE, 1000))

    def test_row_2_maintenance_lock_passes_override(self):
        self.control.override = Override(1, "on", 100, 0)
        self.assertEqual(self.decide(locked=True), (MAINTENANCE, 0))

    def test_row_1_interlock_passes_all(self):
        self.control.plan = plan(duty=1000)
        self.control.override = Override(1, "on", 100, 0)
        self.assertEqual(self.decide(blocked=True, locked=True), (INTERLOCK, 0))

    def test_override_ends_at_its_expiry_and_the_plan_is_back(self):
        self.control.plan = plan(duty=300)
        self.control.override = Override(1, "on", 100, 0)
        self.assertEqual(self.decide(t=99), (OVERRIDE, 1000))
        self.assertEqual(self.decide(t=100), (PLAN, 300))

    def test_override_expires_also_while_blocked(self):
        self.control.override = Override(1, "on", 100, 0)
        self.decide(t=150, blocked=True)
        self.assertIsNone(self.control.override)

    def test_lease_ends_and_the_local_rule_is_back(self):
        self.control.plan = plan(duty=0, lease_end=100)
        self.assertEqual(self.decide(t=99), (PLAN, 0))
        self.assertEqual(self.decide(t=100), (LOCAL, 1000))

    def test_plan_without_clock_does_not_decide(self):
        self.control.plan = plan(duty=0, anchor=0)
        self.assertEqual(self.decide(), (LOCAL, 1000))
        self.control.plan.anchor(UTC)
        self.assertEqual(self.decide(), (PLAN, 0))

    def test_commanded_heat_stops_under_the_high_limit(self):
        self.control.override = Override(1, "on", 10_000, 0)
        self.assertEqual(self.decide(surface=12_900), (OVERRIDE, 1000))
        self.assertEqual(self.decide(surface=13_000), (OVERRIDE, 0))
        self.assertEqual(self.decide(surface=12_500), (OVERRIDE, 0))
        self.assertEqual(self.decide(surface=11_900), (OVERRIDE, 1000))


class PlanSlots(unittest.TestCase):
    def setUp(self):
        self.plan = Plan(UTC, 10 * HOUR, 0, 2_000, 3_000, 3_600, [(0, 0, 200), (900, 0, STANDBY), (1_800, 0, 800)])
        self.plan.anchor(UTC)

    def test_slots_follow_each_other(self):
        self.assertEqual(
            [self.plan.duty(t, 0) for t in (0, 899, 900, 1_799, 1_800, 9_000)], [200, 200, -1, -1, 800, 800]
        )

    def test_before_the_first_slot_it_is_standby(self):
        self.plan.anchor(UTC - 100)
        self.assertEqual(self.plan.duty(50, 0), STANDBY)
        self.assertEqual(self.plan.duty(100, 0), 200)

    def test_the_first_slot_holds_from_its_start_whatever_its_set_point(self):
        made = Plan(UTC, 10 * HOUR, 0, 2_000, 3_000, 3_600, [(60, 5_000, 500), (120, 4_000, 0)])
        made.anchor(UTC)
        self.assertEqual([made.duty(t, 5_000) for t in (0, 59, 60, 119, 120)], [STANDBY, STANDBY, 500, 500, 0])

    def test_a_plan_moved_back_begins_with_its_first_slot_again(self):
        self.assertEqual(self.plan.duty(2_000, 0), 800)
        self.plan.anchor(UTC - 1_900)
        self.assertEqual(self.plan.duty(2_000, 0), 200)

    def test_feedback_adds_a_tenth_per_kelvin_and_is_clipped(self):
        for surface, duty in ((-1_000, 300), (1_000, 100), (5_000, 0), (-9_000, 200 + TRIM_MAX_PERMILLE)):
            self.assertEqual(self.plan.duty(0, surface), duty)
        self.assertEqual(self.plan.duty(1_800, -9_000), 1000)

    def test_clock_change_moves_slots_but_never_the_lease(self):
        self.plan.anchor(UTC + 900)  # the clock was 15 min late
        self.assertEqual(self.plan.duty(0, 0), STANDBY)
        self.assertEqual(self.plan.duty(900, 0), 800)
        for anchor in (UTC - 10**6, UTC + 10**6):
            self.plan.anchor(anchor)
            self.assertTrue(self.plan.live(10 * HOUR - 1))
            self.assertFalse(self.plan.live(10 * HOUR))

    def test_standby_slot_applies_the_rule_with_the_plans_thresholds(self):
        control = Control(limits())
        control.plan = plan(duty=STANDBY, on=500, off=1_000)
        self.assertEqual((control.decide(1, 1_500, True, False, False), control.who), (0, PLAN))
        self.assertEqual((control.decide(2, 400, True, False, False), control.who), (1000, PLAN))


class Rule(unittest.TestCase):
    def setUp(self):
        self.rule = LocalRule(limits())
        self.t = 0

    def duty(self, surface, wet, seconds=1):
        duty = 0
        for _ in range(seconds):
            self.t += 1
            duty = self.rule.duty(self.t, surface, wet, 2_000, 3_000)
        return duty

    def test_dry_cold_does_nothing(self):
        self.assertEqual(self.duty(-5_000, False, 100), 0)

    def test_warm_wet_does_nothing(self):
        self.assertEqual(self.duty(2_100, True, 100), 0)

    def test_cold_and_wet_heats_and_releases_at_three_degrees(self):
        self.assertEqual(self.duty(2_000, True), 1000)
        self.assertEqual(self.duty(2_900, True), 1000)
        self.assertEqual(self.duty(3_000, True), 0)
        self.assertEqual(self.duty(2_500, True), 0)
        self.assertEqual(self.duty(2_000, True), 1000)

    def test_after_run_goes_on_for_an_hour_after_the_last_moisture(self):
        self.duty(1_000, True)
        self.assertEqual(self.duty(1_000, False, AFTER_RUN_S - 1), 1000)
        self.assertEqual(self.duty(1_000, False), 0)

    def test_a_plan_may_end_the_after_run_sooner(self):
        control = Control(limits())
        control.plan = plan(duty=STANDBY, after_run=300)
        self.assertEqual(control.decide(100, 1_000, True, False, False), 1000)
        self.assertEqual(control.decide(399, 1_000, False, False, False), 1000)
        self.assertEqual(control.decide(400, 1_000, False, False, False), 0)
        control.plan = None
        self.assertEqual(control.decide(500, 1_000, True, False, False), 1000)
        self.assertEqual(control.decide(500 + AFTER_RUN_S - 1, 1_000, False, False, False), 1000)

    def test_moisture_renews_the_after_run(self):
        self.duty(1_000, True)
        self.duty(1_000, False, AFTER_RUN_S - 10)
        self.duty(1_000, True)
        self.assertEqual(self.duty(1_000, False, AFTER_RUN_S - 1), 1000)

    def test_cold_cut_off_with_hysteresis(self):
        self.assertEqual(self.duty(-10_000, True), 1000)
        self.assertEqual(self.duty(-10_100, True), 0)
        self.assertEqual(self.duty(-9_500, True), 0)
        self.assertEqual(self.duty(-9_000, True), 1000)

    def test_a_persons_command_heats_below_the_cold_cut_off(self):
        control = Control(limits())
        self.assertEqual(control.decide(100, -10_500, True, False, False), 0)
        for mode in ("on", "boost"):
            control.override = Override(1, mode, 10_000, 0)
            self.assertEqual(control.decide(200, -10_500, True, False, False), 1000)

    def test_a_plan_heats_below_the_cold_cut_off(self):
        control = Control(limits())
        control.plan = plan(duty=1000)
        self.assertEqual(control.decide(100, -10_500, False, False, False), 1000)

    def test_never_above_lock_out(self):
        self.duty(0, True)
        self.assertEqual(self.rule.duty(5, 6_000, True, 7_000, 8_000), 0)

    def test_limits_file_can_hold_a_feeder_down(self):
        self.rule = LocalRule(limits(local_duty_permille=600))
        self.assertEqual(self.duty(0, True), 600)


class Boost(unittest.TestCase):
    def test_ends_early_once_dry_and_above_freezing_for_a_minute(self):
        boost = Override(1, "boost", 10_000, 0)
        for t in range(100):
            self.assertTrue(boost.live(t, 3_000, True))
            self.assertTrue(boost.live(t, -100, False))
        lived = 0
        while boost.live(200 + lived, 1_500, False):
            lived += 1
        self.assertEqual(lived, CLEAR_S)
        self.assertFalse(boost.live(300, -5_000, True))

    def test_a_drop_of_water_starts_the_minute_again(self):
        boost = Override(1, "boost", 10_000, 0)
        for t in range(CLEAR_S):
            boost.live(t, 1_500, False)
        self.assertTrue(boost.live(70, 1_500, True))
        self.assertTrue(boost.live(71, 1_500, False))

    def test_on_does_not_end_early(self):
        on = Override(1, "on", 500, 0)
        self.assertTrue(all(on.live(t, 9_000, False) for t in range(500)))
        self.assertFalse(on.live(500, 9_000, False))


if __name__ == "__main__":
    unittest.main()
