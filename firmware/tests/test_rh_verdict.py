"""Where a list cannot be verified beside the link, the next start does it: once, and for that program alone."""

import os
import unittest

import rh
from rh import signed, slot, store, update, verdict, verify
from test_rh_update import NEW, Case, hexes, listed
from test_rh_update import SIGNATURE as SIGNED


class Verdicts(Case):
    def setUp(self):
        Case.setUp(self)
        self.listing = listed()
        self.identity = hexes(self.listing)

    def tearDown(self):
        Case.tearDown(self)
        verdict.withdraw()
        update.remove(update.LIST_NEW)

    def starved(self):
        """An attempt to fetch on a board that has no memory for verifying."""

        def none(data, signature, keys):
            raise MemoryError

        keep, signed.verified = signed.verified, none
        made = update.Update(NEW, self.identity, len(self.listing))
        try:
            with self.assertRaises(OSError):
                self.fetch(self.listing, made=made)
        finally:
            signed.verified = keep
        self.assertTrue(made.restart)
        self.assertFalse(made.ready or made.why)

    def test_the_next_start_answers_and_the_update_goes_on(self):
        self.starved()
        verdict.settle()
        self.assertTrue(verdict.given(self.identity, "a") > 0)
        asked = self.asked
        self.assertTrue(self.fetch(self.listing).ready)
        self.assertTrue(self.asked > asked, "the files")
        self.assertFalse(verdict.PATH in os.listdir())
        self.assertFalse(verdict.SIGNATURE in os.listdir())

    def test_a_refusal_is_said(self):
        self.starved()
        signed.verified = lambda data, signature, keys: False
        verdict.settle()
        made = self.fetch(self.listing)
        self.assertEqual((made.ready, made.why), (False, "not signed by a key of this board"))
        self.assertFalse(verdict.PATH in os.listdir())

    def test_a_list_that_is_damaged_meanwhile_is_refused(self):
        self.starved()
        with open(update.LIST_NEW, "ab") as f:
            f.write(b"x")
        verdict.settle()
        with self.assertRaises(verdict.Refused):
            verdict.given(self.identity, "a")

    def test_an_answer_is_for_one_program_slot_and_version(self):
        self.starved()
        verdict.settle()
        self.assertIsNone(verdict.given("0" * 64, "a"))
        self.assertIsNone(verdict.given(self.identity, "b"))
        keep, rh.VERSION = rh.VERSION, "9.9.9"
        try:
            self.assertIsNone(verdict.given(self.identity, "a"))  # another program runs since
        finally:
            rh.VERSION = keep

    def test_a_start_that_ends_while_it_answers_is_not_repeated_for_ever(self):
        self.starved()

        def ends(path, identity, version, place):
            raise MemoryError

        keep, verdict.judge = verdict.judge, ends
        try:
            for _ in range(verdict.TRIES_MAX + 1):
                self.assertIsNone(verdict.given(self.identity, "a"))
                verdict.settle()
                if _ < verdict.TRIES_MAX:
                    verdict.ask(update.LIST_NEW, self.identity, NEW, "a")  # the board asks again: the count stays
        finally:
            verdict.judge = keep
        with self.assertRaises(verdict.Refused):
            verdict.given(self.identity, "a")

    def test_a_torn_question_is_none(self):
        self.starved()
        with open(verdict.PATH, "wb") as f:
            f.write(b"torn")
        verdict.settle()
        self.assertIsNone(verdict.given(self.identity, "a"))

    def test_the_slot_of_before_stays_until_there_is_an_answer(self):
        self.starved()
        self.assertFalse("a" in os.listdir())
        self.assertEqual(slot.load()["run"], "")
        self.assertEqual(store.load(verdict.PATH)["total"], 0)
        self.assertTrue(verify.SPARE > 0 and len(SIGNED) == update.SIGNATURE)


if __name__ == "__main__":
    unittest.main()
