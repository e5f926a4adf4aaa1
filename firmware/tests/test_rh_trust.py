"""Authority and key renewed by the supervisor: kept whole, out of force once the board is provisioned again."""

import unittest
from binascii import b2a_base64

from board_fixtures import config, remove
from command_fixtures import CommandCase
from rh import trust
from rh.codes import MALFORMED, OK, STALE_SEQUENCE, STORE_FAILED
from rh.commands import nothing

NEW_KEY = "5a" * 32


def der(fill):
    """The outside of a certificate, 400 bytes long."""
    return b"\x30\x82\x01\x8c" + bytes([fill]) * 396


PINNED, NEXT, OTHER = der(1), der(2), der(3)


def text(raw):
    return b2a_base64(raw).strip().decode()


def message(ca=b"", only=0, key=""):
    return {"ca": text(ca) if ca else "", "only": only, "key": key}


class Trust(unittest.TestCase):
    def setUp(self):
        self.config = config()
        self.tearDown()

    def tearDown(self):
        remove(trust.PATH, trust.COPY, trust.PATH + ".new", trust.COPY + ".new")

    def accept(self, *args, **named):
        return trust.accept(message(*args, **named), self.config, PINNED)

    def test_nothing_renewed(self):
        self.assertEqual(trust.authorities(PINNED), [PINNED])
        self.assertEqual(trust.key(self.config), self.config.key)

    def test_a_further_authority_then_it_alone(self):
        self.assertTrue(self.accept(NEXT))
        self.assertEqual(trust.authorities(PINNED), [PINNED, NEXT])
        self.assertFalse(self.accept(OTHER, only=1), "only what is kept already can be the only one")
        self.assertTrue(self.accept(NEXT, only=1))
        self.assertEqual(trust.authorities(PINNED), [NEXT])

    def test_a_second_renewal_replaces_the_first(self):
        self.accept(NEXT)
        self.accept(NEXT, only=1)
        self.assertTrue(self.accept(OTHER))
        self.assertEqual(trust.authorities(PINNED), [PINNED, OTHER])

    def test_a_key_and_an_authority_do_not_disturb_each_other(self):
        self.accept(NEXT)
        self.assertTrue(self.accept(key=NEW_KEY))
        self.assertEqual(trust.key(self.config), bytes([0x5A]) * 32)
        self.assertEqual(trust.authorities(PINNED), [PINNED, NEXT])

    def test_provisioned_again_counts(self):
        self.accept(NEXT, key=NEW_KEY)
        self.assertEqual(trust.authorities(OTHER), [OTHER])
        self.config.key = bytes([7]) * 32
        self.assertEqual(trust.key(self.config), self.config.key)

    def test_what_makes_no_sense_changes_nothing(self):
        self.accept(NEXT)
        whole = message(OTHER)
        for wrong in (
            {"ca": 5},
            {"ca": None},
            {"only": 2},
            {"only": True},
            {"key": "5a"},
            {"key": "00" * 32},
            {"key": "zz" * 32},
            {"key": 7},
            {"ca": text(OTHER[:-1])},
            {"ca": text(OTHER + b"\0")},
            {"ca": "%%%"},
            {"ca": text(b"\x30\x82\x03\x8c" + bytes(908))},
        ):
            self.assertFalse(trust.accept(dict(whole, **wrong), self.config, PINNED), repr(wrong))
            self.assertEqual(trust.authorities(PINNED), [PINNED, NEXT])
            self.assertEqual(trust.key(self.config), self.config.key)

    def test_damaged_records_leave_the_copy_and_then_what_was_provisioned(self):
        self.accept(NEXT, key=NEW_KEY)
        for path, left in ((trust.PATH, [PINNED, NEXT]), (trust.COPY, [PINNED])):
            with open(path, "rb") as f:
                raw = f.read()
            with open(path, "wb") as f:
                f.write(raw[:-9])
            self.assertEqual(trust.authorities(PINNED), left)
        self.assertEqual(trust.key(self.config), self.config.key)


class Command(CommandCase):
    def trust(self, **changed):
        return self._typed(0, dict(message(NEXT), t="trust", **changed))

    def test_carried_out_said_and_followed_by_a_new_session(self):
        seen = []
        self.commands._others["trust"] = lambda m: seen.append(m["ca"]) or (OK, nothing)
        self.assertEqual(self.trust(), OK)
        self.assertEqual(seen, [text(NEXT)])
        self.assertTrue(self.commands.renewed)

    def test_refused_or_not_kept(self):
        self.commands._others["trust"] = lambda m: (MALFORMED, nothing)
        self.assertEqual(self.trust(), MALFORMED)

        def full(m):
            raise OSError(28)

        self.commands._others["trust"] = full
        self.assertEqual(self.trust(), STORE_FAILED)
        self.assertFalse(self.commands.renewed)
        self.reboot()
        self.q -= 1
        self.assertEqual(self.trust(), STALE_SEQUENCE, "part of it may have been carried out")

    def test_not_carried_out_before_its_sequence_is_stored(self):
        seen = []
        self.commands._others["trust"] = lambda m: seen.append(m["ca"]) or (OK, nothing)

        def full():
            raise OSError(28)

        self.state.save = full
        self.assertEqual(self.trust(), STORE_FAILED)
        self.assertEqual(seen, [])


if __name__ == "__main__":
    unittest.main()
