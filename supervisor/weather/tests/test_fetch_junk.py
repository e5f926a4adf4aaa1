"""A weather service that answers junk at the level of HTTP: a WeatherError each time, in bounded time and memory."""

from __future__ import annotations

import asyncio
import gzip
import resource
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from supervisor.domain.clock import ManualClock
from supervisor.domain.errors import WeatherError
from supervisor.domain.retry_after import RETRY_AFTER_MAX_S, retry_after_s
from supervisor.domain.weather import Forecast
from supervisor.weather import fetch as fetch_module
from supervisor.weather import openmeteo
from supervisor.weather.design_storm import SEOUL, design_storm
from supervisor.weather.fetch import BACKOFF_MAX_S, BODY_MAX_BYTES, FRESH_MAX_S, Fetcher, freshness_s
from supervisor.weather.keeper import LastGood
from supervisor.weather.provider import FileProvider
from supervisor.weather.tests.test_fetch import NOW, Redirected, hourly_answer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
JUNK_HEADERS = [
    "²",
    "٣",
    "-1",
    "nan",
    "inf",
    "1e9",
    "1" + "0" * 400,
    "",
    " ",
    "soon",
    "0x10",
    "Thu, 99 Foo 20230 25:61:61",
]


@asynccontextmanager
async def fetching(handler: Handler) -> AsyncIterator[tuple[Fetcher, str, ManualClock]]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    clock = ManualClock(utc_s=NOW)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Fetcher(session, clock, "roadheat/0 ops@example.org"), str(server.make_url("/v1")), clock


def fixed(status: int = 200, body: bytes = b"{}", **headers: str) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return handle


@pytest.mark.parametrize("header", JUNK_HEADERS)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_that_says_nothing_is_no_reason_to_fail_or_to_wait_for_ever(status: int, header: str) -> None:
    async with fetching(fixed(status, Retry_After=header)) as (fetch, url, clock):
        with pytest.raises(WeatherError, match=f"HTTP {status}"):
            await fetch.get(url, {})
        clock.advance(RETRY_AFTER_MAX_S + 1)
        with pytest.raises(WeatherError, match=f"HTTP {status}"):  # asked again, a day later at the latest
            await fetch.get(url, {})


async def test_retry_after_as_a_date_is_obeyed() -> None:
    until = format_datetime(datetime.fromtimestamp(NOW + 7200, UTC), usegmt=True)
    async with fetching(fixed(429, Retry_After=until)) as (fetch, url, clock):
        with pytest.raises(WeatherError, match="HTTP 429"):
            await fetch.get(url, {})
        clock.advance(7100)
        with pytest.raises(WeatherError, match="next try in 100 s"):
            await fetch.get(url, {})


@given(st.text(max_size=60))
def test_any_retry_after_is_a_bounded_number_or_nothing(text: str) -> None:
    found = retry_after_s(text, NOW)
    assert found is None or 0.0 <= found <= RETRY_AFTER_MAX_S


@pytest.mark.parametrize("value", JUNK_HEADERS)
@pytest.mark.parametrize("name", ["Cache-Control", "Age", "Expires", "Date"])
def test_caching_headers_with_junk_leave_a_bounded_freshness(name: str, value: str) -> None:
    headers = {
        "Cache-Control": "max-age=60", "Age": "5", "Expires": "Mon, 20 Jul 2020 12:14:31 GMT",
        "Date": "Mon, 20 Jul 2020 11:44:31 +9999999",
    }  # fmt: skip
    for changed in ({**headers, name: value}, {**headers, "Cache-Control": f"max-age={value}"}, {name: value}):
        assert 0.0 <= freshness_s(changed) <= FRESH_MAX_S


async def endless_chunks(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)
    except ConnectionError:
        return response


async def too_long(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        for _ in range(BODY_MAX_BYTES // 65536 + 10):
            await response.write(b" " * 65536)
    except ConnectionError:
        pass
    return response


async def round_and_round(request: web.Request) -> web.Response:
    raise web.HTTPFound(f"/again{len(request.path)}{request.path[-1]}")


async def elsewhere(request: web.Request) -> web.Response:
    raise web.HTTPFound("file:///etc/passwd")


BOMB = gzip.compress(b" " * (512 * 1024 * 1024), compresslevel=1)
ANSWERS: dict[str, Handler] = {
    "a body that never ends": endless_chunks,
    "a body over the limit": too_long,
    "redirects without end": round_and_round,
    "a redirect to a file": elsewhere,
    "a redirect to nowhere": fixed(302),
    "half a gigabyte in a small gzip": fixed(200, BOMB, Content_Encoding="gzip"),
    "gzip that is none": fixed(200, b"plain", Content_Encoding="gzip"),
    "deflate of nothing": fixed(200, zlib.compress(b"")[:1], Content_Encoding="deflate"),
    "304 to a first question": fixed(304, b""),
    "204": fixed(204, b""),
    "418": fixed(418, b"\xff" * 1000),
}


@pytest.mark.parametrize("kind", ANSWERS)
async def test_an_answer_that_is_none_is_a_weather_error_in_bounded_time_and_memory(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "TIMEOUT_S", 1.0)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with fetching(ANSWERS[kind]) as (fetch, url, _):
        async with asyncio.timeout(5.0):
            with pytest.raises(WeatherError) as caught:
                await fetch.get(url, {"key": "s3cret"})
        assert "s3cret" not in str(caught.value)
        with pytest.raises(WeatherError, match="next try in"):
            await fetch.get(url, {"key": "s3cret"})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 200 * 1024


RAW: dict[str, bytes] = {
    "nothing": b"",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a status of words": b"HTTP/1.1 fine OK\r\n\r\n",
    "a header of a megabyte": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "a length below zero": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "less than its length": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}",
    "a chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "bytes for a header": b"HTTP/1.1 200 OK\r\n\xff\xfe\x00: \x00\r\n\r\n",
}


@pytest.mark.parametrize("kind", RAW)
async def test_bytes_that_are_no_http_are_a_weather_error(kind: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(RAW[kind])
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server, aiohttp.ClientSession() as session:
        with pytest.raises(WeatherError, match="no answer"):
            await Fetcher(session, ManualClock(utc_s=NOW), "roadheat/0").get(url, {})


async def test_an_answer_that_cannot_be_read_is_asked_for_again_whatever_its_headers_allow() -> None:
    bodies = [b"<html>maintenance</html>", hourly_answer(int(NOW) - 24 * 3600, 60)]

    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=bodies.pop(0), headers={"Cache-Control": "max-age=10800", "ETag": "x"})

    async with fetching(handle) as (fetch, url, clock):
        to = Redirected(fetch._session, clock, "roadheat/0", to=url)
        provider = openmeteo.OpenMeteoProvider(SEOUL, to)
        with pytest.raises(WeatherError, match="open-meteo"):
            await provider.forecast(NOW, 30 * 3600)
        clock.advance(BACKOFF_MAX_S)
        assert (await provider.forecast(NOW, 30 * 3600)).members


class Failing(FileProvider):
    """Good until it raises."""

    error: BaseException | None = None

    async def forecast(self, now_utc_s: float, horizon_s: float) -> Forecast:
        if self.error is not None:
            raise self.error
        return await super().forecast(now_utc_s, horizon_s)


@pytest.mark.parametrize(
    "error",
    [
        RecursionError(),
        OverflowError(),
        KeyError("hourly"),
        ZeroDivisionError(),
        MemoryError(),
        IndexError(),
        ValueError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_no_reader_foresaw_leaves_the_last_good_forecast(error: Exception) -> None:
    provider = Failing(design_storm(NOW - 24 * 3600, hours=96))
    keeper = LastGood(provider)
    good = (await keeper.forecast(NOW, 30 * 3600)).forecast
    provider.error = error
    kept = await keeper.forecast(NOW + 300, 30 * 3600)
    assert kept.forecast is good
    assert kept.stale
    assert "Failing" in str(kept.alarm)
    provider.error = None
    assert (await keeper.forecast(NOW + 600, 30 * 3600)).cleared


async def test_a_forecast_with_impossible_parts_is_refused_not_raised() -> None:
    provider = FileProvider(design_storm(NOW - 24 * 3600, hours=96))
    good = await provider.forecast(NOW, 30 * 3600)

    class Odd:
        async def forecast(self, now_utc_s: float, horizon_s: float) -> Any:
            return replace(good, issued_utc_s=1e300)

        def observed(self, now_utc_s: float, back_s: float) -> None: ...

    kept = await LastGood(Odd()).forecast(NOW, 30 * 3600)
    assert kept.forecast is None
    assert kept.alarm is not None
