"""Power cut at every flash operation of sealing, of a new configuration and of the state: old or new, never neither.

On the file system that the chip uses, so in the VM only; elsewhere there is nothing to run.
"""

import asyncio
import json
import os
import unittest
from binascii import b2a_base64, hexlify
from hashlib import sha256

from board_fixtures import CONFIG, LIMITS
from rh import check, seal, signed, slot, update
from rh.codes import CABLE_BROKEN
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

    def test_another_program(self):
        """A new program brought to a slot, switched to, then proved: each start finds the old or the new, whole."""
        listing, content, identity = _program()

        def act():
            _fetch(listing, content, identity)
            slot.switch("a", identity)
            record = slot.load()
            record["n"] = 1
            slot.save(record)
            record["new"] = record["n"] = 0
            slot.save(record)

        def look():
            record = slot.load()
            self.assertIn(record["run"], ("", "a"))
            if record["run"]:
                self.assertTrue(slot.whole("a", identity), "switched to before it was whole")
            _fetch(listing, content, identity)  # goes on, whatever the cut has left
            self.assertTrue(slot.whole("a", identity))

        each_cut(made(sealed), act, look)


def _program():
    """List and content of a program of two files, and the list's hash."""
    files = (("rh/one.mpy", b"1" * 700), ("drivers/two.mpy", b"2" * 300))
    rows = ["{} {} {}\n".format(len(raw), hexlify(sha256(raw).digest()).decode(), path) for path, raw in files]
    head = "version 9.9.9\nmodel roadheat-1\nchips ESP32\nbytecode {}\nfiles 2\n".format(update.BYTECODE)
    listing = (head + "".join(rows)).encode()
    return listing, b"".join([raw for _, raw in files]), hexlify(sha256(listing).digest()).decode()


def _fetch(listing, content, identity):
    """As the supervisor's answers bring it; raises OSError where the power is cut."""
    new = update.Update("9.9.9", identity, len(listing))
    parts = (listing, bytes(384), content)

    async def ask(m):
        raw = parts[m["f"]][m["o"] : m["o"] + m["n"]]
        new.take({"v": m["v"], "f": m["f"], "o": m["o"], "d": b2a_base64(raw).strip().decode()})

    async def pause(ms):
        pass

    keep = signed.pinned, signed.verified
    signed.pinned, signed.verified = (lambda: [b""]), (lambda data, signature, keys: True)
    spare, update.SPARE = update.SPARE, 0
    try:
        asyncio.run(new.run(ask, pause))
    finally:
        signed.pinned, signed.verified = keep
        update.SPARE = spare


if vfs is None:
    del Cuts


if __name__ == "__main__":
    unittest.main()
