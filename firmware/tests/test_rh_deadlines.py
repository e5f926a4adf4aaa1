"""A peer has a time for each step, and is not listened to for ever: silence, pings, drops of bytes, useless frames."""

import asyncio
import unittest

from link_fixtures import Supervisor, server_frame
from rh import link as link_module
from rh.link import COMMAND_TIMEOUT_S, OPEN_TIMEOUT_S, REFUSED_MAX, SILENCE_MAX_S
from session_fixtures import LinkCase

REPORT_S = 60  # telemetry looks at the deadlines too, once a minute while the link is not ready


class Mute(Supervisor):
    """Accepts the connection and says nothing at all, or only the upgrade."""

    def __init__(self, upgrade=False):
        super().__init__(answer=False)
        self.nonce_frame = b""
        self.upgrade = upgrade

    def heard(self, stream):
        self.stream = stream
        if self.upgrade:
            super().heard(stream)
            if self.upgraded and stream.incoming.endswith(server_frame(b"")):
                stream.incoming = stream.incoming[: -len(server_frame(b""))]


class Deadlines(LinkCase):
    def dropped_within(self, seconds, peer, each_second=None, after_s=0):
        """The session with `peer` ends within so many seconds after `after_s`, and the board dials again."""

        async def steps():
            await self.settle(200)
            for second in range(after_s + seconds + REPORT_S):
                if each_second is not None and second >= after_s:
                    each_second(peer)
                await self.seconds(1)
                if self.dials > 1:
                    break
            self.assertTrue(peer.stream.closed)
            self.assertEqual(self.dials, 2)

        self.run_link(steps, peer, Mute())

    def test_silent_before_the_upgrade(self):
        self.dropped_within(OPEN_TIMEOUT_S, Mute())

    def test_silent_before_the_nonce(self):
        self.dropped_within(OPEN_TIMEOUT_S, Mute(upgrade=True))

    def test_silent_before_the_first_command(self):
        self.dropped_within(COMMAND_TIMEOUT_S, Supervisor(answer=False))

    def test_pings_are_not_a_command(self):
        def ping(peer):
            peer.stream.incoming += server_frame(b"x", first=0x89)

        self.dropped_within(COMMAND_TIMEOUT_S, Supervisor(answer=False), ping)

    def test_drops_of_a_frame_are_not_a_command(self):
        def drop(peer):
            peer.stream.incoming += b"\x81\x7d" if not peer.got else b"x"
            peer.got.append({"t": "drop"})

        self.dropped_within(COMMAND_TIMEOUT_S, Supervisor(answer=False), drop)

    def test_acknowledgements_are_not_a_command(self):
        def acknowledge(peer):
            peer.send({"t": "ack", "b": "b01", "boot": 1, "q": []})

        self.dropped_within(COMMAND_TIMEOUT_S, Supervisor(answer=False), acknowledge)

    def test_refused_frames_end_a_session_soon(self):
        def refuse(peer):
            peer.raw(b"{}\n" + b"0" * 64)

        began = self.time.s
        self.dropped_within(REFUSED_MAX + 2, Supervisor(answer=False), refuse)
        self.assertLessEqual(self.time.s - began, REFUSED_MAX + 2)

    def test_refused_commands_end_a_session_soon(self):
        def stale(peer):
            peer.command({"t": "clock", "utc": 1_795_000_000}, q=1)

        began = self.time.s
        self.dropped_within(REFUSED_MAX + 2, Supervisor(acknowledge=False), stale)
        self.assertLessEqual(self.time.s - began, REFUSED_MAX + 2)

    def test_silence_after_commands(self):
        self.dropped_within(SILENCE_MAX_S, Supervisor(acknowledge=False))

    def test_pings_alone_do_not_keep_a_session(self):
        def ping(peer):
            peer.stream.incoming += server_frame(b"x", first=0x89)

        self.dropped_within(SILENCE_MAX_S, Supervisor(acknowledge=False), ping)

    def test_repeated_acknowledgements_do_not_keep_a_session(self):
        def acknowledge(peer):
            peer.send({"t": "ack", "b": "b01", "boot": 1, "q": [9_999]})

        self.dropped_within(SILENCE_MAX_S, Supervisor(acknowledge=False), acknowledge)

    def test_a_useful_peer_is_kept(self):
        peer = Supervisor()

        async def steps():
            await self.settle(200)
            for _ in range(10):
                await self.seconds(60)
                peer.raw(b"now and then a frame that is not ours")
            self.assertTrue(self.link.ready)
            self.assertEqual(self.dials, 1)

        self.run_link(steps, peer)

    def test_a_peer_that_never_proves_itself_is_called_less_and_less_often(self):
        async def steps():
            await self.settle(200)
            await self.seconds(3_000)

        self.run_link(steps, *[Supervisor(answer=False) for _ in range(200)])
        self.assertTrue(self.dials > 5)
        self.assertTrue(max(self.waits) > 30_000, repr(self.waits))
        self.assertLessEqual(max(self.waits), 120_000)

    def test_deadlines_hold_without_telemetry(self):
        """By the clock of asyncio alone."""
        keep_it = link_module.OPEN_TIMEOUT_S, link_module.COMMAND_TIMEOUT_S, link_module.SILENCE_MAX_S
        link_module.OPEN_TIMEOUT_S = link_module.COMMAND_TIMEOUT_S = link_module.SILENCE_MAX_S = 1
        deaf = Supervisor()

        def unread(stream):
            async def drain():
                while not stream.closed:
                    await asyncio.sleep(0.01)

            stream.drain = drain

        async def steps():
            for peer in self.all:
                while peer.stream is None:
                    await asyncio.sleep(0.01)
                if peer is deaf:
                    unread(peer.stream)
            for _ in range(500):
                await asyncio.sleep(0.01)
                if all(peer.stream.closed for peer in self.all):
                    break
            self.assertTrue(all(peer.stream.closed for peer in self.all))

        self.all = [Mute(), Mute(upgrade=True), Supervisor(answer=False), Supervisor(acknowledge=False), deaf]
        try:
            self.run_link(steps, *(self.all + [Mute()]))
        finally:
            link_module.OPEN_TIMEOUT_S, link_module.COMMAND_TIMEOUT_S, link_module.SILENCE_MAX_S = keep_it


if __name__ == "__main__":
    unittest.main()
