"""Servers and proxies that are no InfluxDB, or a sick one: nothing leaves the spool that was not stored."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from supervisor.domain.clock import ManualClock
from supervisor.energy import endpoint as endpoint_module
from supervisor.energy import shipper as shipper_module
from supervisor.energy.endpoint import Target, connect
from supervisor.energy.shipper import (
    ALARM_DEAD,
    ALARM_HELD,
    ALARM_LATE,
    BATCH_POINTS,
    BATCH_POINTS_MIN,
    HOLD_S,
    REFUSED_IN_A_ROW_MAX,
    Shipper,
)
from supervisor.store import DATABASE_NAME, SPOOL_CAP_BYTES, Store, spool
from tools.servers import Influxd

Api = Literal["v1", "v2"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
both = pytest.mark.parametrize("api", ["v1", "v2"])
HTML = "<html><body>Welcome to the hotel's network</body></html>"


class Standing:
    def __init__(self) -> None:
        self.codes: set[str] = set()

    def set(self, code: str, subject: str, stands: bool, text: str = "") -> None:
        self.codes = self.codes | {code} if stands else self.codes - {code}


class Room:
    """A spool with 40 lines, a server that answers what the test says, a shipper between."""

    def __init__(self, store: Store, shipper: Shipper, standing: Standing, clock: ManualClock) -> None:
        self.store, self.shipper, self.standing, self.clock = store, shipper, standing, clock

    async def put(self, lines: list[str]) -> None:
        text = "\n".join(lines)
        await self.store.write(lambda db: spool.put(db, text, len(lines)))

    async def waiting(self) -> int:
        return (await self.store.spool_state()).points


def line(n: int) -> str:
    return f"zone,zone=z01 delta_wh={n}i {n}"


@asynccontextmanager
async def room(folder: Path, api: Api, url: str) -> AsyncIterator[Room]:
    clock = ManualClock(1_700_000_000.0)
    store = Store.open(folder / DATABASE_NAME, clock, site="s", spool_cap_bytes=SPOOL_CAP_BYTES)
    standing = Standing()
    target = Target(api=api, url=url, database="heat", bucket="heat", org="city", token="t")
    endpoint = connect(target)
    try:
        made = Room(store, Shipper(store, endpoint, clock, standing.set, random.Random(1)), standing, clock)
        await made.put([line(n) for n in range(40)])
        yield made
    finally:
        await endpoint.close()
        await store.close()


@asynccontextmanager
async def answering(folder: Path, api: Api, handler: Handler) -> AsyncIterator[Room]:
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server, room(folder, api, f"http://127.0.0.1:{server.port}") as made:
        yield made


def fixed(status: int, body: str = HTML, content_type: str = "text/html", **headers: str) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type=content_type, headers=headers)

    return handle


HELD = {
    "a page with 200": fixed(200),
    "JSON with 200": fixed(200, '{"results": []}', "application/json"),
    "202": fixed(202, "", "text/plain"),
    "201 with a page": fixed(201),
    "206": fixed(206, "{}", "application/json"),
    "a page with 400": fixed(400),
    "400 with somebody's JSON": fixed(400, '{"reason": "blocked"}', "application/json"),
    "400 with a list": fixed(400, "[1]", "application/json"),
    "400 with nothing": fixed(400, "", "text/plain"),
    "400 with deep JSON": fixed(400, "[" * 50_000, "application/json"),
    "422 with a page": fixed(422),
    "401": fixed(401),
    "403": fixed(403),
    "404": fixed(404, '{"error": "database not found"}', "application/json"),
    "405": fixed(405, "no", "text/plain"),
    "407": fixed(407),
    "413 for every size": fixed(413),
}


@both
@pytest.mark.parametrize("kind", HELD)
async def test_what_is_no_answer_of_influxdb_holds_the_lines_and_alarms(tmp_path: Path, api: Api, kind: str) -> None:
    async with answering(tmp_path, api, HELD[kind]) as made:
        assert await made.shipper.ship() == HOLD_S
        state = await made.store.spool_state()
        assert (state.points, state.dead, state.delivered) == (40, 0, 0)
        assert made.standing.codes == {ALARM_HELD}


@both
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed_and_the_alarm_names_the_address(
    tmp_path: Path, api: Api, status: int
) -> None:
    visited: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        visited.append(f"{request.method} {request.path}")
        if request.path == "/welcome":
            return web.Response(status=204)
        return web.Response(status=status, headers={"Location": "/welcome"})

    async with answering(tmp_path, api, handle) as made:
        assert await made.shipper.ship() == HOLD_S
        assert len(visited) == 1
        assert "/welcome" in made.shipper.state.trouble
        assert await made.waiting() == 40


@both
@pytest.mark.parametrize(
    "header", ["²", "-5", "nan", "inf", "1" + "0" * 400, "soon", "", "Thu, 99 Foo 2023 25:61:61 GMT"]
)
async def test_retry_after_that_is_no_number_counts_as_none_or_is_bounded(
    tmp_path: Path, api: Api, header: str
) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=503, text=HTML, headers={"Retry-After": header})

    async with answering(tmp_path, api, handle) as made:
        assert 0 < await made.shipper.ship() <= shipper_module.RETRY_AFTER_MAX_S + 1
        assert await made.waiting() == 40


@both
async def test_a_connection_cut_in_the_middle_of_an_answer_loses_nothing(tmp_path: Path, api: Api) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=400, headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"error": "unable')
        assert request.transport is not None
        request.transport.abort()
        return response

    async with answering(tmp_path, api, cut) as made:
        assert await made.shipper.ship() > 0
        state = await made.store.spool_state()
        assert (state.points, state.dead) == (40, 0)


@both
async def test_an_endless_answer_in_an_unknown_charset_is_read_no_further_than_its_words(
    tmp_path: Path, api: Api
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=500, headers={"Content-Type": "text/plain; charset=klingon"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b"\xff" * 65536)
        except ConnectionError:
            return response

    async with answering(tmp_path, api, endless) as made, asyncio.timeout(5):
        assert 0 < await made.shipper.ship() <= 1
        assert await made.waiting() == 40


@both
async def test_tls_where_none_is_spoken_is_waited_for(tmp_path: Path, api: Api) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, room(tmp_path, api, f"https://127.0.0.1:{port}") as made:
        assert 0 < await made.shipper.ship() <= 1
        assert made.shipper.state.trouble.startswith("no answer")
        assert await made.waiting() == 40


class Refusing:
    """InfluxDB's answers to lines that `bad` picks; keeps the others."""

    def __init__(self, bad: Callable[[str], bool], text: str = "field type conflict") -> None:
        self.bad, self.text = bad, text
        self.kept: set[str] = set()
        self.requests = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        lines = (await request.text()).split("\n")
        self.kept |= {one for one in lines if not self.bad(one)}
        if any(map(self.bad, lines)):
            return web.json_response({"error": f"partial write: {self.text} dropped=1"}, status=400)
        return web.Response(status=204)


@both
async def test_a_database_that_refuses_every_line_buries_none_of_them(tmp_path: Path, api: Api) -> None:
    server = Refusing(lambda _: True)
    async with answering(tmp_path, api, server.answer) as made:
        assert await made.shipper.ship() == HOLD_S
        state = await made.store.spool_state()
        assert (state.points, state.dead) == (40, 0)
        assert made.standing.codes == {ALARM_HELD}
        assert "field type conflict" in made.shipper.state.trouble
        server.requests = 0
        assert await made.shipper.ship() == HOLD_S
        assert server.requests < 10  # a line that is still refused is enough to know
        server.bad = lambda _: False
        assert await made.shipper.ship() == 0
        assert made.standing.codes == set()
        assert len(server.kept) == 40
        assert (await made.store.spool_state()).dead == 0


async def test_small_batches_do_not_bury_line_by_line_what_a_large_one_would_hold(tmp_path: Path) -> None:
    server = Refusing(lambda _: False)
    async with answering(tmp_path, "v1", server.answer) as made:
        assert await made.shipper.ship() == 0
        server.bad = lambda _: True
        for n in range(100):
            await made.put([line(100 + n)])
            await made.shipper.ship()
        assert (await made.store.spool_state()).dead <= REFUSED_IN_A_ROW_MAX
        assert ALARM_HELD in made.standing.codes


async def test_every_second_line_refused_is_held_too(tmp_path: Path) -> None:
    server = Refusing(lambda one: one.endswith(("1", "3", "5", "7", "9")))
    async with answering(tmp_path, "v1", server.answer) as made:
        await made.put([line(n) for n in range(1000, 2000)])
        assert await made.shipper.ship() == HOLD_S
        assert (await made.store.spool_state()).dead == 0


async def test_points_older_than_the_database_keeps_do_not_hold_the_rest(tmp_path: Path) -> None:
    server = Refusing(lambda one: int(one.split()[-1]) < 30, "points beyond retention policy")
    async with answering(tmp_path, "v1", server.answer) as made:
        assert await made.shipper.ship() == 0
        state = await made.store.spool_state()
        assert (state.points, state.dead, len(server.kept)) == (0, 30, 10)
        assert made.standing.codes == {ALARM_DEAD}


@both
async def test_time_outs_halve_what_goes_at_once_and_deliveries_raise_it_again(
    tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_module, "TIMEOUT_S", 0.2)
    sizes: list[int] = []
    slow = True

    async def handle(request: web.Request) -> web.Response:
        sizes.append((await request.text()).count("\n") + 1)
        if slow and sizes[-1] > 100:
            await asyncio.sleep(0.4)
        return web.Response(status=204)

    async with answering(tmp_path, api, handle) as made:
        await made.put([line(n) for n in range(1000, 2000)])
        tries = 0
        while await made.waiting():
            assert await made.shipper.ship() <= 30
            tries += 1
            assert tries < 20
        assert max(sizes) <= BATCH_POINTS
        assert min(sizes[-12:]) <= 100
        assert tries < 10
        slow = False
        for n in range(14):
            await made.put([line(5000 + n)])
            assert await made.shipper.ship() == 0
        sizes.clear()
        await made.put([line(n) for n in range(10_000, 11_000)])
        assert await made.shipper.ship() == 0
        assert sizes == [1000]


async def test_no_time_out_makes_a_batch_smaller_than_the_least(tmp_path: Path) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"error": "timeout"}, status=500)

    async with answering(tmp_path, "v1", handle) as made:
        for _ in range(20):
            assert await made.shipper.ship() > 0
        assert made.shipper._batching.points == BATCH_POINTS_MIN
        assert await made.waiting() == 40


async def test_a_quarter_of_an_hour_without_delivery_is_an_alarm(tmp_path: Path) -> None:
    answer = 503

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=answer)

    async with answering(tmp_path, "v1", handle) as made:
        await made.shipper.ship()
        await made.shipper.check_cap()
        assert made.standing.codes == set()
        made.clock.advance(901)
        await made.shipper.ship()
        await made.shipper.check_cap()
        assert made.standing.codes == {ALARM_LATE}
        answer = 204
        assert await made.shipper.ship() == 0
        await made.shipper.check_cap()
        assert made.standing.codes == set()


async def test_what_a_url_or_a_line_raises_is_an_answer_too(tmp_path: Path) -> None:
    for api in ("v1", "v2"):
        for url in ("http://[::1", "nonsense", "http://127.0.0.1:99999"):
            target = Target(api=api, url=url, database="d", bucket="b", org="o", token="t")  # type: ignore[arg-type]
            endpoint = connect(target)
            answer = await endpoint.write("zone,zone=\ud800 x=1i 1")
            await endpoint.close()
            assert answer.status == 0
            assert not answer.ok


@pytest.mark.influx
async def test_the_real_influxdb_1_6_with_a_type_conflict_holds_every_line(
    influxd: Influxd, database: str, tmp_path: Path
) -> None:
    """A type conflict for every line is held, then delivered once the database has been put right."""
    async with room(tmp_path, "v1", influxd.url) as made:
        endpoint = connect(Target(api="v1", url=influxd.url, database=database))
        made.shipper._endpoint = endpoint
        assert (await endpoint.write("zone,zone=z01 delta_wh=1.5 1")).ok  # somebody else's float
        assert await made.shipper.ship() == HOLD_S
        assert (await made.store.spool_state()).dead == 0
        influxd.query('DROP MEASUREMENT "zone"', database)
        assert await made.shipper.ship() == 0
        assert influxd.sums(database) == {"z01": sum(range(40))}
        torn = await endpoint.write("nonsense")
        assert (torn.status, torn.from_influx) == (400, True)
        await endpoint.close()
