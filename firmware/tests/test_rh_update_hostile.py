"""A server with the board's key, but none that signs programs, and flash that changes: the old program is kept."""

import asyncio
import os
import sys
import unittest
from binascii import b2a_base64

import rh
from rh import chips, signed, slot, update, verdict, verify
from rh.codes import NOT_NOW, OK, OUT_OF_LIMITS
from rh.pieces import PIECE
from test_rh_update import FILES, NEW, SIGNATURE_PIECES, Case, hexes, listed

OLD_FILES = {"rh/old.mpy": b"old" * 100}


class Server(Case):
    def setUp(self):
        Case.setUp(self)
        self.keep_running = slot.running

    def tearDown(self):
        slot.running = self.keep_running
        Case.tearDown(self)
        for path in (update.LIST_NEW, update.LIST_NEW + "x"):
            try:
                os.remove(path)
            except OSError:
                pass

    def runs(self, name):
        """This program is the one in a slot."""
        slot.running = lambda: name

    def old_program(self, name="a", version="0.0.1"):
        """A program of earlier, whole in a slot; the identity of its list."""
        listing = listed(OLD_FILES, version=version)
        os.mkdir(name)
        for folder in ("rh", "drivers"):
            os.mkdir(name + "/" + folder)
        write(name + "/" + slot.LIST, listing)
        for path in OLD_FILES:
            write(name + "/" + path, OLD_FILES[path])
        self.assertTrue(slot.whole(name, hexes(listing)))
        return listing

    def record(self, **fields):
        record = slot.load()
        record.update(fields)
        slot.save(record)


class Signatures(Server):
    def test_a_list_without_files_is_not_ready_before_its_signature(self):
        listing = listed({})
        self.silent_after = 1  # the list alone
        made = update.Update(NEW, hexes(listing), len(listing))
        for _ in range(2):
            with self.assertRaises(OSError):
                self.fetch(listing, {}, made)
            self.asked = 1
        self.assertFalse(made.ready)

    def test_a_list_of_files_that_are_there_already(self):
        """What an unsigned list names outside its slot counts for nothing."""
        write("profile.tmp", b"x")
        files = {"../profile.tmp": b"x"}
        listing = listed(files)
        self.silent_after = 1
        made = update.Update(NEW, hexes(listing), len(listing))
        for _ in range(2):
            with self.assertRaises(OSError):
                self.fetch(listing, files, made)
            self.asked = 1
        os.remove("profile.tmp")
        self.assertFalse(made.ready)

    def test_the_program_of_before_is_no_update(self):
        """It is whole, and it was signed: under another version's name it is a downgrade all the same."""
        for version in ("0.0.1", NEW):
            listing = self.old_program(version="0.0.1")
            made = self.fetch(listing, OLD_FILES, update.Update(version, hexes(listing), len(listing)))
            self.assertFalse(made.ready)
            self.assertTrue("is not later than" in made.why, made.why)
            update.remove("a")

    def test_what_is_refused_leaves_the_program_of_before(self):
        listing = self.old_program()
        for other in (listed(model="other"), listed({"main.py": b"x"})):
            self.assertTrue(self.fetch(other).why)
            self.assertTrue(slot.whole("a", hexes(listing)))
        keep, self.tamper = self.tamper, lambda message, raw: b"x" * len(raw) if message["f"] == 1 else raw
        self.assertEqual(self.fetch(listed()).why, "not signed by a key of this board")
        self.tamper = keep
        self.assertTrue(slot.whole("a", hexes(listing)))
        self.assertFalse(update.LIST_NEW in os.listdir())

    def test_what_is_ready_already_is_verified_again(self):
        listing = listed()
        self.fetch(listing)
        asked = self.asked
        self.assertTrue(self.fetch(listing).ready)
        self.assertEqual(self.asked, asked + SIGNATURE_PIECES, "the signature alone")
        self.tamper = lambda message, raw: b"x" * len(raw)
        self.assertFalse(self.fetch(listing).ready)


class Frames(Server):
    def test_pieces_of_any_form_are_not_taken(self):
        made = update.Update(NEW, "0" * 64, 500)
        asked = []

        async def ask(message):
            asked.append(message)

        async def pause(ms):
            raise OSError("no answer")

        with self.assertRaises(OSError):
            asyncio.run(made.run(ask, pause))
        good = dict(asked[0], d=b2a_base64(b"x" * asked[0]["n"]).strip().decode())
        for changed in (
            {"d": 5},
            {"d": None},
            {"d": "~"},
            {"d": ""},
            {"d": "AAAA" + good["d"]},
            {"v": "1.0.0"},
            {"v": None},
            {"f": 1},
            {"f": "0"},
            {"o": 1},
            {"o": -1},
        ):
            self.assertFalse(made.take(dict(good, **changed)), repr(changed)[:40])
        self.assertFalse(made.take({}))
        self.assertTrue(made.take(good))

    def test_what_verifies_leaves_the_memory(self):
        verdict.DROPPED = self.keep[0]
        try:
            self.fetch(listed())
            self.assertEqual([name for name in verdict.DROPPED if "rh." + name in sys.modules], [])
        finally:
            for name, module in (("verify", verify), ("signed", signed), ("chips", chips)):
                sys.modules["rh." + name] = module
                setattr(rh, name, module)


class TwoInARow(Server):
    def command(self, identity="0" * 64, **changed):
        message = {"v": NEW, "h": identity, "sz": 500, "go": 0}
        message.update(changed)
        rc, change = update.command(self.board, message)
        change()
        return rc

    def test_none_is_fetched_over_the_program_of_before_until_the_new_one_is_proved(self):
        self.runs("b")
        self.record(run="b", id="1" * 64, was="a", wid="2" * 64, new=1, n=1)
        self.assertEqual(self.command(), NOT_NOW)
        self.assertIsNone(self.board.update)
        slot.proved()
        self.assertEqual(self.command(), OK)

    def test_told_to_start_twice(self):
        self.runs("a")
        self.record(run="a", id="1" * 64)
        self.command()
        self.board.update.ready = True
        for _ in range(3):
            self.assertEqual(self.command(go=1), OK)
        record = slot.load()
        self.assertEqual((record["run"], record["id"]), ("b", "0" * 64))
        self.assertEqual((record["was"], record["wid"], record["new"]), ("a", "1" * 64, 1))

    def test_after_a_start_that_left_the_record_as_it_was(self):
        """The flashed program runs although the record names a slot: nobody knows why, so that is no way back."""
        self.record(run="b", id="1" * 64)
        slot.switch("a", "0" * 64)
        self.assertEqual(slot.load()["was"], "")

    def test_another_program_than_the_one_that_is_ready(self):
        self.command()
        self.board.update.ready = True
        self.assertEqual(self.command("1" * 64), OK)
        self.assertEqual(self.command(go=1), OUT_OF_LIMITS)
        self.assertEqual(self.command("1" * 64, go=1), OUT_OF_LIMITS)

    def test_what_it_says_fits_into_a_frame(self):
        """Whatever a list, a command or a record on flash has for a version or a reason."""
        long = "9" * 2_000
        self.record(bad=long, why=long)
        _, bad, why = slot.said()
        self.assertTrue(len(bad) <= 16 and len(why) <= 100)
        for version in ("99999.0.0", " 1.0.0", "1_0.0.0", "+1.0.0", "1.0.0\n", long + ".0.0"):
            self.assertFalse(verdict.later(version, "0.0.0"), version)
        made = self.fetch(listed(model="m" * 500))
        self.assertTrue(len(made.why) <= 100, made.why)


class Flash(Server):
    def test_a_file_that_the_list_does_not_name(self):
        """A module beside the listed ones would be imported in their place."""
        listing = listed()
        self.fetch(listing)
        write("a/rh/one.py", b"x")
        self.assertFalse(slot.whole("a", hexes(listing)))
        self.fetch(listing)
        self.assertFalse("a" in os.listdir())
        self.assertTrue(self.fetch(listing).ready)

    def test_a_slot_that_is_anything(self):
        write("a", b"a file")
        self.assertTrue(self.fetch(listed()).ready)
        os.mkdir("a/rh/deep")
        os.mkdir("a/rh/deep/er")
        write("a/rh/deep/er/x.mpy", b"x")
        files = {"rh/one.mpy": b"9" * 700}
        self.assertTrue(self.fetch(listed(files), files).ready)

    def test_any_byte_that_changes_is_seen(self):
        listing = listed()
        self.fetch(listing)
        for path in list(FILES) + [slot.LIST]:
            with open("a/" + path, "rb") as f:
                raw = f.read()
            for changed in [raw[:-1], raw + b"x"] + [flipped(raw, at) for at in range(0, len(raw), 97)]:
                if changed != raw:
                    write("a/" + path, changed)
                    self.assertFalse(slot.whole("a", hexes(listing)), path)
            write("a/" + path, raw)
        self.assertTrue(slot.whole("a", hexes(listing)))

    def test_room_counts_what_has_come_and_what_goes(self):
        """An update that went on after a cut would else be refused for its own pieces."""
        listing = listed()
        block = os.statvfs("/")[0]
        self.silent_after = (len(listing) + PIECE - 1) // PIECE + SIGNATURE_PIECES + 1_600 // PIECE  # within the files
        keep = verify.room
        try:
            verify.room = lambda: verify.SPARE + 3 * block - 1
            self.assertTrue("no room" in self.fetch(listing).why)
            verify.room = lambda: verify.SPARE + 3 * block
            self.asked = 0
            with self.assertRaises(OSError):
                self.fetch(listing)
            verify.room = lambda: verify.SPARE + block
            self.silent_after = -1
            self.assertTrue(self.fetch(listing).ready)
            verify.room = lambda: verify.SPARE
            files = {"rh/one.mpy": b"9" * 3 * block}
            self.assertTrue(self.fetch(listed(files), files).ready, "takes the place of three files")
            files = {"rh/one.mpy": b"9" * (3 * block + 1)}
            self.assertTrue("no room" in self.fetch(listed(files), files).why)
        finally:
            verify.room = keep

    def test_both_records_torn(self):
        self.record(run="a", id="1" * 64)
        for path in (slot.PATH, slot.COPY):
            write(path, b"torn")
        self.assertEqual(slot.load()["run"], "")


def write(path, raw):
    with open(path, "wb") as f:
        f.write(raw)


def flipped(raw, at):
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


if __name__ == "__main__":
    unittest.main()
