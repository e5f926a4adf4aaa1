"""Signatures by keys of an engineer: either of two counts, and nothing else does.

tools/tests compares both sides with fresh keys.
"""

import os
import unittest

from board_fixtures import remove
from rh import seal, signed
from signed_fixtures import BY_FIRST, BY_SECOND, FIRST, SECOND, TEXT
from signed_fixtures import file as signed_file

KEYS = [FIRST, SECOND]
DATA = signed.LIMITS + b"\n" + TEXT


def file(signature=BY_FIRST):
    return signed_file(TEXT, signature)


def changed(raw, at):
    """One bit of `raw` turned over."""
    made = bytearray(raw)
    made[at] ^= 1
    return bytes(made)


class Signature(unittest.TestCase):
    def test_either_key_counts(self):
        self.assertTrue(signed.verified(DATA, BY_FIRST, KEYS))
        self.assertTrue(signed.verified(DATA, BY_SECOND, KEYS))
        self.assertFalse(signed.verified(DATA, BY_SECOND, [FIRST]))
        self.assertFalse(signed.verified(DATA, BY_FIRST, []))

    def test_a_bit_of_text_or_signature_decides(self):
        for at in (0, len(DATA) - 1):
            self.assertFalse(signed.verified(changed(DATA, at), BY_FIRST, KEYS))
        for at in (0, 200, 383):
            self.assertFalse(signed.verified(DATA, changed(BY_FIRST, at), KEYS))

    def test_numbers_that_are_no_signature(self):
        for wrong in (b"", bytes(384), b"\xff" * 384, bytes(383) + b"\x01", FIRST, BY_FIRST[:-1], BY_FIRST + b"\0"):
            self.assertFalse(signed.verified(DATA, wrong, KEYS), repr(wrong[:4]))

    def test_a_signature_plus_the_modulus_is_another_one(self):
        number = int.from_bytes(BY_FIRST, "big") + int.from_bytes(FIRST, "big")
        self.assertFalse(signed.verified(DATA, number.to_bytes(384, "big"), KEYS))

    def test_keys_that_are_none(self):
        for wrong in (b"", FIRST[:-1], bytes(384), bytes([0x7F]) + FIRST[1:]):
            self.assertFalse(signed.verified(DATA, BY_FIRST, [wrong]))


class File(unittest.TestCase):
    def test_opened_for_its_purpose_only(self):
        self.assertEqual(signed.opened(file(), signed.LIMITS, KEYS), TEXT)
        self.assertEqual(signed.opened(file(BY_SECOND), signed.LIMITS, KEYS), TEXT)
        self.assertIsNone(signed.opened(file(), b"roadheat update", KEYS))

    def test_what_is_not_signed(self):
        for wrong in (
            b"",
            TEXT,
            file()[:-1],
            file()[:-2] + b"\n",
            file() + b"\n",
            file().replace(b"1}", b"2}"),
            TEXT + b"\n#signed zz\n",
            TEXT + b"\n#signed " + b"zz" * 384 + b"\n",
            TEXT + b"\n#signed \n",
            TEXT + b"\n#signed",
            file() + b"#signed 00\n",
        ):
            self.assertEqual(signed.opened(wrong, signed.LIMITS, KEYS), None, repr(wrong[-9:]))


class Pinned(unittest.TestCase):
    def setUp(self):
        self.tearDown()

    def tearDown(self):
        remove(signed.KEYS, signed.KEYS + seal.OLD, signed.KEYS + ".new")

    def write(self, raw, name=signed.KEYS):
        with open(name, "wb") as f:
            f.write(raw)

    def test_none_one_or_two(self):
        self.assertEqual(signed.pinned(), [])
        for keys in ([FIRST], KEYS):
            self.write(seal.sealed(b"".join(keys)))
            self.assertEqual(signed.pinned(), keys)

    def test_what_cannot_be_used_is_not_taken_for_none(self):
        for raw in (
            FIRST,  # no seal
            seal.sealed(b""),
            seal.sealed(FIRST[:-1]),
            seal.sealed(FIRST * 3),
            seal.sealed(FIRST)[:-1],
        ):
            self.write(raw)
            with self.assertRaises(signed.Damaged):
                signed.pinned()

    def test_the_last_good_copy_serves(self):
        self.write(seal.sealed(FIRST), signed.KEYS + seal.OLD)
        self.write(seal.sealed(SECOND)[:-5])
        self.assertEqual(signed.pinned(), [FIRST])
        os.remove(signed.KEYS)
        self.assertEqual(signed.pinned(), [FIRST])


if __name__ == "__main__":
    unittest.main()
