"""A board with a valid key that sends frames without content: its session ends after some, others are served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.gateway.session import UNREAD_MAX_BYTES
from supervisor.gateway.tests.board_client import BoardClient, sample, telemetry, until
from supervisor.gateway.tests.test_gateway import City, run_city
from supervisor.net.accept import TLS_BUFFER_BYTES
from supervisor.wire.messages import Ack, Telemetry

MASK = bytes(4)
PING, PONG = b"\x89\x80" + MASK, b"\x8a\x80" + MASK
BEGIN, CONTINUED = b"\x01\x80" + MASK, b"\x00\x80" + MASK  # of a text message that never ends
FLOODS = {"pings": (b"", PING), "pongs": (b"", PONG), "continuation frames": (BEGIN, CONTINUED)}
TIMES = 200_000  # 1.2 MB


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    async with run_city(tmp_path) as running:
        yield running


def transport_of(board: BoardClient) -> asyncio.Transport:
    connection = board.ws._response.connection
    assert connection is not None
    assert isinstance(connection.transport, asyncio.Transport)
    return connection.transport


async def pour(board: BoardClient, first: bytes, again: bytes) -> None:
    """Write `TIMES` frames, or until the other side ends the connection."""
    transport = transport_of(board)
    transport.write(first)
    for _ in range(TIMES // 1000):
        if transport.is_closing():
            return
        transport.write(again * 1000)
        await asyncio.sleep(0)


def in_pieces(board: BoardClient, message: Telemetry) -> bytes:
    """A valid frame after 1,000 pieces without content."""
    text = board.seal(message).encode()
    assert 126 <= len(text) < 65_536
    return BEGIN + CONTINUED * 1000 + b"\x80\xfe" + len(text).to_bytes(2, "big") + MASK + text


@pytest.mark.parametrize("kind", FLOODS)
async def test_other_boards_are_served_while_one_floods_again_and_again(city: City, kind: str) -> None:
    async def flood() -> None:
        while True:
            board = await city.join("b01")
            await pour(board, *FLOODS[kind])
            await board.closed()

    flooding = asyncio.create_task(flood())
    other = await city.join("b02")
    await until(lambda: len(city.control.links) == 2)
    [session] = [link for link in city.control.links if link.board_id == "b01"]
    waits = []
    for q in range(1, 60):
        began_s = time.monotonic()
        await other.send(telemetry(q))
        assert isinstance(await other.receive(), Ack)
        waits.append(time.monotonic() - began_s)
        assert session._unread_bytes <= UNREAD_MAX_BYTES + TLS_BUFFER_BYTES
    flooding.cancel()
    assert sorted(waits)[-3] < 0.5


async def test_a_message_that_never_ends_ends_its_session(city: City) -> None:
    board = await city.join("b01")
    await until(lambda: bool(city.control.links))
    await pour(board, *FLOODS["continuation frames"])
    await until(lambda: bool(city.control.detached))
    assert city.refused("oversize") + city.refused("flood") == 1
    again = await city.join("b01")  # the same board, once it behaves
    await again.send(telemetry(2))
    assert isinstance(await again.receive(), Ack)


async def test_valid_frames_in_a_thousand_pieces_each_are_a_flood(city: City) -> None:
    board = await city.join("b01")
    for q in range(1, 60):
        transport_of(board).write(in_pieces(board, telemetry(q)))
    await until(lambda: bool(city.control.detached))
    assert city.refused("flood") == 1
    assert len(city.control.kept) <= (UNREAD_MAX_BYTES + TLS_BUFFER_BYTES) // 6_000 + 1


async def test_frames_and_pings_of_any_size_are_no_flood(city: City) -> None:
    """What was read is counted off to the byte: a session that goes on for years does not end by this."""
    board = await city.join("b01")
    await until(lambda: bool(city.control.links))
    [session] = city.control.links
    for q in range(30):
        await board.ws.ping(b"x" * (q * 4))
        await board.send(telemetry(q, *(sample() for _ in range(q % 3 + 1))))
        assert isinstance(await board.receive(), Ack)
    assert session._unread_bytes == 0
