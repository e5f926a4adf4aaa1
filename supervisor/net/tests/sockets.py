"""Connections that misbehave, many at a time, on loopback. For tests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def crowd(
    address: tuple[str, int], count: int, first: bytes = b"", source: str = "127.0.0.1"
) -> AsyncIterator[list[socket.socket]]:
    """`count` connections from the address `source` that send `first` and then nothing, and read nothing."""
    loop = asyncio.get_running_loop()
    made: list[socket.socket] = []
    try:
        for _ in range(count):
            each = socket.socket()
            each.bind((source, 0))
            each.setblocking(False)
            made.append(each)
            await loop.sock_connect(each, address)
            if first:
                with contextlib.suppress(ConnectionError):  # dropped already
                    await loop.sock_sendall(each, first)
        yield made
    finally:
        for each in made:
            each.close()


def still_open(sockets: list[socket.socket]) -> int:
    """How many of them the other side has not ended."""
    count = 0
    for each in sockets:
        try:
            while each.recv(65536):
                pass
        except BlockingIOError:
            count += 1
        except OSError:
            pass
    return count


def percentile_99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]
