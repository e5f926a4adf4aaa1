"""WebSocket client and session against a supervisor that is scripted, byte by byte; no sockets, no clock."""

import asyncio
import json
import unittest
from binascii import b2a_base64
from hashlib import sha1

from board_fixtures import KEY, UTC, Hardware, Time, config, limits, wipe
from rh.board import Board
from rh.link import PENDING_MAX, WINDOW, Link
from rh.wire import FrameError, Mac
from rh.ws import WebSocket, WsError, xor

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NONCE = b"0123456789abcdef" * 2


class Stream:
    """Both directions: bytes the peer has sent, and a peer that answers what is written."""

    def __init__(self, peer=None, chunk=1_000):
        self.incoming = b""
        self.outgoing = b""
        self.chunk = chunk
        self.peer = peer
        self.closed = False
        self.hung_up = False

    async def read(self, n):
        while not self.incoming and not self.hung_up:
            await asyncio.sleep(0)
        n = min(n, self.chunk)
        raw = self.incoming[:n]
        self.incoming = self.incoming[n:]
        return raw

    def write(self, raw):
        if self.closed or self.hung_up:
            raise OSError(32)
        self.outgoing += raw
        if self.peer is not None:
            self.peer.heard(self)

    async def drain(self):
        await asyncio.sleep(0)

    def close(self):
        self.closed = True

    async def wait_closed(self):
        self.closed = True


def accept(request, proof=None):
    for line in request.split(b"\r\n"):
        if line.lower().startswith(b"sec-websocket-key:"):
            key = line.partition(b":")[2].strip()
    proof = proof or b2a_base64(sha1(key + GUID).digest()).strip()
    return b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + proof + b"\r\n\r\n"


def server_frame(payload, first=0x81):
    n = len(payload)
    head = bytes((first, n)) if n < 126 else bytes((first, 126, n >> 8, n & 255))
    return head + payload


class Supervisor:
    """Speaks the protocol; collects what the board sends."""

    def __init__(self, ep=1, acknowledge=True, answer=True):
        self.mac = Mac(KEY)
        self.ep = ep
        self.q = 0
        self.acknowledge = acknowledge
        self.hello = None
        self.got = []
        self.answer = answer
        self.upgraded = False
        self.stream = None

    def heard(self, stream):
        self.stream = stream
        if not self.upgraded:
            if b"\r\n\r\n" in stream.outgoing:
                request, _, stream.outgoing = stream.outgoing.partition(b"\r\n\r\n")
                stream.incoming += accept(request + b"\r\n")
                stream.incoming += server_frame(b'{"t":"nonce","n":"' + NONCE + b'"}')
                self.upgraded = True
            return
        while len(stream.outgoing) >= 2:
            assert stream.outgoing[1] & 0x80, "a client must mask"
            n = stream.outgoing[1] & 0x7F
            head = 2
            if n == 126:
                n = stream.outgoing[2] << 8 | stream.outgoing[3]
                head = 4
            mask = stream.outgoing[head : head + 4]
            payload = xor(stream.outgoing[head + 4 : head + 4 + n], mask)
            first = stream.outgoing[0]
            stream.outgoing = stream.outgoing[head + 4 + n :]
            if first == 0x81:
                self.take(payload)
            else:
                self.got.append({"t": "pong", "payload": payload})

    def take(self, frame):
        body, _, mac = frame.rpartition(b"\n")
        assert mac == self.mac.hex(b"B" + NONCE, body), "the board's MAC"
        message = json.loads(body)
        if message["t"] == "hello":
            self.hello = message
            if self.answer:
                self.command({"t": "clock", "utc": UTC})
            return
        self.got.append(message)
        if message["t"] == "tel" and self.acknowledge:
            self.send({"t": "ack", "b": "b01", "boot": message["boot"], "q": [message["q"]]})

    def command(self, message, **changed):
        self.q += 1
        whole = {"b": "b01", "ep": self.ep, "q": self.q}
        whole.update(message)
        whole.update(changed)
        self.send(whole)

    def send(self, message):
        payload = json.dumps(message).encode()
        self.raw(payload + b"\n" + self.mac.hex(b"S", payload))

    def raw(self, frame):
        self.stream.incoming += server_frame(frame)

    def of(self, kind):
        return [m for m in self.got if m["t"] == kind]


class Socket(unittest.TestCase):
    def opened(self, *frames, chunk=1_000):
        """What `receive` returns for each of the frames of the peer."""
        stream = Stream(chunk=chunk)

        async def scenario():
            ws = WebSocket(stream, stream)
            for frame in frames:
                stream.incoming += frame
            stream.hung_up = True
            got = []
            try:
                while True:
                    got.append(await ws.receive())
            except (WsError, OSError) as e:
                got.append(e.args[0])
            return got

        return asyncio.run(scenario())

    def test_short_reads(self):
        long = b"x" * 700
        for chunk in (1, 2, 3, 50):
            self.assertEqual(self.opened(server_frame(b"ab"), server_frame(long), chunk=chunk), [b"ab", long, "closed"])

    def test_fragments_masks_and_lengths_end_the_connection(self):
        for frame, reason in (
            (bytes((0x01, 2)) + b"ab", "frame"),
            (bytes((0x80, 2)) + b"ab", "frame"),
            (bytes((0x81, 0x82)) + b"1234ab", "length"),
            (bytes((0x81, 127)) + bytes(8), "length"),
            (bytes((0x81, 126, 5, 0)), "length"),
            (bytes((0x91, 0)), "frame"),
            (bytes((0x88, 0)), "closed"),
        ):
            self.assertEqual(self.opened(frame), [reason])

    def test_ping_is_answered(self):
        stream = Stream()

        async def scenario():
            ws = WebSocket(stream, stream)
            stream.incoming = server_frame(b"hi", 0x89) + server_frame(b"text")
            return await ws.receive()

        self.assertEqual(asyncio.run(scenario()), b"text")
        self.assertEqual(stream.outgoing[:2], bytes((0x8A, 0x82)))
        self.assertEqual(xor(stream.outgoing[6:], stream.outgoing[2:6]), b"hi")

    def upgrade(self, answer):
        stream = Stream()

        class Peer:
            def heard(self, stream):
                stream.incoming = answer(stream.outgoing)
                stream.hung_up = True

        stream.peer = Peer()

        async def scenario():
            await WebSocket(stream, stream).open("roadheat", "/board/v1")

        asyncio.run(scenario())
        return stream.outgoing

    def test_upgrade_asks_properly(self):
        request = self.upgrade(accept)
        self.assertTrue(request.startswith(b"GET /board/v1 HTTP/1.1\r\nHost: roadheat\r\n"))

    def test_server_must_prove_that_it_read_the_key(self):
        for answer in (
            lambda r: accept(r, b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            lambda r: b"HTTP/1.1 101 Yes\r\n\r\n",
            lambda r: b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\n\r\n",
            lambda r: b"HTTP/1.1 101 " + b"x" * 3_000,
            lambda r: b"",
        ):
            with self.assertRaises(WsError):
                self.upgrade(answer)

    def test_mask(self):
        for n in (0, 1, 3, 4, 5, 200):
            text = bytes([i & 255 for i in range(n)])
            self.assertEqual(xor(xor(text, b"\x00\xff\x01\x80"), b"\x00\xff\x01\x80"), text)
        self.assertEqual(xor(b"\x00\x00\x00\x01\x02", b"\x01\x02\x03\x04"), b"\x01\x02\x03\x05\x03")


class Sessions(unittest.TestCase):
    def setUp(self):
        wipe()
        self.time = Time()
        self.board = Board(config(), limits(), Hardware(), self.time, 0)
        self.board.log = lambda what, detail: None
        self.peers = []
        self.link = Link(config(), self.board, Mac(KEY), self.dial)

    def tearDown(self):
        wipe()

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
            self.link.task = task
            await steps()
            task.cancel()
            try:
                await task
            except (asyncio.CancelledError, WsError, FrameError, OSError):
                pass

        asyncio.run(scenario())

    async def settle(self):
        for _ in range(60):
            await asyncio.sleep(0)

    async def seconds(self, n):
        """n seconds of the board, with its telemetry."""
        for _ in range(n):
            self.time.s += 1
            self.board.tick()
            if self.board.recorder.left(self.board.t, self.link.ready) <= 0:
                await self.link.report(self.board.recorder.take(self.board.t, self.link.bad))
            await self.settle()

    def test_hello_says_who_and_how_far(self):
        peer = Supervisor()
        self.session(self.settle, peer)
        self.assertEqual(
            peer.hello,
            {
                "t": "hello",
                "b": "b01",
                "fw": "0.1.0",
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
                self.link._heard = self.time.s  # noise keeps coming
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
