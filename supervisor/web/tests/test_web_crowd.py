"""Silent, slow and greedy connections at the web listener, and the crew's phone that is answered all the same."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from yarl import URL

from supervisor.config import load
from supervisor.net.connections import Stage
from supervisor.net.tests.sockets import crowd, percentile_99, still_open
from supervisor.web import listening
from supervisor.web.keys import SERVICES
from supervisor.web.listener import listen_web
from supervisor.web.listening import ENTRANCE, web_caps
from supervisor.web.tests.raw_http import answers
from supervisor.wire.pki import ensure_pki

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "city.toml"
BUDGET = 40
MANY = 2_000
REQUEST = b"GET /api/v1/zones HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\n\r\n"


@pytest.fixture
async def address(district: Any, tmp_path: Path) -> AsyncIterator[tuple[str, int]]:
    """The real listener in front of the real application, with room for few."""
    (tmp_path / "weather.csv").write_text("time_utc\n")
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text())
    config = load(tmp_path / "city.toml")
    config = msgspec.structs.replace(config, web=msgspec.structs.replace(config.web, listen="127.0.0.1:0"))
    async with listen_web(config, district.app, BUDGET) as url:
        yield "127.0.0.1", int(url.rpartition(":")[2])


class Phone:
    """A browser with one session."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.url = URL(f"http://{address[0]}:{address[1]}")
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def sign_in(self, district: Any) -> None:
        token, _ = await district.sessions.invite("Kim", "crew", "test")
        async with self.http.get(self.url / "login", params={"token": token}) as answer:
            assert answer.status == 200

    async def status(self) -> int:
        async with self.http.get(self.url / "api/v1/zones", headers={"Connection": "close"}) as answer:
            return answer.status

    @property
    def cookie(self) -> bytes:
        [cookie] = list(self.http.cookie_jar)
        return f"{cookie.key}={cookie.value}".encode()


@pytest.fixture
async def phone(address: tuple[str, int], district: Any) -> AsyncIterator[Phone]:
    made = Phone(address)
    await made.sign_in(district)
    yield made
    await made.http.close()


def refused(district: Any, reason: str) -> float:
    registry = district.app[SERVICES].registry
    return float(registry.get_sample_value("roadheat_web_refused_total", {"reason": reason}) or 0.0)


@pytest.mark.parametrize(
    "first", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", b"\x16\x03\x01"], ids=["silent", "header", "TLS"]
)
async def test_a_crowd_that_says_nothing_keeps_no_phone_out(
    phone: Phone, address: tuple[str, int], district: Any, first: bytes
) -> None:
    async with phone.http.get(phone.url / "api/v1/stream") as stream:
        await stream.content.readline()
        async with crowd(address, 300, first) as sockets:
            took = []
            for _ in range(30):
                began_s = time.monotonic()
                assert await phone.status() == 200
                took.append(time.monotonic() - began_s)
            assert still_open(sockets) < BUDGET
        assert percentile_99(took) < 1.0
        district.hear("z04", -3.25, "frost", 0.2)
        async with asyncio.timeout(10):
            while b"frost" not in await stream.content.readline():
                pass  # the stream that was open before lives
    assert refused(district, "crowded") > 0 or first.startswith(b"\x16")


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "], ids=["silent", "header"])
async def test_two_thousand_stalled_connections_with_room_for_all(district: Any, tmp_path: Path, first: bytes) -> None:
    (tmp_path / "weather.csv").write_text("time_utc\n")
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text())
    config = load(tmp_path / "city.toml")
    config = msgspec.structs.replace(config, web=msgspec.structs.replace(config.web, listen="127.0.0.1:0"))
    async with listen_web(config, district.app, MANY + 400) as url:
        place = ("127.0.0.1", int(url.rpartition(":")[2]))
        phone = Phone(place)
        await phone.sign_in(district)
        async with crowd(place, MANY, first) as sockets:
            took = []
            for _ in range(100):
                began_s = time.monotonic()
                assert await phone.status() == 200
                took.append(time.monotonic() - began_s)
            assert still_open(sockets) > MANY // 2, "they were there all the time"
        await phone.http.close()
    assert percentile_99(took) < 1.0


async def test_a_header_that_drips_has_ten_seconds_in_all(
    address: tuple[str, int], district: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert listening.HEADER_S == 10.0
    monkeypatch.setattr("supervisor.web.listener.HEADER_S", 0.3)
    reader, writer = await asyncio.open_connection(*address)
    began_s = time.monotonic()
    for byte in b"GET /api/v1/zones HTTP/1.1\r\nHost: " + b"x" * 1000:
        if reader.at_eof():
            break
        writer.write(bytes([byte]))
        await asyncio.sleep(0.01)
    assert 0.2 < time.monotonic() - began_s < 5
    writer.close()
    assert refused(district, "silent") == 1


async def test_idle_connections_end_sooner_without_a_session(
    phone: Phone, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "IDLE_UNPROVEN_S", 0.2)
    stranger, mine = await asyncio.open_connection(*address), await asyncio.open_connection(*address)
    for (reader, writer), cookie, status in ((stranger, b"a=b", b"401"), (mine, phone.cookie, b"200")):
        writer.write(REQUEST % cookie)
        assert status in await reader.readline()
    async with asyncio.timeout(10):
        await stranger[0].read()  # ended
    mine[1].write(REQUEST % phone.cookie)  # kept alive
    async with asyncio.timeout(10):
        while b"HTTP/1.1 200" not in await mine[0].readline():
            pass
    monkeypatch.setattr(listening, "IDLE_S", 0.2)
    mine[1].write(REQUEST % phone.cookie)
    async with asyncio.timeout(10):
        await mine[0].read()
    for _, writer in (stranger, mine):
        writer.close()


async def test_an_answer_that_nobody_reads_ends(
    phone: Phone, address: tuple[str, int], district: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "REQUEST_S", 0.3)
    monkeypatch.setattr(listening, "IDLE_S", 0.3)
    request = b"GET /static/panel.js HTTP/1.1\r\nHost: localhost\r\nCookie: " + phone.cookie + b"\r\n\r\n"
    table = district.app[ENTRANCE].acceptor.connections
    async with crowd(address, 1, request * 2000):
        async with asyncio.timeout(20):
            while not table.count(Stage.IDLE) + table.count(Stage.KEPT):  # noqa: ASYNC110
                await asyncio.sleep(0)
            while table.count(Stage.IDLE) + table.count(Stage.KEPT) + table.count(Stage.SILENT):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_pipelined_and_old_requests_are_answered_and_end(phone: Phone, address: tuple[str, int]) -> None:
    async def received(data: bytes) -> list[int]:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(data)
        async with asyncio.timeout(15):
            found = answers(await reader.read())
        writer.close()
        return [status for status, _ in found]

    last = (REQUEST % phone.cookie).replace(b"Host: localhost", b"Host: localhost\r\nConnection: close")
    assert await received(REQUEST % phone.cookie * 300 + last) == [200] * 301
    old = b"GET /api/v1/zones HTTP/1.0\r\nConnection: keep-alive\r\nCookie: " + phone.cookie + b"\r\n\r\n"
    assert await received(old * 3 + old.replace(b"keep-alive", b"close")) == [200] * 4
    assert await received(b"GET /api/v1/zones HTTP/1.0\r\n\r\n") == [401]
    for target in (b"x.example:443", b"http://x.example/api/v1/zones"):
        [status, *_] = await received(
            b"CONNECT " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ) or [400]
        assert 400 <= status < 500


async def test_a_body_that_drips_is_given_up(
    phone: Phone, address: tuple[str, int], district: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.web.body.BODY_WAIT_S", 0.3)
    async with phone.http.get(phone.url / "api/v1/session") as answer:
        csrf = (await answer.json())["csrf"].encode()
    reader, writer = await asyncio.open_connection(*address)
    writer.write(
        b"POST /api/v1/zones/z03/overrides HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\nX-CSRF-Token: "
        + csrf + b"\r\nCookie: " + phone.cookie + b"\r\nConnection: close\r\nContent-Length: 60\r\n\r\n"
    )  # fmt: skip
    async with asyncio.timeout(15):
        for _ in range(10):
            writer.write(b"{")
            await asyncio.sleep(0.05)
        assert b"408" in await reader.readline()
    writer.close()
    assert await district.store.overrides.live(0) == []


def test_proxies_and_loopback_have_no_cap_of_their_own() -> None:
    caps = web_caps(400, 0, ("10.0.0.5", "2001:db8::5"))
    assert (caps.total, caps.silent_per_address, caps.unproven_per_address) == (400, 32, 100)
    for host in ("127.0.0.1", "::1", "10.0.0.5", "::ffff:10.0.0.5", "::ffff:127.0.0.1", "2001:db8::5"):
        assert caps.exempt(host), host
    for host in ("10.0.0.6", "", "2001:db8::6", "nonsense"):
        assert not caps.exempt(host), host
    assert web_caps(400, 7, ()).silent_per_address == 7


async def test_a_certificate_that_is_replaced_serves_the_next_connections(
    district: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("supervisor.web.certificate.LOOK_EACH_S", 0.02)
    first, second = (ensure_pki(tmp_path / name, "roadheat") for name in ("first", "second"))
    served = (tmp_path / "web.pem", tmp_path / "web.key")

    def put(certificate: bytes, key: bytes) -> None:
        served[1].write_bytes(key)
        served[0].write_bytes(certificate)

    async def issuer(http: aiohttp.ClientSession, url: str) -> str:
        for name, pki in (("first", first), ("second", second)):
            trust = ssl.create_default_context(cadata=pki.ca_der.read_bytes())
            try:
                async with http.get(f"{url}/healthz", ssl=trust, server_hostname="roadheat"):
                    return name
            except aiohttp.ClientConnectorCertificateError:
                continue
        return "nobody"

    put(first.server_pem.read_bytes(), first.server_key.read_bytes())
    (tmp_path / "weather.csv").write_text("time_utc\n")
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text())
    config = load(tmp_path / "city.toml")
    tls = msgspec.structs.replace(config.web, listen="127.0.0.1:0", cert=str(served[0]), key=str(served[1]))
    async with (
        listen_web(msgspec.structs.replace(config, web=tls), district.app, BUDGET) as url,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http,
    ):
        assert await issuer(http, url) == "first"
        put(second.server_pem.read_bytes(), first.server_key.read_bytes())  # half of a new pair
        await asyncio.sleep(0.2)
        assert await issuer(http, url) == "first"
        assert "not used" in caplog.text
        put(second.server_pem.read_bytes(), second.server_key.read_bytes())
        async with asyncio.timeout(10):
            while await issuer(http, url) != "second":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        put(b"nothing", b"nothing")
        await asyncio.sleep(0.2)
        assert await issuer(http, url) == "second"
        served[1].unlink()
        served[1].mkdir()  # nor can it be read, as after a renewal with the wrong rights
        await asyncio.sleep(0.2)
        assert await issuer(http, url) == "second"
        served[1].rmdir()
        put(first.server_pem.read_bytes(), first.server_key.read_bytes())
        async with asyncio.timeout(10):
            while await issuer(http, url) != "first":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    assert "failed" not in caplog.text, "its loop goes on"


async def test_over_tls_silent_connections_hold_no_slot_and_phones_are_answered(
    district: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pki = ensure_pki(tmp_path / "pki", "roadheat")
    (tmp_path / "weather.csv").write_text("time_utc\n")
    (tmp_path / "city.toml").write_text(EXAMPLE.read_text())
    config = load(tmp_path / "city.toml")
    tls = msgspec.structs.replace(config.web, listen="127.0.0.1:0", cert=str(pki.server_pem), key=str(pki.server_key))
    trust = ssl.create_default_context(cadata=pki.ca_der.read_bytes())
    async with listen_web(msgspec.structs.replace(config, web=tls), district.app, BUDGET) as url:
        assert url.startswith("https://")
        async with crowd(("127.0.0.1", int(url.rpartition(":")[2])), 300), aiohttp.ClientSession() as http:
            for _ in range(10):
                async with http.get(f"{url}/api/v1/zones", ssl=trust, server_hostname="roadheat") as answer:
                    assert answer.status == 401
    assert refused(district, "crowded") > 0
