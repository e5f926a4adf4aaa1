"""WebSocket client (RFC 6455) over a stream: whole text frames up to 1 KB, which is all that the protocol uses."""

import asyncio
from binascii import b2a_base64
from hashlib import sha1
from os import urandom

from .wire import FRAME_MAX

if 0:  # for the type checker; leaves nothing on the chip
    from asyncio import StreamReader, StreamWriter

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_HEADER_MAX = 1024
_READ = 256  # at once: most frames are smaller, and the heap rarely has a kilobyte in one piece
_TEXT = 0x81
_CLOSE = 0x88
_PING = 0x89
_PONG = 0x8A


class WsError(Exception):
    """The peer broke the protocol or closed; the connection cannot be used any more."""


class WebSocket:
    """One connection. reader, writer: asyncio streams already connected."""

    def __init__(self, reader: "StreamReader", writer: "StreamWriter") -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = b""
        self._lock = asyncio.Lock()  # two tasks send; a stream loses what is written while another task drains it

    async def open(self, host: str, path: str) -> None:
        """Upgrade; raises WsError unless the answer is for our key."""
        key = b2a_base64(urandom(16)).strip()
        request = (
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n"
        ).format(path, host, key.decode())
        await self._write(request.encode())
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end >= 0:
                break
            if len(self._buffer) > _HEADER_MAX:
                raise WsError("header")
            await self._fill()
        lines = self._buffer[:end].split(b"\r\n")
        self._buffer = self._buffer[end + 4 :]
        if not lines[0].startswith(b"HTTP/1.1 101"):
            raise WsError(lines[0])
        accept = b""
        for line in lines:
            name, _, value = line.partition(b":")
            if name.lower() == b"sec-websocket-accept":
                accept = value.strip()
        if accept != b2a_base64(sha1(key + _GUID).digest()).strip():
            raise WsError("accept")

    async def receive(self) -> bytes:
        """Next text or binary message; answers pings. Raises WsError on close, fragments, masked or long frames."""
        while True:
            await self._need(2)
            first = self._buffer[0]
            length = self._buffer[1]
            head = 2
            if length == 126:
                await self._need(4)
                length = self._buffer[2] << 8 | self._buffer[3]
                head = 4
            # 127 announces 64 bits of length; the top bit a mask, which a server must not use.
            if length > FRAME_MAX or self._buffer[1] >= 127:
                raise WsError("length")
            await self._need(head + length)
            payload = self._buffer[head : head + length]
            self._buffer = self._buffer[head + length :]
            if first == _TEXT or first == 0x82:
                return payload
            if first == _PING:
                await self._send(_PONG, payload)
            elif first != _PONG:
                raise WsError("closed" if first == _CLOSE else "frame")

    async def send(self, payload: bytes) -> None:
        """Send one text message."""
        await self._send(_TEXT, payload)

    async def close(self) -> None:
        """Close the socket without a closing handshake."""
        try:
            self._writer.close()
            await self._writer.wait_closed()
        except Exception:  # TLS raises more than OSError; the connection is closed either way
            pass

    async def _send(self, first: int, payload: bytes) -> None:
        length = len(payload)
        if length > FRAME_MAX:
            raise WsError("length")
        mask = urandom(4)
        if length < 126:
            head = bytes((first, 0x80 | length))
        else:
            head = bytes((first, 0x80 | 126, length >> 8, length & 255))
        await self._write(head + mask + xor(payload, mask))

    async def _write(self, raw: bytes) -> None:
        async with self._lock:
            self._writer.write(raw)
            await self._writer.drain()

    async def _need(self, n: int) -> None:
        while len(self._buffer) < n:
            await self._fill()

    async def _fill(self) -> None:
        raw = await self._reader.read(_READ)
        if raw is None:
            return  # TLS had no whole record yet
        if not raw:
            raise WsError("closed")
        self._buffer += raw


def xor(payload: bytes, mask: bytes) -> bytes:
    """Payload under a 4-byte mask, as one long integer: a loop in Python would take 10 times as long."""
    n = len(payload)
    if not n:
        return b""
    pattern = (mask * (n // 4 + 1))[:n]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(n, "big")
