"""The clock: its field, and the phase that plans count by."""

import unittest

from board_fixtures import UTC, clock
from command_fixtures import CommandCase
from rh.codes import MALFORMED
from rh.commands import Clock


class SetClock(CommandCase):
    def test_clock_types(self):
        for utc in ("1795000000", 1.5, None, 0, 10**11, True):
            self.assertEqual(self.clock_set(utc=utc), MALFORMED)
        self.assertEqual(self.clock.utc(5), 0)


class ClockPhase(unittest.TestCase):
    def test_phase_of_the_period_needs_the_clock(self):
        self.assertEqual(Clock().phase, -1)
        self.assertEqual((clock(UTC, 50).phase + 50) % 1_200, UTC % 1_200)


if __name__ == "__main__":
    unittest.main()
