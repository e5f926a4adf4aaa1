"""Servers and proxies that are not InfluxDB: nothing leaves the spool that was not stored."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from supervisor.config import InfluxConfig
from supervisor.energy import shipper as shipper_module
from supervisor.energy.endpoint import authorization, configured
from supervisor.energy.shipper import ALARM_HELD, HOLD_S
from supervisor.energy.tests.spooling import Api, Handler, answering, both, spooling

HTML = "<html><body>Welcome to the hotel's network</body></html>"


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
async def test_an_answer_that_is_not_influxdb_s_holds_the_lines_and_alarms(tmp_path: Path, api: Api, kind: str) -> None:
    async with answering(tmp_path, api, HELD[kind]) as made:
        assert await made.shipper.ship() == HOLD_S
        state = await made.store.spool.state()
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
async def test_retry_after_that_is_not_a_number_counts_as_none_or_is_bounded(
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
        state = await made.store.spool.state()
        assert (state.points, state.dead) == (40, 0)


@both
async def test_an_endless_answer_in_an_unknown_charset_is_read_only_as_far_as_its_text(
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
    async with server, spooling(tmp_path, api, f"https://127.0.0.1:{port}") as made:
        assert 0 < await made.shipper.ship() <= 1
        assert made.shipper.state.trouble.startswith("no answer")
        assert await made.waiting() == 40


@pytest.mark.parametrize(
    ("token", "header"),
    [
        ("", None),
        ("secret", "Token secret"),
        ("user:password", "Basic dXNlcjpwYXNzd29yZA=="),
        ("관리자:비밀", "Basic 6rSA66as7J6QOuu5hOuwgA=="),
    ],
)
def test_a_user_and_password_may_be_in_any_script(token: str, header: str | None) -> None:
    assert authorization(token).get("Authorization") == header


def test_a_line_break_at_the_end_of_a_token_is_not_part_of_it() -> None:
    influx = InfluxConfig(api="v1", url="http://x", database="d", token_env="TOKEN")
    assert configured(influx, {"TOKEN": "secret\n"}).token == "secret"
