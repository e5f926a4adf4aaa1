"""Sessions against a scripted supervisor: hello, commands, telemetry and its acknowledgement, dialling again."""

import asyncio
import unittest

from board_fixtures import UTC
from link_fixtures import Stream, Supervisor
from rh import VERSION
from rh.link import PENDING_MAX, STARVED_MAX, WINDOW
from rh.wire import FrameError
from rh.ws import WsError
from session_fixtures import LinkCase


class Sessions(LinkCase):
    async def dial(self):
        peer = self.peers.pop(0)
        if peer is None:
            raise OSError(113)
        return Stream(peer)

    def session(self, steps, *peers):
        """Run the link beside `steps` (a coroutine function); peers answer the dials in turn."""
        self.peers = list(peers)

        async def scenario():
            task = asyncio.create_task(self.link._session())
            await steps()
            task.cancel()
            try:
                await task
            except (asyncio.CancelledError, WsError, FrameError, OSError):
                pass

        asyncio.run(scenario())

    def test_hello_says_who_and_how_far(self):
        peer = Supervisor()
        self.session(self.settle, peer)
        self.assertEqual(
            peer.hello,
            {
                "t": "hello",
                "b": "b01",
                "fw": VERSION,
                "ca": [],
                "im": [0, "", ""],
                "st": "",
                "cr": "",
                "life": self.board.state.life,
                "boot": 1,
                "ep": 0,
                "q": 0,
                "up": 0,
                "utc": 0,
                "z": ["z01", "z02"],
            },
        )
        self.assertEqual(peer.got, [{"t": "result", "ep": 1, "q": 1, "rc": 0}])
        self.assertEqual(self.board.clock.utc(0), UTC)

    def test_nothing_is_sent_to_a_peer_that_has_not_proved_itself(self):
        peer = Supervisor(answer=False)

        async def steps():
            await self.settle()
            await self.seconds(30)

        self.session(steps, peer)
        self.assertEqual(peer.got, [])
        self.assertFalse(self.link.ready)

    def test_live_telemetry_every_ten_seconds(self):
        peer = Supervisor()

        async def steps():
            await self.settle()
            await self.seconds(35)

        self.session(steps, peer)
        self.assertEqual(
            [(m["q"], m["up"], m["dt"], m["utc"]) for m in peer.of("tel")],
            [(i, 10 * i, 10, UTC + 10 * i) for i in (1, 2, 3)],
        )
        self.assertEqual(self.link._pending, [])

    def test_forged_frames_change_nothing_and_are_counted(self):
        peer = Supervisor()

        async def steps():
            await self.settle()
            peer.raw(b'{"t":"override","b":"b01","ep":1,"q":9,"z":"z01","id":1,"m":"on","dur":9,"exp":0}\n' + b"0" * 64)
            peer.raw(b"garbage")
            peer.raw(b"{}")
            await self.settle()

        self.session(steps, peer)
        self.assertEqual(self.link.bad, 3)
        self.assertIsNone(self.board.zones[0].control.override)
        self.assertEqual((self.board.state.ep, self.board.state.q), (1, 1))
        self.assertEqual(len(peer.of("result")), 1)

    def test_replayed_command_is_refused(self):
        peer = Supervisor()
        override = {"t": "override", "z": "z01", "id": 1, "m": "on", "dur": 60, "exp": UTC + 60}

        async def steps():
            await self.settle()
            peer.command(override, q=5)
            peer.command({"t": "override", "z": "z01", "id": 1, "m": "cancel", "dur": 0, "exp": 0}, q=6)
            peer.command(override, q=5)
            await self.settle()

        self.session(steps, peer)
        self.assertEqual([m["rc"] for m in peer.of("result")], [0, 0, 0, 1])
        self.assertIsNone(self.board.zones[0].control.override)

    def test_older_supervisor_gets_nothing(self):
        self.board.state.ep = 5
        peer = Supervisor(ep=4)

        async def steps():
            await self.settle()
            await self.seconds(20)

        self.session(steps, peer)
        self.assertEqual(peer.got, [{"t": "result", "ep": 4, "q": 1, "rc": 2}])
        self.assertTrue(peer.stream.closed)

    def test_backlog_comes_in_order_beside_live(self):
        peer = Supervisor()

        async def steps():
            while len(self.board.journal) < 40:
                self.board.journal.put(self.board.recorder.take(self.time.s, 0))
            await self.settle()
            await self.seconds(20)

        self.session(steps, peer)
        numbers = [m["q"] for m in peer.of("tel")]
        live = numbers[-1]
        self.assertEqual([q for q in numbers if q < live - 1], list(range(1, live - 1)))
        self.assertEqual(len(self.board.journal), 0)

    def test_backlog_window_is_bounded(self):
        peer = Supervisor(acknowledge=False)

        async def steps():
            for _ in range(40):
                self.board.journal.put(self.board.recorder.take(self.time.s, 0))
            await self.settle()

        self.session(steps, peer)
        self.assertEqual(len(peer.of("tel")), WINDOW)

    def test_unacknowledged_live_records_go_to_the_journal_and_come_again(self):
        deaf = Supervisor(acknowledge=False)
        peer = Supervisor(ep=2)

        async def steps():
            await self.settle()
            await self.seconds(45)

        async def second():
            self.link.ready = False
            self.link._keep_pending()
            await self.settle()

        self.session(steps, deaf)
        self.session(second, peer)
        self.assertEqual([m["q"] for m in deaf.of("tel")], [1, 2, 3, 4])
        self.assertEqual([m["q"] for m in peer.of("tel")], [1, 2, 3, 4])

    def test_session_without_acknowledgements_is_dropped(self):
        deaf = Supervisor(acknowledge=False)

        async def steps():
            await self.settle()
            for _ in range(10 * (PENDING_MAX + 2)):
                self.link._until = self.time.s + 60  # noise keeps coming
                await self.seconds(1)

        self.session(steps, deaf)
        self.assertTrue(deaf.stream.closed)

    def test_silent_session_is_dropped(self):
        deaf = Supervisor(acknowledge=False)

        async def steps():
            await self.settle()
            await self.seconds(80)

        self.session(steps, deaf)
        self.assertTrue(deaf.stream.closed)

    def starved(self, sessions, busy, ends=None):
        """Whether a board asks for a restart after so many sessions that ended for want of memory."""
        self.board.busy = lambda: busy
        left = [MemoryError] * sessions

        class Enough(Exception):
            pass

        async def dial():
            raise left.pop()

        async def pause(ms):
            if not left:
                raise Enough
            await asyncio.sleep(0)

        self.link._dial = dial
        if ends is not None:
            left[0] = ends
        with self.assertRaises(Enough):
            asyncio.run(self.link.run(0, pause))
        return self.board.restart

    def test_a_heap_in_pieces_ends_in_a_restart_while_no_road_needs_heat(self):
        self.assertFalse(self.starved(STARVED_MAX - 1, busy=False))
        self.assertFalse(self.starved(STARVED_MAX, busy=True))
        self.assertTrue(self.starved(STARVED_MAX, busy=False))

    def test_other_ends_do_not_count_as_want_of_memory(self):
        self.assertFalse(self.starved(STARVED_MAX, busy=False, ends=OSError))

    def test_dials_again_after_failures_with_growing_jitter(self):
        first, second = Supervisor(), Supervisor(ep=2)
        self.peers = [None, None, first, second]
        waits = []

        class Enough(Exception):
            pass

        async def pause(ms):
            waits.append(ms)
            await asyncio.sleep(0)
            if len(waits) == 5:
                raise Enough

        async def scenario():
            task = asyncio.create_task(self.link.run(0, pause))
            await self.settle()
            self.assertTrue(self.link.ready)
            first.stream.hung_up = True
            await self.settle()
            self.assertTrue(self.link.ready)
            second.stream.hung_up = True
            with self.assertRaises(Enough):
                await task

        asyncio.run(scenario())
        self.assertFalse(self.link.ready)
        for i, most in enumerate((1, 8_000, 16_000, 32_000, 64_000)):
            self.assertLessEqual(waits[i], most)


if __name__ == "__main__":
    unittest.main()
