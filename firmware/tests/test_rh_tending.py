"""A session that lasts a minute proves a program; what cannot be fetched is tried less and less."""

import asyncio
import os
import unittest

from board_fixtures import Hardware, Time, config, limits, wipe
from rh import slot, tending
from rh.board import Board


class Done(Exception):
    pass


class Link:
    def __init__(self):
        self.ready = False
        self.sent = []

    async def send(self, message):
        self.sent.append(message)


class Fails:
    """An update whose fetching always fails at once."""

    version, why, ready, said, failures, again_at, restart = "9.9.9", "", False, False, 0, 0, False

    def __init__(self, board, comes=False):
        self.board = board
        self.comes = comes
        self.tried = []
        self.pieces = self
        self.stalled = True

    async def run(self, ask, pause):
        self.tried.append(self.board.t)
        self.stalled = not self.comes
        raise OSError("flash is full")


class Tend(unittest.TestCase):
    def setUp(self):
        wipe()
        self.keep = slot.running
        slot.running = lambda: "b"
        record = slot.load()
        record.update({"run": "b", "id": "0" * 64, "new": 1, "n": 1})
        slot.save(record)
        self.board = Board(config(), limits(), Hardware(), Time(), 0)
        self.board.busy = lambda: False
        self.link = Link()

    def tearDown(self):
        slot.running = self.keep
        for path in (slot.PATH, slot.COPY):
            os.remove(path)

    def run_for(self, seconds, ready=lambda t: True):
        """Until uptime `seconds`, or until the board asks for a restart."""

        async def pause(ms):
            self.board.t += ms // 1000
            self.link.ready = ready(self.board.t)
            if self.board.t >= seconds or self.board.restart:
                raise Done

        async def run():
            try:
                await tending.tend(self.board, lambda: self.link, pause)
            except Done:
                pass

        asyncio.run(run())

    def test_a_session_that_lasts_proves_it(self):
        self.run_for(60, lambda t: t >= 10)
        self.assertEqual(slot.load()["new"], 1, "one of 50 s does not")
        self.run_for(300)
        self.assertEqual(slot.load()["new"], 0)
        self.assertEqual([m["ok"] for m in self.link.sent], [1])

    def test_sessions_that_end_again_and_again_do_not(self):
        """A program whose frames the supervisor refuses is connected most of the time."""
        self.run_for(2_000, lambda t: t % 60 >= 10)
        self.assertTrue(self.board.restart)
        self.assertEqual((slot.load()["run"], slot.load()["why"]), ("", "no session with the supervisor"))
        self.assertTrue(tending.NO_SESSION_S <= self.board.t <= tending.NO_SESSION_S + 70)

    def test_without_a_session_it_goes_on_while_a_road_needs_heat(self):
        self.board.busy = lambda: True
        self.run_for(4_000, lambda t: False)
        self.assertFalse(self.board.restart)
        self.assertEqual(slot.load()["run"], "b")

    def test_what_fails_at_once_is_tried_less_and_less(self):
        self.board.update = update = Fails(self.board)
        self.run_for(6 * 3_600)
        self.assertTrue(10 <= len(update.tried) <= 20, update.tried)
        self.assertTrue(update.tried[-1] - update.tried[-2] >= tending.AGAIN_MAX_S)

    def test_while_pieces_come_it_goes_on_soon(self):
        self.board.update = update = Fails(self.board, comes=True)
        self.run_for(3_600)
        self.assertTrue(len(update.tried) > 200, update.tried)


if __name__ == "__main__":
    unittest.main()
