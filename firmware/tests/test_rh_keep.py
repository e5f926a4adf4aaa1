"""Tasks beside the safety loop: each is started again, none can stop the heat."""

import asyncio
import unittest

from board_fixtures import config
from rh import keep
from rh.tasks import Tasks
from session_fixtures import KINDS, Enough, LinkCase, Odd, Unspeakable, thrower


class Kept(LinkCase):
    def play(self, start, rounds):
        waits = []

        async def pause(ms):
            waits.append(ms)
            if len(waits) == rounds:
                raise Enough

        async def scenario():
            with self.assertRaises(Enough):
                await keep.keep(self.board, "task", start, pause)

        asyncio.run(scenario())
        return waits

    def test_a_task_that_dies_is_started_again_whatever_the_exception(self):
        for kind in KINDS:
            self.starts = 0

            async def start(k=kind):
                self.starts += 1
                raise k("injected")

            self.play(start, 4)
            self.assertEqual(self.starts, 4)

    def test_a_task_that_ends_is_started_again(self):
        starts = []

        async def start():
            starts.append(1)

        self.play(start, 3)
        self.assertEqual(len(starts), 3)

    def test_pauses_grow_to_two_minutes_with_jitter(self):
        async def start():
            raise Odd

        waits = self.play(start, 40)
        for i in range(len(waits)):
            most = min(120, 4 << min(i + 1, 5)) * 1000
            self.assertTrue(most // 2 <= waits[i] < most, "{} {}".format(i, waits[i]))
        self.assertTrue(len(set(waits[6:])) > 10)

    def test_a_line_that_cannot_be_printed_does_not_matter(self):
        self.board.log = thrower(OSError)

        async def start():
            raise ValueError

        self.play(start, 3)

    def test_a_long_run_begins_again_with_short_pauses(self):
        async def start():
            self.board.t += keep.GOOD_RUN_S
            raise ValueError

        self.assertTrue(max(self.play(start, 10)) < 4_000)

    def test_ctrl_c_ends_the_program(self):
        async def start():
            raise KeyboardInterrupt

        async def scenario():
            await keep.keep(self.board, "task", start, self.pause)

        with self.assertRaises(KeyboardInterrupt):
            asyncio.run(scenario())

    def test_no_kind_of_exception_in_telemetry_or_link_stops_the_heat(self):
        for kind in (ValueError, MemoryError, asyncio.CancelledError, Unspeakable):
            for place, name in ((self.board.recorder, "take"), (self.board.journal, "put"), (Tasks, "_make_link")):
                keep_it = getattr(place, name)
                setattr(place, name, thrower(kind))
                try:
                    self.heated(kind, name)
                finally:
                    setattr(place, name, keep_it)

    def heated(self, kind, name):
        board = self.board

        async def scenario():
            async def pause(ms):
                until = board.t + ms // 1000
                await asyncio.sleep(0)
                while board.t < until and board.t <= 320:
                    await asyncio.sleep(0)
                if board.t > 320:
                    raise Enough

            tasks = Tasks(config(), board, False, pause)
            kept = [
                asyncio.create_task(keep.keep(board, n, f, pause)) for n, f in (("l", tasks.talk), ("t", tasks.report))
            ]
            for _ in range(330):
                self.time.s += 1
                board.tick()
                await asyncio.sleep(0)
            for task in kept:
                try:
                    await task
                except Enough:
                    pass

        self.time.s = 0
        board.t = 0
        asyncio.run(scenario())
        self.assertTrue(board.zones[0].relay.on, "{} {}".format(name, kind))

    def test_in_safe_mode_nothing_starts_before_its_time(self):
        self.board.alone_s = 900
        starts = []

        async def scenario():
            async def pause(ms):
                self.board.t += ms // 1000 + 1
                if starts:
                    raise Enough

            async def start():
                starts.append(self.board.t)

            with self.assertRaises(Enough):
                await Tasks(config(), self.board, True, pause)._later("x", start)

        asyncio.run(scenario())
        self.assertGreaterEqual(starts[0], 900)


if __name__ == "__main__":
    unittest.main()
