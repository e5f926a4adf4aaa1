"""The live stream: full list first, changes merged, heartbeat with the clock's rate, slow clients closed."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from supervisor.runtime.clock import ManualClock
from supervisor.store import people
from supervisor.web import make_app, stream
from supervisor.web.keys import SERVICES
from supervisor.web.pace import Pace

WAIT_S = 10.0  # for a loaded machine; a good run takes milliseconds


async def event(reader: Any, name: str) -> Any:
    """The data of the next event of that name."""
    async with asyncio.timeout(WAIT_S):
        while True:
            line = (await reader.readline()).decode()
            assert line, "the stream ended"
            if line == f"event: {name}\n":
                return msgspec.json.decode((await reader.readline())[6:])


async def test_full_list_then_changes(district: Any, sign_in: Any) -> None:
    crew = await sign_in("viewer")
    async with crew.client.get("/api/v1/stream") as answer:
        assert answer.content_type == "text/event-stream"
        clock = await event(answer.content, "clock")
        assert clock["rate"] == 1
        assert abs(clock["utc_s"] - district.clock.utc_s()) < WAIT_S
        zones = await event(answer.content, "zones")
        assert [zone["id"] for zone in zones] == list(district.live.zones)
        district.hear("z04", -3.25, "frost", 0.2)
        zone = await event(answer.content, "zone")
        assert (zone["id"], zone["surface_c"], zone["state"]) == ("z04", -3.25, "frost")


async def test_a_new_stream_resumes_with_everything(district: Any, sign_in: Any) -> None:
    crew = await sign_in("viewer")
    async with crew.client.get("/api/v1/stream") as answer:
        await event(answer.content, "zones")
    district.hear("z02", 1.0, "dry")
    async with crew.client.get("/api/v1/stream") as answer:
        zones = {zone["id"]: zone for zone in await event(answer.content, "zones")}
        assert zones["z02"]["state"] == "dry"


async def test_heartbeat_tells_a_demos_rate_and_notices_a_sign_out(district: Any, sign_in: Any) -> None:
    wall = ManualClock()
    district.app = make_app(replace(district.app[SERVICES], wall=wall, registry=CollectorRegistry()))
    crew = await sign_in("viewer")
    async with crew.client.get("/api/v1/stream") as answer:
        await event(answer.content, "zones")
        wall.advance(20.0)
        district.clock.advance(20.0 * 700)
        district.hear("z01", -1.0, "ice")
        assert (await event(answer.content, "clock"))["rate"] == pytest.approx(700, rel=0.05)
        [session_token] = [cookie.value for cookie in crew.client.session.cookie_jar]
        await district.store.write(lambda db: people.end_session(db, session_token))
        wall.advance(20.0)
        district.hear("z01", -1.1, "ice")
        async with asyncio.timeout(WAIT_S):
            assert b"clock" not in await answer.content.read()  # ended, without another beat
    assert district.live.subscriptions == set()


async def test_a_client_that_takes_nothing_is_closed(
    district: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "STALLED_S", 0.05)
    monkeypatch.setattr(stream, "FLUSH_S", 0.0)
    crew = await sign_in("viewer")
    [cookie] = list(crew.client.session.cookie_jar)
    with socket.socket() as phone:
        phone.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        phone.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(phone, (crew.client.host, crew.client.port))
        request = f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie.key}={cookie.value}\r\n\r\n"
        await loop.sock_sendall(phone, request.encode())
        async with asyncio.timeout(60):
            while not district.app[stream.STREAMS]:  # noqa: ASYNC110
                await asyncio.sleep(0)
            while district.app[stream.STREAMS]:
                district.snow()
                await asyncio.sleep(0)
    assert (await crew.ask("GET", "/api/v1/zones"))[0] == 200  # nobody else noticed


async def test_too_many_readers_are_told_so(district: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.control.live.SUBSCRIBERS_MAX", 0)
    async with (await sign_in("viewer")).client.get("/api/v1/stream") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        assert (await answer.json(content_type=None))["code"] == "busy"


async def test_shutdown_ends_streams(district: Any, sign_in: Any) -> None:
    crew = await sign_in("viewer")
    async with crew.client.get("/api/v1/stream") as answer:
        await event(answer.content, "zones")
        await stream.close_streams(district.app)
        async with asyncio.timeout(WAIT_S):
            await answer.content.read()


async def test_pace_waits_by_wall_time() -> None:
    clock, wall = ManualClock(), ManualClock()
    pace = Pace(clock, wall)
    assert pace.rate() == 1.0
    clock.advance(10 * 450.0)
    wall.advance(10.0)
    assert pace.rate() == 450.0
    clock.advance(2.02)
    wall.advance(2.0)
    assert pace.rate() == 1.0  # jitter is not a demo
    waiting = asyncio.ensure_future(pace.until(wall.monotonic_s() + 0.01))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    wall.advance(0.02)
    await asyncio.wait_for(waiting, WAIT_S)


async def test_a_deadline_is_wall_time_even_when_the_loop_runs_fast() -> None:
    wall = ManualClock()
    pace = Pace(ManualClock(), wall)
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.ensure_future(pace.within(0.01, never))
    await asyncio.sleep(0.05)
    assert not waiting.done()  # five deadlines of the loop have passed, none in wall time
    wall.advance(0.02)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting, WAIT_S)
    assert never.cancelled()
    assert await pace.within(1.0, asyncio.sleep(0, "done")) == "done"
