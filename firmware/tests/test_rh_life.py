"""Counts of a contactor's life survive whatever ends a program."""

import os
import unittest

from board_fixtures import remove
from rh import life, store
from rh.life import AHEAD, Life
from test_rh_power_cut import each_cut, vfs
from test_rh_power_cut import made as made_image


class Relay:
    on = False


class Zone:
    def __init__(self, name):
        self.id = name
        self.relay = Relay()


class Counts(unittest.TestCase):
    def setUp(self):
        self.tearDown()
        self.zones = [Zone("z01"), Zone("z02")]

    def tearDown(self):
        for path in (life.PATH, life.COPY):
            remove(path, path + ".new")

    def start(self, *names):
        return Life(list(names) or ["z01", "z02"])

    def run_for(self, made, on_s, off_s, zone=0):
        for on, seconds in ((True, on_s), (False, off_s)):
            self.zones[zone].relay.on = on
            for _ in range(seconds):
                made.follow(self.zones)

    def test_counted_and_kept_over_a_start(self):
        made = self.start()
        for _ in range(AHEAD[0] + 1):
            self.run_for(made, 300, 10)
        self.assertEqual((made.switchings["z01"], made.on_s["z01"]), (5, 1_500))
        self.assertEqual((made.switchings["z02"], made.on_s["z02"]), (0, 0))
        again = self.start()
        self.assertEqual(again.switchings["z01"], AHEAD[0])
        self.assertTrue(1_500 - again.on_s["z01"] < AHEAD[1])
        self.run_for(again, AHEAD[1], 1, zone=1)
        self.assertEqual(self.start().on_s["z02"], AHEAD[1])
        self.assertEqual(again.said(self.zones), [(4, 0), (1, 0)])

    def test_either_record_is_enough(self):
        made = self.start()
        self.run_for(made, AHEAD[1], 1)
        for path in (life.PATH, life.COPY):
            with open(path, "rb") as f:
                raw = f.read()
            for torn in (raw[:-3], b""):
                with open(path, "wb") as f:
                    f.write(torn)
                self.assertEqual(self.start().on_s["z01"], AHEAD[1])
            with open(path, "wb") as f:
                f.write(raw)

    def test_records_of_odd_form_begin_anew(self):
        for rows in (None, 5, [[]], [["z01", -1, 0]], [["z01", 0, 1 << 40]], [["z01", True, 0]], [["z01", "1", 0]]):
            for path in (life.PATH, life.COPY):
                store.save(path, {"z": rows})
            self.assertEqual(self.start().on_s, {"z01": 0, "z02": 0}, repr(rows))

    def test_flash_that_takes_nothing(self):
        keep = store.save

        def full(path, record):
            raise OSError(28)

        made = self.start()
        store.save = full
        try:
            self.run_for(made, AHEAD[1] + 5, 1)
        finally:
            store.save = keep
        self.assertFalse(life.PATH in os.listdir())
        self.run_for(made, AHEAD[1], 1)
        self.assertEqual(self.start().on_s["z01"], 2 * AHEAD[1])

    def test_a_zone_that_comes_back_goes_on(self):
        made = self.start()
        self.run_for(made, AHEAD[1], 1)
        other = self.start("z07")
        other.save()
        self.assertEqual(self.start().on_s["z01"], AHEAD[1])


class Cuts(unittest.TestCase):
    def test_old_or_new(self):
        """Power cut at every flash operation of a write."""

        def count(n):
            made = Life(["z01"])
            made.switchings["z01"], made.on_s["z01"] = n, 10 * n
            made.save()

        def look():
            made = Life(["z01"])
            self.assertIn((made.switchings["z01"], made.on_s["z01"]), ((7, 70), (8, 80)))

        each_cut(made_image(lambda: count(7)), lambda: count(8), look)


if vfs is None:
    del Cuts


if __name__ == "__main__":
    unittest.main()
