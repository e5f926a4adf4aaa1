"""Power cut at every flash operation of sealing, of a new configuration, of the state, of the journal and of renewed
trust: old or new, never neither.

On the file system that the chip uses, so in the VM only; elsewhere there is nothing to run.
"""

import json
import os
import unittest
from binascii import b2a_base64
from struct import pack

from board_fixtures import CONFIG, LIMITS
from rh import check, seal, trust
from rh.codes import CABLE_BROKEN
from rh.journal import FLUSH, SEGMENT, SEGMENTS_MAX, Journal
from rh.state import State

try:
    import vfs
except ImportError:  # CPython
    vfs = None

BLOCK = 512
BLOCKS = 96
TEARS = (0, 1, 2, 3)  # quarters of the operation that still reach the flash
FILES = ("config.json", "limits.json", "ca.der")
CA = b"\x30\x82\x01\x00" + bytes(range(256))
OLD = dict(CONFIG, earth_pin=13, lock_pin=14)
NEW = dict(OLD, board="b02")


class PowerCut(Exception):
    pass


class Flash:
    """RAM that fails for good at an operation, part of which is still written."""

    def __init__(self, image=None):
        self.image = bytearray(image) if image else bytearray(BLOCK * BLOCKS)
        self.left = -1  # operations until the cut
        self.tear = 0
        self.writes = 0

    def readblocks(self, n, buf, offset=0):
        at = n * BLOCK + offset
        buf[:] = self.image[at : at + len(buf)]

    def writeblocks(self, n, buf, offset=0):
        at = n * BLOCK + offset
        self.writes += 1
        if self.left == 0:
            part = len(buf) * self.tear // 4
            self.image[at : at + part] = buf[:part]
            self.tear = 0
            raise OSError(5)
        if self.left > 0:
            self.left -= 1
        self.image[at : at + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK
        return 0


def on(flash, call):
    """`call()` in the root of the file system on `flash`."""
    vfs.mount(vfs.VfsLfs2(flash), "/cut")
    os.chdir("/cut")
    try:
        return call()
    finally:
        os.chdir("/")
        vfs.umount("/cut")


def write(path, raw):
    with open(path, "wb") as f:
        f.write(raw)


def made(fill):
    flash = Flash()
    vfs.VfsLfs2.mkfs(flash)
    on(flash, fill)
    return bytes(flash.image)


def each_cut(image, act, look):
    """Cut at each operation of `act`, torn in each way; `look` at what is left. Returns the number of cuts."""
    flash = Flash(image)
    on(flash, act)
    operations = flash.writes
    for at in range(operations):
        for tear in TEARS:
            flash = Flash(image)
            flash.left, flash.tear = at, tear
            try:
                on(flash, act)
            except OSError:
                pass
            on(Flash(flash.image), look)
    return operations * len(TEARS)


def plain():
    write("config.json", json.dumps(OLD).encode())
    write("limits.json", json.dumps(LIMITS).encode())
    write("ca.der", CA)


def sealed():
    plain()
    check.load()


def renamed():
    """As `roadheat board configure` does it: beside, then in place."""
    write("config.json.new", seal.sealed(json.dumps(NEW).encode()))
    os.rename("config.json.new", "config.json")
    check.load()


def overwritten():
    """As a plain copy does it, over the file in force."""
    write("config.json", seal.sealed(json.dumps(NEW).encode()))
    check.load()


class Cuts(unittest.TestCase):
    def boots(self, boards=("b01",)):
        """Two boots after a cut: complete files in force, sealed in the end."""
        for _ in range(2):
            config, limits = check.load()
            self.assertIn(config.board, boards)
            self.assertEqual((config.earth_pin, config.lock_pin, limits.t_max_mc), (13, 14, 15_000))
            content, _, _ = seal.pick("ca.der")
            self.assertEqual(content, CA)
        for path in FILES:
            self.assertEqual(seal.load(path + ".old")[1], "")

    def test_sealing_the_files_of_the_last_release(self):
        cuts = each_cut(made(plain), check.load, self.boots)
        self.assertGreaterEqual(cuts, 4 * 6)

    def test_a_new_configuration_renamed_into_place(self):
        def look():
            self.boots(("b01", "b02"))
            self.assertFalse(check.load()[0].stale)  # never even damaged

        each_cut(made(sealed), renamed, look)

    def test_a_new_configuration_copied_over_the_old_one(self):
        each_cut(made(sealed), overwritten, lambda: self.boots(("b01", "b02")))

    def test_state(self):
        def first():
            self.life = State(["z01"]).life
            state = State(["z01"])
            self.life = state.life
            state.save()

        def latch():
            state = State(["z01"])
            state.latched["z01"] = CABLE_BROKEN
            state.save()

        def look():
            state = State(["z01"])
            self.assertFalse(state.damaged)
            self.assertEqual(state.life, self.life)
            self.assertIn((state.boot, state.latched["z01"]), ((2, 0), (3, CABLE_BROKEN)))

        each_cut(made(first), latch, look)

    def test_an_append_to_the_journal(self):
        """What was written before stays; of the records of this append a beginning may be there."""
        each_cut(made(lambda: put(range(1, 11))), lambda: put(range(11, 16)), lambda: self.reads(10, 15))

    def test_a_new_segment_of_the_journal(self):
        full = SEGMENT + FLUSH - SEGMENT % FLUSH
        each_cut(
            made(lambda: put(range(1, full + 1))), lambda: put(range(100, 105)), lambda: self.reads(full, full + 5)
        )

    def test_the_oldest_segment_makes_room(self):
        """A ring that is full: one segment goes, and no other record."""

        def fill():
            os.mkdir("journal")
            for number in range(1, SEGMENTS_MAX + 1):
                write("journal/{:08d}.bin".format(number), b"")

        def look():
            left = [name for name in os.listdir("journal") if name.endswith(".bin")]
            self.assertIn(len(left), (SEGMENTS_MAX - 1, SEGMENTS_MAX))  # the new one may not be there yet
            for number in range(2, SEGMENTS_MAX + 1):
                self.assertIn("{:08d}.bin".format(number), left)

        each_cut(made(fill), lambda: put(range(1, FLUSH + 1)), look)

    def test_a_segment_that_has_been_sent(self):
        """Acknowledged records may come again, and no other is lost."""

        def drain():
            journal = Journal("journal", SIZE)
            while True:
                record = journal.fetch()
                if record is None:
                    break
                journal.acknowledge(1, record[4])

        def look():
            self.assertIn(numbers(), (list(range(1, 11)), []))

        each_cut(made(lambda: put(range(1, 11))), drain, look)

    def test_renewed_trust(self):
        """Authority and key as renewed before, or as renewed now, each whole."""

        def renew(ca, key):
            self.assertTrue(trust.accept({"ca": ca, "only": 0, "key": key}, Settings, CA_LONG))

        def look():
            self.assertIn(
                (trust.authorities(CA_LONG)[1], trust.key(Settings)), ((der(1), b"1" * 32), (der(2), b"2" * 32))
            )

        first = made(lambda: renew(base64(der(1)), "31" * 32))
        each_cut(first, lambda: renew(base64(der(2)), "32" * 32), look)

    def reads(self, least, most):
        """All records that were there before, in order, and a beginning of those that came."""
        found = numbers()
        self.assertTrue(least <= len(found) <= most, found)
        self.assertEqual(found[:least], list(range(1, least + 1)))


SIZE = 24


def put(records):
    """Keep records of these numbers."""
    journal = Journal("journal", SIZE)
    for q in records:
        journal.put(pack("<II", 1, q) + bytes(SIZE - 8))


def numbers():
    """What a start finds in the journal."""
    journal = Journal("journal", SIZE)
    found = []
    while True:
        record = journal.fetch()
        if record is None:
            return found
        found.append(record[4])
        journal.acknowledge(1, record[4])


def der(n):
    return b"\x30\x82\x01\x00" + bytes((n,)) * 256


def base64(raw):
    return b2a_base64(raw).decode().strip()


CA_LONG = der(9)


class Settings:
    key = b"0" * 32


if vfs is None:
    del Cuts


if __name__ == "__main__":
    unittest.main()
