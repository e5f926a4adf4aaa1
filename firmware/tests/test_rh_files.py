"""config.json, limits.json and ca.der with and without seal: never half of one, the last good copy, sealing once."""

import json
import os
import unittest

from board_fixtures import CONFIG, LIMITS, remove
from rh import check, seal, store, strict
from rh.check import ConfigError

FILES = ("config.json", "limits.json", "ca.der")
CA = b"\x30\x82\x01\x00" + bytes(range(256))
SAFE = dict(CONFIG, earth_pin=13, lock_pin=14)  # what must not get lost stands last
OTHER = dict(SAFE, board="b02")


def text(raw):
    return json.dumps(raw).encode()


def write(path, raw):
    with open(path, "wb") as f:
        f.write(raw)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def wipe():
    for path in FILES:
        remove(path, path + ".old", path + ".new")


class Case(unittest.TestCase):
    def setUp(self):
        wipe()

    def tearDown(self):
        wipe()

    def plain(self):
        """As boards of the last release have them."""
        write("config.json", text(SAFE))
        write("limits.json", text(LIMITS))
        write("ca.der", CA)

    def refused(self, path="config.json", accept=False):
        with self.assertRaises(ConfigError) as raised:
            check.load(accept=accept)
        self.assertEqual(raised.exception.args[:2], (path, "file"))
        return raised.exception.args[3]


class Sealing(Case):
    def test_files_without_a_seal_are_taken_once_and_sealed(self):
        self.plain()
        config, limits = check.load()
        self.assertEqual((config.earth_pin, config.lock_pin, config.stale, limits.t_max_mc), (13, 14, "", 15_000))
        for path, content in (("config.json", text(SAFE)), ("limits.json", text(LIMITS)), ("ca.der", CA)):
            self.assertEqual(read(path), seal.sealed(content))
            self.assertEqual(read(path + ".old"), seal.sealed(content))

    def test_sealed_files_are_written_no_more(self):
        self.plain()
        check.load()
        written = []
        keep, seal.replace = seal.replace, lambda path, raw: written.append(path)
        try:
            check.load()
        finally:
            seal.replace = keep
        self.assertEqual(written, [])

    def test_without_a_seal_a_second_time_the_last_good_copy_is_used(self):
        self.plain()
        check.load()
        write("config.json", text(OTHER))
        for _ in range(2):
            config, _ = check.load()
            self.assertEqual((config.board, bool(config.stale)), ("b01", True))
        self.assertEqual(read("config.json"), text(OTHER))

    def test_a_person_can_accept_a_file_changed_by_hand(self):
        self.plain()
        check.load()
        write("config.json", text(OTHER))
        self.assertEqual(check.load(accept=True)[0].board, "b02")
        config, _ = check.load()
        self.assertEqual((config.board, config.stale), ("b02", ""))
        write("config.json", text(OTHER)[:-1])
        self.assertIn("ends too early", self.refused(accept=True))
        self.assertEqual(check.load()[0].board, "b02")

    def test_a_new_sealed_file_counts_and_becomes_the_last_good_one(self):
        self.plain()
        check.load()
        write("config.json", seal.sealed(text(OTHER)))
        config, _ = check.load()
        self.assertEqual((config.board, config.stale), ("b02", ""))
        self.assertEqual(read("config.json.old"), seal.sealed(text(OTHER)))

    def test_a_sealed_file_that_does_not_pass_leaves_the_last_good_one_in_force(self):
        """Whatever is wrong with it; which file and key, but never a value, goes to the supervisor."""
        self.plain()
        check.load()
        zones = [dict(SAFE["zones"][0], relay_pin=34)] + SAFE["zones"][1:]
        for changed, key in (
            ({"port": 0}, "port"),
            ({"zones": zones}, "zones[0].relay_pin"),
            ({"zones": []}, "zones"),
            ({"earth_pin": 25}, "zones[0].relay_pin"),
            ({"unknown": 1}, "unknown"),
            ({"wifi": {"ssid": "x", "password": "secret" * 20}}, "wifi.password"),
            ({"board": "\xe9" * 30}, "board"),
        ):
            new = seal.sealed(text(dict(SAFE, **changed)))
            write("config.json", new)
            config, _ = check.load()
            self.assertEqual((config.board, config.port, config.earth_pin), (SAFE["board"], SAFE["port"], 13))
            self.assertTrue(config.stale.startswith("config.json " + key), config.stale)
            self.assertTrue(len(config.stale) <= 100 and "secret" not in config.stale)
            self.assertEqual(read("config.json.old"), seal.sealed(text(SAFE)))
            self.assertEqual(read("config.json"), new, "it stays for whoever mends it")

    def test_limits_that_do_not_pass_leave_the_last_good_ones_in_force(self):
        self.plain()
        check.load()
        write("limits.json", seal.sealed(text(dict(LIMITS, t_max_mc=90_000))))
        config, limits = check.load()
        self.assertEqual(limits.t_max_mc, 15_000)
        self.assertTrue(config.stale.startswith("limits.json t_max_mc"), config.stale)

    def test_what_a_person_accepts_must_pass(self):
        self.plain()
        check.load()
        write("config.json", text(dict(SAFE, port=0)))
        with self.assertRaises(ConfigError) as raised:
            check.load(accept=True)
        self.assertEqual(raised.exception.args[1], "port")

    def test_without_a_last_good_copy_the_board_stays_off(self):
        self.plain()
        write("config.json", seal.sealed(text(dict(SAFE, port=0))))
        with self.assertRaises(ConfigError) as raised:
            check.load()
        self.assertEqual(raised.exception.args[1], "port")

    def test_a_file_without_a_seal_that_does_not_pass_is_not_sealed(self):
        self.plain()
        write("config.json", text(dict(SAFE, port=0)))
        with self.assertRaises(ConfigError):
            check.load()
        self.assertEqual(read("config.json"), text(dict(SAFE, port=0)))

    def test_same_content_without_a_seal_is_sealed_again(self):
        self.plain()
        check.load()
        write("config.json", text(SAFE))
        self.assertFalse(check.load()[0].stale)
        self.assertEqual(read("config.json"), seal.sealed(text(SAFE)))

    def test_flash_that_takes_nothing_does_not_stop_the_heat(self):
        def full(path, raw):
            raise OSError(28)

        self.plain()
        keep, seal.replace = seal.replace, full
        try:
            self.assertEqual(check.load()[0].board, "b01")
        finally:
            seal.replace = keep

    def test_a_missing_file_falls_back(self):
        self.plain()
        check.load()
        for path in FILES:
            remove(path)
        self.assertEqual(check.load()[0].earth_pin, 13)
        wipe()
        self.assertIn("missing", self.refused())

    def test_checking_leaves_nothing_in_memory(self):
        import rh

        self.plain()
        check.load()
        self.assertFalse(hasattr(rh, "settle") or hasattr(rh, "strict") or hasattr(rh, "pins"))


class Torn(Case):
    def test_unsealed_at_every_byte(self):
        """MicroPython's parser takes an object without end: the earth-fault input used to go missing without a word."""
        for path, content in (("config.json", text(SAFE)), ("limits.json", text(LIMITS))):
            for n in range(len(content)):
                self.assertTrue(strict.fault(content[:n]), "{} bytes of {}".format(n, path))
            for n in range(0, len(content), 97):
                wipe()
                self.plain()
                write(path, content[:n])
                self.refused(path)
                self.assertFalse(path + ".old" in os.listdir())

    def test_sealed_at_every_byte_on_a_new_board(self):
        for path, content in (("config.json", text(SAFE)), ("limits.json", text(LIMITS))):
            whole = seal.sealed(content)
            for n in range(len(whole)):
                if whole[:n].strip() == content:
                    continue  # all of it is there
                write(path, whole[:n])
                got, why, old = seal.pick(path)
                self.assertTrue(got is None or strict.fault(got), "{} bytes of {}".format(n, path))
                self.assertTrue(why and not old)

    def test_sealed_at_every_byte_leaves_the_last_good_copy_in_force(self):
        self.plain()
        check.load()
        for path, content, other in (
            ("config.json", text(SAFE), text(OTHER)),
            ("limits.json", text(LIMITS), text(dict(LIMITS, t_max_mc=16_000))),
            ("ca.der", CA, CA[:-1] + b"\0"),
        ):
            whole = seal.sealed(other)
            for n in range(len(whole)):
                write(path, whole[:n])
                got, why, old = seal.pick(path)
                self.assertEqual((got, old), (content, True))
                self.assertTrue(why)
                if n % 97 == 0:
                    config, limits = check.load()
                    self.assertEqual((config.board, config.earth_pin, limits.t_max_mc), ("b01", 13, 15_000))
                    self.assertTrue(config.stale)
            write(path, seal.sealed(content))

    def test_each_flipped_byte_is_noticed(self):
        self.plain()
        check.load()
        whole = read("config.json")
        for at in range(len(whole)):
            write("config.json", whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            got, _, _ = seal.pick("config.json")
            self.assertEqual(got, text(SAFE))

    def test_a_file_too_long_for_memory_is_not_read(self):
        """Reading it whole ended each start with MemoryError, and a reset."""
        self.plain()
        check.load()
        for path in FILES:
            write(path, read(path) + b" " * 100_000)
            got, why, old = seal.pick(path)
            self.assertTrue(got and old and "long" in why)
        self.assertEqual(check.load()[0].earth_pin, 13)

    def test_newest_and_last_good_copy_damaged(self):
        self.plain()
        check.load()
        for path in ("config.json", "config.json.old"):
            write(path, read(path)[:-3])
        self.assertIn("damaged", self.refused())

    def test_no_seal_and_a_damaged_last_good_copy(self):
        self.plain()
        check.load()
        for damaged in (b"", read("config.json.old")[:-3], text(SAFE)[:-1], text(SAFE)):
            write("config.json", text(OTHER))
            write("config.json.old", damaged)
            self.assertIn("no seal", self.refused())
        self.assertEqual(check.load(accept=True)[0].board, "b02")

    def test_authority_cut_short_does_not_stop_the_heat(self):
        for n in (0, 1, 2, 3, 4, 100, len(CA) - 1):
            wipe()
            self.plain()
            write("ca.der", CA[:n])
            self.assertEqual(check.load()[0].board, "b01")
            self.assertFalse("ca.der.old" in os.listdir())
        write("ca.der", CA + b"\0")
        check.load()
        self.assertFalse("ca.der.old" in os.listdir())

    def test_an_authority_of_less_than_128_bytes(self):
        self.plain()
        write("ca.der", b"\x30\x03abc")
        check.load()
        self.assertEqual(read("ca.der"), seal.sealed(b"\x30\x03abc"))


class Strict(unittest.TestCase):
    def test_what_the_parser_lets_through(self):
        for raw in (
            b'{"a": 1',
            b'{"a": 1, "a": 2}',
            b'{"a": {"b": 1, "b": null}}',
            b'{"a": [1 2]}',
            b'{"a" 1}',
            b'{"a": 1,}',
            b'{"a": nul}',
            b'{"a": 1} x',
            b'{"a": 1}{}',
            b'{"a": "x',
            b'{"a": "x\\"}',
            b"{a: 1}",
            b"[1]",
            b"",
            b"   ",
            b"{" * 3000,
            b'{"a":' + b"[" * 3000,
        ):
            self.assertTrue(strict.fault(raw), repr(raw))

    def test_what_is_right(self):
        for raw in (
            b"{}",
            b' {"a": [], "b": {}, "c": [1, -2, 3.5e-1, true, false, null]}\r\n',
            b'{"ssid": "\\uc5b8\\ub355 \\"\\\\", "b": "\xec\x96\xb8\xeb\x8d\x95"}',
        ):
            self.assertEqual(strict.fault(raw), "", repr(raw))


class Fingerprint(Case):
    def test_covers_what_decides(self):
        self.plain()
        check.load()
        os.mkdir("rh")
        os.mkdir("drivers")
        try:
            first = store.fingerprint(False)
            for path in FILES:
                for name in (path, path + ".old"):
                    raw = read(name)
                    write(name, raw[:-1] + b"!")
                    self.assertTrue(store.fingerprint(False) != first, name)
                    write(name, raw)
            self.assertEqual(store.fingerprint(False), first)
        finally:
            os.rmdir("rh")
            os.rmdir("drivers")


if __name__ == "__main__":
    unittest.main()
