"""Commands of any kind: order of checks, result codes, stored before answered."""

import unittest

from board_fixtures import UTC
from command_fixtures import CommandCase
from rh.codes import MALFORMED, OK, OLD_EPOCH, STALE_SEQUENCE, STORE_FAILED, UNKNOWN_ZONE, WRONG_BOARD


class Order(CommandCase):
    def test_sequence_must_rise(self):
        self.assertEqual(self.clock_set(q=5), OK)
        self.assertEqual(self.clock_set(q=5), STALE_SEQUENCE)
        self.assertEqual(self.clock_set(q=4), STALE_SEQUENCE)
        self.assertEqual(self.clock_set(q=6), OK)

    def test_newer_epoch_wins_and_the_older_is_refused(self):
        self.assertEqual(self.clock_set(ep=3, q=9), OK)
        self.assertEqual(self.clock_set(ep=2, q=99), OLD_EPOCH)
        self.assertEqual(self.clock_set(ep=4, q=1), OK)

    def test_other_board(self):
        self.assertEqual(self.clock_set(b="b02"), WRONG_BOARD)
        self.assertEqual(self.clock.utc(0), 0)

    def test_refused_content_spends_its_sequence(self):
        self.assertEqual(self.plan(z="z09", q=5), UNKNOWN_ZONE)
        self.assertEqual(self.plan(q=5), STALE_SEQUENCE)

    def test_result_names_the_command(self):
        self.assertEqual(self.commands.apply({"t": "clock", "b": "b01", "ep": 2, "q": 8, "utc": UTC}, 0), (2, 8, OK))
        self.assertEqual(
            self.commands.apply({"t": "clock", "b": "b01", "ep": "2", "q": 8, "utc": UTC}, 0), (0, 0, MALFORMED)
        )

    def test_sequence_survives_a_reboot(self):
        self.plan(q=41)
        self.reboot()
        self.assertEqual((self.state.ep, self.state.q), (1, 41))
        self.assertEqual(self.plan(q=41), STALE_SEQUENCE)

    def test_what_flash_does_not_take_is_not_done(self):
        def full():
            raise OSError(28)

        keep = self.state.save
        self.state.save = full
        self.assertEqual(self.plan(q=5), STORE_FAILED)
        self.assertEqual(self.override(q=6), STORE_FAILED)
        self.assertIsNone(self.zones[0].control.plan)
        self.assertIsNone(self.zones[0].control.override)
        self.state.save = keep
        self.assertEqual(self.plan(q=5), OK)

    def test_stored_before_it_is_done(self):
        seen = []
        keep = self.state.save

        def save():
            seen.append(self.zones[0].control.plan)
            keep()

        self.state.save = save
        self.plan()
        self.assertEqual(seen, [None])


class Headers(CommandCase):
    def test_unknown_kinds(self):
        for kind in ("reboot", "", 5, None, ["plan"], {"a": 1}):
            self.assertEqual(self._typed(0, {"t": kind, "utc": UTC}), MALFORMED)

    def test_headers_that_are_not_numbers(self):
        for ep, q in (("1", 1), (1, None), (True, 1), (1, 2**40), (-1, 1), (1.0, 1), ([1], 1)):
            self.assertEqual(
                self.commands.apply({"t": "clock", "b": "b01", "ep": ep, "q": q, "utc": UTC}, 0)[2], MALFORMED
            )

    def test_unknown_zone(self):
        self.assertEqual(self.plan(z="z09"), UNKNOWN_ZONE)
        self.assertEqual(self.override(z="z09"), UNKNOWN_ZONE)


if __name__ == "__main__":
    unittest.main()
