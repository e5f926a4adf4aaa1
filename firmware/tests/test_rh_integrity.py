"""What the hourly look at flash leads to: never from a running board to one that cannot start."""

import asyncio
import unittest

from rh import integrity
from session_fixtures import Enough, LinkCase, thrower


class Looks(LinkCase):
    def watch(self, readings, passes):
        """Play (program, configuration) as read, the first at boot; whether a restart was asked for."""
        self.board.restart = False
        told = []
        self.board.log = lambda what, detail: told.append(detail)
        left = list(readings)
        keep_it = integrity.fingerprint, integrity._passes

        def fingerprint(program=True):
            pair = left[0]
            if not program and len(left) > 1:
                left.pop(0)
            return pair[0] if program else pair[1]

        async def pause(ms):
            if len(left) == 1 and self.last:
                raise Enough
            self.last = len(left) == 1

        self.last = False
        integrity.fingerprint, integrity._passes = fingerprint, lambda: passes
        try:
            with self.assertRaises(Enough):
                asyncio.run(integrity.watch(self.board, pause))
        finally:
            integrity.fingerprint, integrity._passes = keep_it
        return self.board.restart, told

    def test_nothing_has_changed(self):
        self.assertEqual(self.watch([("p", "c")] * 3, True), (False, []))

    def test_a_changed_program_does_not_stop_the_heat(self):
        restart, told = self.watch([("p", "c"), ("x", "c"), ("x", "c"), ("x", "c")], True)
        self.assertFalse(restart)
        self.assertTrue("program" in told[0])

    def test_a_changed_program_and_configuration_neither(self):
        self.assertFalse(self.watch([("p", "c"), ("x", "d"), ("x", "d"), ("x", "d")], True)[0])

    def test_a_reading_that_differs_each_time_is_no_change(self):
        restart, told = self.watch([("p", "c"), ("x", "c"), ("y", "c"), ("p", "c")], True)
        self.assertFalse(restart)
        self.assertTrue("each time" in told[0])

    def test_a_good_new_configuration_asks_for_a_restart(self):
        self.assertTrue(self.watch([("p", "c"), ("p", "d"), ("p", "d"), ("p", "d")], True)[0])

    def test_a_damaged_configuration_does_not(self):
        restart, told = self.watch([("p", "c"), ("p", "d"), ("p", "d"), ("p", "d")], False)
        self.assertFalse(restart)
        self.assertTrue("damaged" in told[0])

    def test_a_configuration_that_changes_in_memory_asks_for_a_restart(self):
        """Limits out of memory that has lost a bit must not go on deciding; the sealed files on flash are whole."""
        first, second = self.board.zones[0].safety._limits, self.board._config.zones[1]
        self.assertEqual(self.watch([("p", "c")] * 4, False), (False, []))
        for record, name in (
            (first, "t_max_mc"),
            (first, "cable_max_mc"),
            (second, "relay_active"),
            (second, "relay_pin"),
        ):
            before = integrity.in_memory(self.board)
            value = getattr(record, name)
            for bit in range(15):
                setattr(record, name, value ^ 1 << bit)
                self.assertTrue(integrity.in_memory(self.board) != before)
            setattr(record, name, value)
            self.assertEqual(integrity.in_memory(self.board), before)
        keep_it = integrity.in_memory
        left = [b"a", b"a", b"b", b"b"]
        integrity.in_memory = lambda board: left.pop(0) if len(left) > 1 else left[0]
        try:
            restart, told = self.watch([("p", "c")] * 4, False)
        finally:
            integrity.in_memory = keep_it
        self.assertTrue(restart)
        self.assertTrue("memory" in told[0])

    def test_flash_that_cannot_be_read_is_the_keeper_s(self):
        keep_it, integrity.fingerprint = integrity.fingerprint, thrower(OSError)
        try:
            with self.assertRaises(OSError):
                asyncio.run(integrity.watch(self.board, self.pause))
        finally:
            integrity.fingerprint = keep_it


if __name__ == "__main__":
    unittest.main()
