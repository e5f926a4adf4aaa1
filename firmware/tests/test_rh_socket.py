"""The WebSocket client: handshake, frames in pieces, masks, and what it refuses."""

import asyncio
import unittest

from link_fixtures import Stream, accept, server_frame
from rh.ws import WebSocket, WsError, xor


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


if __name__ == "__main__":
    unittest.main()
