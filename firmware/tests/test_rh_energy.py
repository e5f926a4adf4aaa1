"""The energy counter: what the power says, corrected by a meter's register, and never backwards."""

import unittest

from board_fixtures import POWER_W
from rh.energy import Energy


class Counter(unittest.TestCase):
    def run_s(self, energy, seconds, power_w, register=None):
        """Seconds with this power; register: a function of the second that gives its reading [Wh] or None."""
        for second in range(seconds):
            energy.count(power_w, None if register is None else register(second))

    def test_power_alone(self):
        energy = Energy(POWER_W)
        self.run_s(energy, 3_600, 54_321)
        self.assertEqual(energy.wh, 54_321)

    def test_a_register_that_counts_more_is_caught_up_with_within_what_the_cable_can_draw(self):
        energy = Energy(POWER_W)
        before = 0
        for second in range(3_600):
            energy.count(50_000, 7_000 + second * 52_500 // 3_600 if second % 4 == 0 else None)
            self.assertTrue(0 <= energy.wh - before <= 18)  # 108 % of 60 kW
            before = energy.wh
        self.assertTrue(abs(energy.wh - 52_500) <= 120, energy.wh)

    def test_catching_up_counts_no_more_than_the_supervisor_books(self):
        energy = Energy(POWER_W)
        for second in range(3_600):
            energy.count(58_000, second * 65_500 // 3_600 if second % 4 == 0 else None)
        self.assertTrue(64_700 <= energy.wh <= POWER_W * 108 // 100, energy.wh)
        before = energy.wh
        self.run_s(energy, 3_600, 66_000)  # the power itself is counted as it is
        self.assertEqual(energy.wh - before, 66_000)

    def test_a_register_that_counts_less_never_turns_the_counter_back(self):
        energy = Energy(POWER_W)
        before = 0
        for second in range(3_600):
            energy.count(50_000, 7_000 + second * 40_000 // 3_600 if second % 4 == 0 else None)
            self.assertTrue(energy.wh >= before)
            before = energy.wh
        self.assertTrue(abs(energy.wh - 40_000) <= 200, energy.wh)

    def test_what_a_silent_meter_counted_is_not_lost(self):
        """The estimate of an hour was 60 kWh, the meter counted 54."""
        energy = Energy(POWER_W)
        energy.count(0, 1_000)
        self.run_s(energy, 3_600, 60_000)
        energy.count(54_000, 55_000)
        self.run_s(energy, 7_200, 54_000, lambda s: 55_000 + (s + 1) * 15)
        self.assertTrue(abs(energy.wh - 162_000) <= 50, energy.wh)

    def test_reset_wrap_and_another_meter_add_nothing_by_themselves(self):
        for then in (0, 3, 990_000, 2_000_000):
            energy = Energy(POWER_W)
            energy.count(0, 1_000_000)
            self.run_s(energy, 10, 36_000)
            energy.count(36_000, then)
            self.run_s(energy, 100, 36_000, lambda s, then=then: then + 10 * (s + 1))
            self.assertTrue(abs(energy.wh - 1_110) <= 1, (then, energy.wh))

    def test_steps_of_a_register_at_its_end_add_up(self):
        """Near 1,000,000 kWh a float32 has steps of 62.5 Wh."""
        energy = Energy(POWER_W)
        for second in range(7_200):
            energy.count(54_000, 900_000_000 + second * 15 // 62 * 62)
        self.assertTrue(abs(energy.wh - 108_000) <= 62, energy.wh)


if __name__ == "__main__":
    unittest.main()
