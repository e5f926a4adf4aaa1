"""Another program over the link: fetched in pieces, counted only when all of it is as its signed list says."""

import asyncio
import os
import sys
import unittest
from binascii import b2a_base64
from hashlib import sha256

import rh
from board_fixtures import Hardware, Time, config, limits, wipe
from rh import VERSION, signed, slot, update, verdict, verify
from rh.board import Board
from rh.codes import MALFORMED, NOT_NOW, OK, OUT_OF_LIMITS
from rh.pieces import PIECE

NEW = "9.9.9"
FILES = {"rh/one.mpy": b"1" * 2_000, "rh/empty.json": b"", "drivers/two.mpy": b"2" * 1_300}
SIGNATURE = b"s" * signed.SIZE
SIGNATURE_PIECES = (signed.SIZE + PIECE - 1) // PIECE


def hexes(raw):
    return "".join(["%02x" % b for b in sha256(raw).digest()])


def listed(contents=None, **changed):
    files = FILES if contents is None else contents
    head = {
        "version": NEW,
        "model": verify.MODEL,
        "chips": "ESP32S3 ESP32",
        "bytecode": str(verify.BYTECODE),
        "files": str(len(files)),
    }
    head.update(changed)
    text = "".join(["{} {}\n".format(key, head[key]) for key in sorted(head)])
    for path in sorted(files):
        text += "{} {} {}\n".format(len(files[path]), hexes(files[path]), path)
    return text.encode()


class Case(unittest.TestCase):
    def setUp(self):
        self.keep = verdict.DROPPED, signed.pinned, signed.verified
        verdict.DROPPED = ()  # what is changed here stays
        rh.signed = sys.modules["rh.signed"] = signed  # a check of files before may have dropped it
        sys.modules.pop("rh.approval", None)
        wipe()
        signed.pinned = lambda: [b"key"]
        signed.verified = lambda data, signature, keys: signature == SIGNATURE
        self.asked = 0
        self.silent_after = -1
        self.tamper = None
        self.board = Board(config(), limits(), Hardware(), Time(), 0)

    def tearDown(self):
        verdict.DROPPED, signed.pinned, signed.verified = self.keep
        for name in slot.SLOTS:
            update.remove(name)
        for path in (slot.PATH, slot.COPY):
            try:
                os.remove(path)
            except OSError:
                pass

    def fetch(self, listing, files=None, made=None):
        files = FILES if files is None else files
        content = b"".join([files[path] for path in sorted(files)])
        parts = [listing, SIGNATURE, content]
        made = made or update.Update(NEW, hexes(listing), len(listing))

        async def ask(message):
            if self.asked == self.silent_after:
                return
            self.asked += 1
            raw = parts[message["f"]][message["o"] : message["o"] + message["n"]]
            if self.tamper is not None:
                raw = self.tamper(message, raw)
            answer = dict(message, t="piece", d=b2a_base64(raw).strip().decode())
            self.assertTrue(made.take(answer))
            self.assertFalse(made.take(answer), "once")

        async def pause(ms):
            await asyncio.sleep(0)

        async def run():
            await made.run(ask, pause)

        asyncio.run(run())
        return made

    def refused(self, listing, files=None):
        made = self.fetch(listing, files)
        self.assertFalse(made.ready)
        self.assertTrue(made.why)
        return made.why


class Fetch(Case):
    def test_all_of_it(self):
        listing = listed()
        made = self.fetch(listing)
        self.assertEqual((made.ready, made.why, made.slot), (True, "", "a"))
        self.assertTrue(slot.whole("a", hexes(listing)))
        self.assertEqual(slot.version("a"), NEW)
        asked = self.asked
        self.assertTrue(self.fetch(listing).ready)
        self.assertEqual(self.asked, asked + SIGNATURE_PIECES, "nothing but the signature is fetched twice")

    def test_goes_on_where_it_stopped(self):
        listing = listed()
        total = sum([(size + PIECE - 1) // PIECE for size in (len(listing), signed.SIZE, 3_300)])
        for stop in range(total):
            update.remove("a")
            self.asked, self.silent_after = 0, stop
            made = update.Update(NEW, hexes(listing), len(listing))
            with self.assertRaises(OSError):
                self.fetch(listing, made=made)
            self.assertFalse(slot.whole("a", hexes(listing)))
            self.silent_after = -1
            made = self.fetch(listing, made=update.Update(NEW, hexes(listing), len(listing)))
            self.assertTrue(made.ready)
            self.assertTrue(self.asked < total + 10)

    def test_another_program_begins_anew(self):
        self.fetch(listed())
        files = {"rh/one.mpy": b"9" * 700}
        self.assertTrue(self.fetch(listed(files), files).ready)
        self.assertEqual(sorted(os.listdir("a/rh")), ["one.mpy"])

    def test_what_is_not_for_this_board(self):
        for changed in (
            {"model": "roadheat-2"},
            {"chips": "ESP32C3"},
            {"bytecode": "5"},
            {"version": "9.9.8"},
            {"files": "2"},
            {"files": "4"},
        ):
            self.assertTrue(self.refused(listed(**changed)))
        self.assertEqual(self.refused(listed(model="other")), "it is for model other")

    def test_paths_outside_rh_and_drivers(self):
        for path in (
            "main.py",
            "rh/../main.py",
            "rh/a.py",
            "boot.py",
            "rh/.mpy",
            "b/rh/a.mpy",
            "/rh/a.mpy",
            "rh/A.mpy",
        ):
            files = {path: b"x"}
            self.assertEqual(self.refused(listed(files), files), verify.NO_SENSE)
            self.assertFalse("main.py" in os.listdir())

    def test_signature(self):
        signed.verified = lambda data, signature, keys: data == b"roadheat program\nother"
        self.assertEqual(self.refused(listed()), "not signed by a key of this board")
        of_list = (len(listed()) + PIECE - 1) // PIECE
        self.assertEqual(self.asked, of_list + SIGNATURE_PIECES, "refused before the first byte of the program")
        signed.pinned = list
        self.assertTrue("no signing keys" in self.refused(listed()))

        def damaged():
            raise signed.Damaged("signers.bin")

        signed.pinned = damaged
        self.assertTrue("damaged" in self.refused(listed()))

    def test_content_that_is_not_as_listed(self):
        self.tamper = lambda message, raw: raw[:-1] + b"x" if message["f"] == 2 else raw
        self.assertEqual(self.refused(listed()), "what came is not what the list says")
        self.tamper = lambda message, raw: raw[:-1] + b"x" if message["f"] == 0 else raw
        self.assertEqual(self.refused(listed()), "the list is not the one of the command")

    def test_no_room(self):
        spare, verify.SPARE = verify.SPARE, 1 << 50
        try:
            self.assertTrue("no room" in self.refused(listed()))
        finally:
            verify.SPARE = spare


class Commands(Case):
    def command(self, **changed):
        message = {"v": NEW, "h": "0" * 64, "sz": 500, "go": 0}
        message.update(changed)
        rc, change = update.command(self.board, message)
        change()
        return rc

    def test_fetch_then_go(self):
        self.assertEqual(self.command(go=1), OUT_OF_LIMITS)
        self.assertEqual(self.command(), OK)
        made = self.board.update
        self.assertEqual(self.command(), OK)
        self.assertTrue(self.board.update is made, "under way already")
        self.assertEqual(self.command(go=1), OUT_OF_LIMITS)
        made.ready = True
        self.assertEqual(self.command(go=1, h="1" * 64), OUT_OF_LIMITS)
        self.assertFalse(self.board.restart)
        self.assertEqual(self.command(go=1), OK)
        self.assertTrue(self.board.restart)
        record = slot.load()
        self.assertEqual((record["run"], record["id"], record["new"], record["was"]), ("a", "0" * 64, 1, ""))

    def test_after_a_refusal_it_is_tried_again(self):
        self.command()
        self.board.update.why = "no room"
        self.command()
        self.assertEqual(self.board.update.why, "")

    def test_not_while_a_road_needs_heat(self):
        self.command()
        self.board.update.ready = True
        zone = self.board.zones[1]
        zone.control.duty = 100
        self.assertEqual(self.command(go=1), NOT_NOW)
        zone.control.duty = 0
        zone.relay.on = True
        self.assertEqual(self.command(go=1), NOT_NOW)
        zone.relay.on = False
        zone.control.rule.armed = True
        zone.surface.feed(1_000)
        self.assertEqual(self.command(go=1), NOT_NOW)
        self.assertFalse(self.board.restart)
        self.assertEqual(slot.load()["run"], "")

    def test_what_makes_no_sense(self):
        for changed in (
            {"v": 9},
            {"v": "9.9"},
            {"v": "9.9.x"},
            {"v": "-1.0.0"},
            {"h": "00"},
            {"h": None},
            {"sz": 0},
            {"sz": 9_000},
            {"sz": True},
            {"go": 2},
            {"go": True},
        ):
            self.assertEqual(self.command(**changed), MALFORMED, repr(changed))
        self.assertIsNone(self.board.update)

    def test_versions(self):
        self.assertTrue(verdict.later("0.10.0", "0.9.9"))
        self.assertFalse(verdict.later(VERSION, VERSION))
        self.assertFalse(verdict.later("0.1", VERSION))


if __name__ == "__main__":
    unittest.main()
