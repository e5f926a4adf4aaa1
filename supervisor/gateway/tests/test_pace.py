"""One board, however fast it sends, gets its share of the service and no more; and loses no frame."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest

from supervisor.gateway import pace
from supervisor.gateway.tests.board_client import telemetry, until
from supervisor.gateway.tests.test_gateway import City, run_city


@pytest.fixture(autouse=True)
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """So slow that no machine is too slow to tell."""
    monkeypatch.setattr(pace, "BURST_FRAMES", 20)
    monkeypatch.setattr(pace, "FRAMES_PER_S", 40.0)


async def send_without_waiting(city: City, board: str, frames: int) -> tuple[aiohttp.ClientWebSocketResponse, float]:
    client = await city.join(board)
    began = time.monotonic()
    for q in range(frames):
        await client.send(telemetry(q))
    return client.ws, began


async def test_a_board_that_sends_too_fast_is_read_later_and_loses_nothing(tmp_path: Path) -> None:
    async with run_city(tmp_path) as city:
        _, began = await send_without_waiting(city, "b01", 60)
        other = await city.join("b02")
        for q in range(3):
            await other.send(telemetry(q))
            assert (await other.receive()).q == (q,)
        assert time.monotonic() - began < 1.0  # others do not wait
        await until(lambda: ("b01", 59) in city.control.kept)
        assert time.monotonic() - began > (60 - 20) / 40 * 0.9
        assert [q for board, q in city.control.kept if board == "b01"] == list(range(60))


async def test_pings_are_answered_and_paced_like_frames(tmp_path: Path) -> None:
    async with run_city(tmp_path) as city:
        client = await city.join("b01")
        answered = 0
        for _ in range(200):
            await client.ws.ping()

        async def count() -> None:
            nonlocal answered
            while True:
                message = await client.ws.receive()
                assert message.type is aiohttp.WSMsgType.PONG
                answered += 1

        client.ws._autoping = False
        counting = asyncio.create_task(count())
        await asyncio.sleep(0.5)
        counting.cancel()
        assert 0 < answered <= 20 + 0.5 * 40 + 20


async def test_dialling_in_anew_fills_no_bucket(tmp_path: Path) -> None:
    async with run_city(tmp_path) as city:
        began = time.monotonic()
        clients = []
        for n in range(4):
            clients.append(await city.join("b01"))
            await until(lambda n=n: len(city.control.attached) == n + 1)  # type: ignore[misc]
        assert time.monotonic() - began > (4 * pace.HELLO_FRAMES - 20) / 40 * 0.9
        clients.append(await city.join("b02"))
        await asyncio.wait_for(until(lambda: len(city.control.attached) == 5), 1.0)


async def test_who_does_not_know_the_key_takes_nothing_of_the_boards_pace(tmp_path: Path) -> None:
    async with run_city(tmp_path) as city:
        for _ in range(10):
            assert await (await city.join("b01", key=bytes(32))).closed() == 1008
        began = time.monotonic()
        client = await city.join("b01")
        await client.send(telemetry(1))
        await client.receive()
        assert time.monotonic() - began < 0.5


async def test_a_rounding_error_of_a_token_is_waited_for_with_time_that_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """On granted time a wait too short to be told from none would be waited for for ever."""
    now_s = 50_410.3
    waits = 0

    async def sleep(seconds: float) -> None:
        nonlocal now_s, waits
        now_s += seconds
        waits += 1

    monkeypatch.setattr(pace.asyncio, "sleep", sleep)
    monkeypatch.setattr(pace, "FRAMES_PER_S", 25.0)
    taken = pace.Pace(lambda: now_s)
    for _ in range(2_000):
        before = waits
        await asyncio.wait_for(taken.take(), 1.0)
        assert waits - before <= 3
