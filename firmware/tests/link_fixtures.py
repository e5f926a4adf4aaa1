"""A supervisor at the other end of the line, scripted byte by byte; no sockets, no clock."""

import asyncio
import json
from binascii import b2a_base64
from hashlib import sha1

from board_fixtures import KEY, UTC
from rh.wire import Mac
from rh.ws import xor

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
        self.nonce_frame = b'{"t":"nonce","n":"' + NONCE + b'"}'

    def heard(self, stream):
        self.stream = stream
        if not self.upgraded:
            if b"\r\n\r\n" in stream.outgoing:
                request, _, stream.outgoing = stream.outgoing.partition(b"\r\n\r\n")
                stream.incoming += accept(request + b"\r\n")
                stream.incoming += server_frame(self.nonce_frame)
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
