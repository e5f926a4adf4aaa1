"""Power cut at every flash operation of an update: each start finds the old program or the new one, whole.

On the file system that the chip uses, so in the VM only; elsewhere there is nothing to run.
"""

import asyncio
import os
import sys
import unittest
from binascii import b2a_base64, hexlify
from hashlib import sha256

import rh
from rh import signed, slot, update, verdict, verify
from test_rh_power_cut import each_cut, made, sealed, vfs


class Cuts(unittest.TestCase):
    def test_over_the_program_of_before(self):
        """The slot holds a program: it stays whole until another has been verified, and none is mixed of both."""
        before = _program("9.9.8", b"0")
        after = _program("9.9.9", b"1")

        def fill():
            sealed()
            _fetch(*before)

        def look():
            if not slot.whole("a", before[2]):
                verified = [digest(path) for path in ("list.new", "a/list")]
                self.assertTrue(after[2] in verified, "taken apart before another one was verified")
            _fetch(*after)
            self.assertTrue(slot.whole("a", after[2]))
            self.assertFalse("list.new" in os.listdir())

        each_cut(made(fill), lambda: _fetch(*after), look)

    def test_another_program(self):
        """A new program brought to a slot, switched to, then proved: each start finds the old or the new, whole."""
        listing, content, identity = _program("9.9.9", b"1")

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


def digest(path):
    try:
        return slot.digest(path)
    except OSError:
        return ""


def _program(version, fill):
    """List and content of a program of two files, and the list's hash."""
    files = (("rh/one.mpy", fill * 700), ("drivers/two.mpy", b"2" * 300))
    rows = ["{} {} {}\n".format(len(raw), hexlify(sha256(raw).digest()).decode(), path) for path, raw in files]
    head = "version {}\nmodel roadheat-1\nchips ESP32\nbytecode {}\nfiles 2\n".format(version, verify.BYTECODE)
    listing = (head + "".join(rows)).encode()
    return listing, b"".join([raw for _, raw in files]), hexlify(sha256(listing).digest()).decode()


def _fetch(listing, content, identity):
    """As the supervisor's answers bring it; raises OSError where the power is cut."""
    new = update.Update(listing.split()[1].decode(), identity, len(listing))
    parts = (listing, bytes(384), content)

    async def ask(m):
        raw = parts[m["f"]][m["o"] : m["o"] + m["n"]]
        new.take({"v": m["v"], "f": m["f"], "o": m["o"], "d": b2a_base64(raw).strip().decode()})

    async def pause(ms):
        pass

    rh.signed = sys.modules["rh.signed"] = signed  # a check of files before may have dropped it
    sys.modules.pop("rh.approval", None)
    keep = signed.pinned, signed.verified
    signed.pinned, signed.verified = (lambda: [b""]), (lambda data, signature, keys: True)
    spare, verify.SPARE = verify.SPARE, 0
    dropped, verdict.DROPPED = verdict.DROPPED, ()
    try:
        asyncio.run(new.run(ask, pause))
    finally:
        signed.pinned, signed.verified = keep
        verify.SPARE = spare
        verdict.DROPPED = dropped


if vfs is None:
    del Cuts


if __name__ == "__main__":
    unittest.main()
