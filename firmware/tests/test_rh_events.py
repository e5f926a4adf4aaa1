"""The log on flash: bounded, once in ten minutes for what repeats, read in pieces; and the last traceback."""

import sys
import unittest

from board_fixtures import remove
from rh import events


def wipe():
    remove("events.0", "events.1", events.CRASH)


def everything():
    at, text = 0, b""
    while True:
        found, at, size = events.read(at)
        text += found
        if at >= size or not found:
            return text.decode()


class Log(unittest.TestCase):
    def setUp(self):
        wipe()
        self.log = events.Events(7)

    def tearDown(self):
        wipe()

    def test_lines_in_order(self):
        self.log.add(5, 0, "state", OSError(28))
        self.log.add(9, 1_795_000_000, "link", "up\nand down \x1b[2J \u20ac")
        first, second = everything().split("\n")[:2]
        self.assertTrue(first.startswith("7 5 0 state: "), first)
        self.assertEqual(second, "7 9 1795000000 link: up?and down ?[2J ?")

    def test_what_repeats_is_counted(self):
        for t in range(events.AGAIN_S):
            self.log.add(t, 0, "link", "gone")
        self.log.add(300, 0, "contactor of z01", "stuck")
        self.log.add(events.AGAIN_S, 0, "link", "gone")
        lines = everything().strip().split("\n")
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[2], "7 600 0 link: gone (599 times more before)")

    def test_two_files_and_never_more(self):
        for i in range(2_200):
            self.log.add(i * events.AGAIN_S, 0, "what", "x" * 60)
        text = everything()
        self.assertTrue(events.FILE_MAX < len(text) <= 2 * events.FILE_MAX + 500, len(text))
        self.assertGreaterEqual(len(text.split("\n")), 1_000)
        self.assertIn(" {} 0 what".format(2_199 * events.AGAIN_S), text)

    def test_from_the_end_and_past_it(self):
        for i in range(100):
            self.log.add(i, 0, "kind {}".format(i), "x")
        whole = everything()
        found, after, size = events.read(-50)
        self.assertEqual(found.decode(), whole[-50:])
        self.assertEqual((after, size), (len(whole), len(whole)))
        self.assertEqual(events.read(10_000_000)[0], b"")
        self.assertEqual(events.read(-10_000_000)[0].decode(), whole[: events.CHUNK])

    def test_many_kinds_do_not_fill_the_memory(self):
        for i in range(1_000):
            self.log.add(i, 0, "kind {}".format(i), "")
        self.assertLessEqual(len(self.log._last), 16)

    def test_flash_that_fails_costs_lines_only(self):
        log = events.Events(1, "no/such/folder/events.")
        log.add(1, 0, "link", "gone")

    def test_a_detail_that_cannot_be_written(self):
        class Bad:
            def __str__(self):
                raise ValueError

            __repr__ = __str__

        self.log.add(1, 0, "link", Bad())
        self.log.add(events.AGAIN_S + 1, 0, "link", "gone")
        self.assertIn("gone", everything())


class Crash(unittest.TestCase):
    setUp = tearDown = lambda self: wipe()

    def test_none(self):
        self.assertEqual(events.crash(), b"")

    def test_the_last_one(self):
        if not hasattr(sys, "print_exception"):  # CPython: MicroPython's own
            sys.print_exception = lambda error, file: file.write(repr(error))
        for text in ("first", "second"):
            try:
                raise ValueError(text)
            except ValueError as e:
                events.crashed(e)
        self.assertIn("second", events.crash().decode())
        self.assertFalse("first" in events.crash().decode())
        self.assertTrue("second" in events.last_line(events.crash()))

    def test_the_last_frames_stand_beside_it_and_do_not_write_it_again(self):
        if not hasattr(sys, "print_exception"):
            sys.print_exception = lambda error, file: file.write(repr(error))
        for i in range(20):
            events.frame("plan 3:{} rc 0".format(i))
        events.crashed(ValueError("one"))
        first = events.crash()
        self.assertIn("plan 3:19 rc 0", first.decode())
        self.assertFalse("plan 3:13" in first.decode())
        events.frame("clock 3:20 rc 0")
        events.crashed(ValueError("one"))
        self.assertEqual(events.crash(), first)
        self.assertFalse("plan" in events.last_line(first))

    def test_a_line_for_the_link_from_whatever_stands_there(self):
        for raw in (b"", b"\n\n", b"\xff" * 900, b"\n".join([b"x" * 300] * 3), events._FRAMES):
            line = events.last_line(raw)
            self.assertTrue(len(line) <= 80 and all(" " <= c <= "~" for c in line), line)


if __name__ == "__main__":
    unittest.main()
