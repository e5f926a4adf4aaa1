"""Silent, slow and greedy connections at the boards' listener, and the boards that are served all the same."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from supervisor.gateway.listener import board_caps
from supervisor.gateway.tests.board_client import telemetry, until
from supervisor.gateway.tests.test_gateway import City, run_city
from supervisor.net.accept import SLOT_S
from supervisor.net.handles import needed, share_out
from supervisor.net.tests.sockets import crowd, percentile_99, still_open
from supervisor.wire.messages import Ack


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    async with run_city(tmp_path) as running:
        yield running


BUDGET = 60
SILENT = 300
MANY = 2_000
# The begin of a TLS record and of a whole ClientHello, neither ever continued.
BEGIN = b"\x16\x03\x01\x02"
UNFINISHED = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


def client_hello(city: City) -> bytes:
    """A ClientHello as a board sends it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = city.tls.wrap_bio(incoming, outgoing, server_hostname="roadheat")
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


async def serve_boards(city: City, boards: int = 6) -> list[float]:
    """Boards dial in one after the other and are acknowledged; seconds that each took."""
    took = []
    for n in range(boards):
        began_s = time.monotonic()
        board = await city.join(f"b0{n + 1}")
        await board.send(telemetry(1))
        assert isinstance(await board.receive(), Ack)
        took.append(time.monotonic() - began_s)
    return took


@pytest.mark.parametrize("first", [b"", BEGIN, UNFINISHED], ids=["silent", "part of a record", "part of a hello"])
async def test_silent_connections_hold_no_slot_and_no_board_up(tmp_path: Path, first: bytes) -> None:
    async with run_city(tmp_path, BUDGET) as city, crowd(city.gateway.address, SILENT, first) as sockets:
        took = await serve_boards(city)
        assert percentile_99(took) < 1.0
        assert still_open(sockets) <= BUDGET - 6
        assert city.refused("crowded") > 0


async def test_two_thousand_stalled_connections(tmp_path: Path) -> None:
    """One address has room for a few silent ones only, however many the listener has room for."""
    async with run_city(tmp_path, MANY + 400) as city, crowd(city.gateway.address, MANY, UNFINISHED) as sockets:
        assert percentile_99(await serve_boards(city)) < 1.0
        assert still_open(sockets) < 100
        assert city.refused("crowded") > MANY - 100


@pytest.mark.parametrize(("source", "turns"), [("127.0.0.1", 60 / 8), ("127.0.0.2", 1)], ids=["own", "another"])
async def test_handshakes_that_are_never_finished_hold_no_board_up(tmp_path: Path, source: str, turns: float) -> None:
    """Those of another address take turns with the board, those before it at its own are waited for; none for long."""
    async with run_city(tmp_path) as city:
        assert city.gateway._listener is not None
        city.gateway._listener._acceptor._free = 8
        async with crowd(city.gateway.address, 60, client_hello(city), source):
            took = await serve_boards(city)
        assert percentile_99(took) < (turns + 1) * SLOT_S + 1.0


def test_many_boards_behind_one_address_have_room_all_at_once() -> None:
    caps = board_caps(share_out(needed(2000), 2000).boards, boards=2000, per_address=0)
    assert min(caps.total, caps.silent_per_address, caps.unproven_per_address) >= 2000
    assert board_caps(400, boards=2000, per_address=50).unproven_per_address == 50


async def test_silent_connections_end_after_seconds_even_with_room(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.net.accept.FIRST_BYTES_S", 0.2)
    async with crowd(city.gateway.address, 20, UNFINISHED) as sockets:
        await until(lambda: still_open(sockets) == 0)
    assert city.refused("silent") == 20


async def test_boards_that_are_served_stay_through_a_crowd(tmp_path: Path) -> None:
    async with run_city(tmp_path, BUDGET) as city:
        board = await city.join()
        await until(lambda: bool(city.control.links))
        async with crowd(city.gateway.address, SILENT), crowd(city.gateway.address, 100, client_hello(city)):
            await board.send(telemetry(1))
            assert (await board.receive()).q == (1,)
        assert city.control.detached == []


async def test_a_hello_in_single_bytes_is_served_and_wakes_nobody_before_it_is_whole(city: City) -> None:
    reader, writer = await asyncio.open_connection(*city.gateway.address)
    for byte in client_hello(city):
        writer.write(bytes([byte]))
        await writer.drain()
    assert (await asyncio.wait_for(reader.read(1), 5)) == b"\x16"  # the service answers with its part
    writer.close()


async def test_a_board_that_reads_nothing_is_cut_off(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.gateway.session.CLOSE_S", 0.1)
    board = await city.join()
    await until(lambda: bool(city.control.links))
    connection = board.ws._response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.pause_reading()
    frame = msgspec.json.encode({"t": "x", "fill": "x" * 900})
    async with asyncio.timeout(60):
        while not city.control.detached:
            city.control.links[0].send(frame)
            await asyncio.sleep(0)
        assert city.refused("slow") > 0
        assert city.gateway._listener is not None
        await until(lambda: city.gateway._listener is not None and len(city.gateway._listener.connections) == 0)
