"""Saving a file: power cut at every step, flipped bits, damaged state."""

import unittest

from board_fixtures import STATE, remove, state
from rh import store
from rh.codes import EARTH_FAULT, LATCHED
from rh.state import State


class Power(unittest.TestCase):
    """Power cut at every step of a save: old or new, never neither."""

    def tearDown(self):
        remove("p.json", "p.json.new")

    def test_cut_at_every_byte_of_the_write(self):
        store.save("p.json", {"n": 1})
        with open("p.json", "rb") as f:
            old = f.read()
        store.save("p.json", {"n": 22})
        with open("p.json", "rb") as f:
            new = f.read()
        for cut in range(len(new)):
            with open("p.json", "wb") as f:
                f.write(old)
            with open("p.json.new", "wb") as f:
                f.write(new[:cut])
            self.assertEqual(store.load("p.json"), {"n": 1})

    def test_every_flipped_bit_is_noticed(self):
        store.save("p.json", {"n": 22, "ov": []})
        with open("p.json", "rb") as f:
            raw = f.read()
        for i in range(len(raw)):
            for bit in (1, 0x80):
                damaged = raw[:i] + bytes([raw[i] ^ bit]) + raw[i + 1 :]
                with open("p.json", "wb") as f:
                    f.write(damaged)
                with self.assertRaises(store.Damaged):
                    store.load("p.json")

    def test_damaged_state_latches_every_zone(self):
        one = state()
        one.save()
        with open(STATE, "r+b") as f:
            f.seek(40)
            f.write(b"X")
        again = State(["z01"], STATE)
        self.assertTrue(again.damaged)
        self.assertTrue(again.latched["z01"])
        remove(STATE)

    def test_a_latch_without_a_name_here_latches_its_zone_alone(self):
        """A later program wrote it before it was left; its sequence and the other zones are as it left them."""
        one = state()
        one.latched["z01"] = 1 << 14 | EARTH_FAULT
        one.q = 7
        one.save()
        again = State(["z01", "z02"], STATE)
        self.assertFalse(again.damaged)
        self.assertEqual((again.q, again.latched), (7, {"z01": EARTH_FAULT | LATCHED, "z02": 0}))
        remove(STATE)

    def test_never_written_is_a_first_boot(self):
        one = state()
        self.assertEqual((one.boot, one.ep, one.q, one.damaged), (1, 0, 0, False))


if __name__ == "__main__":
    unittest.main()
