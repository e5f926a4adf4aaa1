"""Signed limits: by a key of the board, for it, and never older ones; else the ones in force stay."""

import json
import unittest

from board_fixtures import CONFIG, remove
from rh import check, limitsfile, seal, signed
from rh.check import ConfigError
from signed_fixtures import (
    FIRST,
    NO_VERSION,
    OTHER_BOARD,
    SECOND,
    TORN,
    VERSION_1,
    VERSION_2,
    VERSION_2_ELSE,
    VERSION_3,
)

FILES = ("config.json", "limits.json", "ca.der", signed.KEYS)
CA = b"\x30\x82\x01\x00" + bytes(range(256))
PLAIN = signed.text_of(VERSION_1)
CONFIG_TEXT = json.dumps(CONFIG).encode()
WIDENED = VERSION_1.replace(b'"t_max_mc": 15000', b'"t_max_mc": 20000')


def wipe():
    for path in FILES:
        remove(path, path + ".old", path + ".new")


def put(path, content):
    with open(path, "wb") as f:
        f.write(seal.sealed(content))


def start(keys=FIRST + SECOND, limits=VERSION_1):
    put("config.json", CONFIG_TEXT)
    put("ca.der", CA)
    put("limits.json", limits)
    if keys:
        put(signed.KEYS, keys)


class Case(unittest.TestCase):
    def setUp(self):
        wipe()

    def tearDown(self):
        wipe()

    def stale(self):
        """Whether the last good copy is in force."""
        return check.load()[0].stale


class AtBoot(Case):
    def test_signed_limits_are_taken_and_kept(self):
        start()
        self.assertFalse(self.stale())
        self.assertEqual(seal.load("limits.json.old"), (VERSION_1, ""))
        self.assertEqual(seal.load(signed.KEYS + ".old"), (FIRST + SECOND, ""))

    def test_newer_ones_by_either_key_replace_them(self):
        start()
        check.load()
        for newer in (VERSION_2, VERSION_3):
            put("limits.json", newer)
            self.assertFalse(self.stale())
            self.assertEqual(seal.load("limits.json.old"), (newer, ""))

    def test_whatever_else_leaves_the_old_ones_in_force(self):
        start(limits=VERSION_2)
        check.load()
        by_a_stranger = VERSION_3
        put(signed.KEYS, FIRST)  # the second key is given up
        for wrong in (PLAIN, WIDENED, VERSION_1, VERSION_2_ELSE, OTHER_BOARD, NO_VERSION, TORN, by_a_stranger):
            put("limits.json", wrong)
            config, limits = check.load()
            self.assertTrue(config.stale, repr(wrong[:40]))
            self.assertEqual((limits.t_max_mc, limits.local_duty_permille), (15_000, 1_000))
            self.assertEqual(seal.load("limits.json.old"), (VERSION_2, ""))

    def test_with_nothing_signed_the_board_stays_off(self):
        for wrong in (PLAIN, WIDENED, OTHER_BOARD):
            wipe()
            start(limits=wrong)
            with self.assertRaises(ConfigError) as raised:
                check.load()
            self.assertIn("signed", str(raised.exception))

    def test_a_person_at_the_console_cannot_accept_unsigned_ones(self):
        start(limits=PLAIN)
        with self.assertRaises(ConfigError):
            check.load(accept=True)

    def test_without_keys_a_signature_is_not_asked_for(self):
        for content in (PLAIN, VERSION_1, OTHER_BOARD):
            wipe()
            start(keys=b"", limits=content)
            self.assertFalse(self.stale())

    def test_damaged_keys_are_not_taken_for_none(self):
        start(limits=PLAIN)
        with open(signed.KEYS, "wb") as f:
            f.write(seal.sealed(FIRST)[:-3])
        with self.assertRaises(ConfigError) as raised:
            check.load()
        self.assertIn("nothing can be verified", str(raised.exception))

    def test_modules_of_the_check_leave_the_memory(self):
        import sys

        start()
        check.load()
        self.assertFalse([name for name in ("rh.limitsfile", "rh.settle") if name in sys.modules])


class Examined(Case):
    """Before new files replace those in force."""

    def examine(self, limits, keys=b""):
        files = {"config.json": CONFIG_TEXT, "limits.json": limits}
        if keys:
            files[signed.KEYS] = keys
        return limitsfile.examine(files)

    def test_by_the_keys_of_the_board(self):
        start(limits=VERSION_2)
        check.load()
        self.assertEqual(self.examine(VERSION_3), signed.text_of(VERSION_3))
        self.assertEqual(self.examine(VERSION_2), signed.text_of(VERSION_2), "the same once more")
        for wrong in (PLAIN, WIDENED, VERSION_1, VERSION_2_ELSE, OTHER_BOARD, NO_VERSION, TORN):
            with self.assertRaises(ConfigError):
                self.examine(wrong)

    def test_by_keys_that_come_with_them(self):
        start(keys=b"", limits=PLAIN)
        check.load()
        self.assertEqual(self.examine(PLAIN), PLAIN)
        self.assertEqual(self.examine(VERSION_3, SECOND), signed.text_of(VERSION_3))
        for limits, keys in ((VERSION_3, FIRST), (PLAIN, FIRST), (VERSION_1, FIRST[:-1])):
            with self.assertRaises(ConfigError):
                self.examine(limits, keys)


if __name__ == "__main__":
    unittest.main()
