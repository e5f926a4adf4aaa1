"""Requests byte by byte, as no client library would send them. For tests."""

from __future__ import annotations

import asyncio
from typing import Any

WAIT_S = 15.0  # for a loaded machine; a good run takes milliseconds


async def send_raw(host: str, port: int, data: bytes, *, patience_s: float = WAIT_S) -> list[tuple[int, bytes]]:
    """Send `data` on a connection of its own; every answer until the other side ends it: (status, body).

    A side that says nothing for `patience_s` is told that no more comes.
    """
    reader, writer = await asyncio.open_connection(host, port)
    received = b""
    try:
        writer.write(data)
        await writer.drain()
        try:
            async with asyncio.timeout(patience_s):
                while chunk := await reader.read(65536):
                    received += chunk
        except TimeoutError:
            writer.write_eof()
            async with asyncio.timeout(WAIT_S):
                received += await reader.read()
    except ConnectionError:
        pass  # refused before all was sent
    finally:
        writer.close()
    return answers(received)


def answers(received: bytes) -> list[tuple[int, bytes]]:
    """The answers in what was received, by their Content-Length."""
    found = []
    while received.startswith(b"HTTP/1."):
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        status = int(lines[0].split()[1])
        lengths = [int(line.split(b":")[1]) for line in lines[1:] if line.lower().startswith(b"content-length:")]
        length = lengths[0] if lengths and status != 304 else 0
        found.append((status, rest[:length]))
        received = rest[length:]
        if status == 100:
            found.pop()
    return found


def request(
    method: bytes, target: bytes, headers: dict[bytes, bytes], body: bytes = b"", *, version: bytes = b"HTTP/1.1"
) -> bytes:
    """One request that ends its connection."""
    given = {b"Host": b"localhost", b"Connection": b"close", **headers}
    if body and b"Content-Length" not in given and b"Transfer-Encoding" not in given:
        given[b"Content-Length"] = b"%d" % len(body)
    lines = [b"%s %s %s" % (method, target, version), *(b"%s: %s" % item for item in given.items())]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def signed_in_headers(person: Any) -> dict[bytes, bytes]:
    """Cookie and CSRF token of a person from the `sign_in` fixture."""
    [cookie] = list(person.client.session.cookie_jar)
    return {
        b"Cookie": f"{cookie.key}={cookie.value}".encode(),
        b"X-CSRF-Token": person.csrf.encode(),
        b"Content-Type": b"application/json",
    }
