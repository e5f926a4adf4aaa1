"""What is open to everybody, attacked: paths, hosts, bodies, letters, and limits behind a shared address."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from supervisor.control.residents import ALL_REPORTS
from supervisor.net import connections
from supervisor.web.keys import SERVICES
from supervisor.web.tests.raw_http import request, send_raw
from supervisor.web.tests.test_web_residents import opened

__all__ = ["opened"]  # a fixture

PATHS = (
    b"/roads/../api/v1/zones",
    b"/roads/%2e%2e/api/v1/zones",
    b"/roads/..%2fapi%2fv1%2fzones",
    b"/roads/z01/../../metrics",
    b"/roads//api/v1/zones",
    b"/roads/%00",
    b"/roads/z01%00",
    b"/roads/%ed%a0%80",
    b"/roads/%ff%fe",
    b"/roads/%0d%0aSet-Cookie:x=1",
    b"/roads/<script>",
    b"/roads/%3Cscript%3E",
    b"/roads/z01/ice",
    b"/roads/z01/qr.svg/x",
    b"/roads/" + b"a" * 4000,
    b"/roads?lang=%0d%0aX:1",
    b"/roads?said=%3Cscript%3E",
    b"/roads/z01?lang=ko&lang=en&said=yes&said=known",
    b"/roads/" + "\u202e\U0001f9ca".encode(),
    b"/wall/../login",
    b"/wall/%2e%2e/static/app.js",
    b"/wall%2f",
    b"/wall?x=%00",
    b"/static/%2e%2e/api.py",
    b"/static/..%2f..%2fapp.py",
    b"/static/wall.css%00.js",
    b"/static/i18n/../../app.py",
    b"/static//etc/passwd",
    b"/open-data/../api/v1/zones",
    b"http://elsewhere.example/roads",
    b"//elsewhere.example/roads",
)
HOSTS = (b"elsewhere.example", b"a" * 2000, b"x:99999999", b"[::1", b"\xff\xfe", b"x y", b"")


@pytest.fixture
async def at(opened: Any, aiohttp_server: Any) -> tuple[str, int]:
    server = await aiohttp_server(opened.app)
    return server.host, server.port


async def test_no_path_leads_elsewhere_and_none_is_repeated_to_the_reader(at: tuple[str, int]) -> None:
    for path in PATHS:
        for method in (b"GET", b"HEAD", b"POST"):
            for status, body in await send_raw(*at, request(method, path, {}), patience_s=5.0):
                assert status in (200, 303, 400, 401, 403, 404, 405, 414, 429), (path, method, status)
                assert b"<script>" not in body or body.startswith(b"{")  # JSON is never taken for a page
                assert b"import " not in body[:400]  # no file of the program
                if status == 200 and method == b"GET":
                    assert b"<!doctype html>" in body[:20].lower() or path.startswith(b"/static/"), path


@pytest.mark.parametrize(
    "host",
    [b"attacker.example", b"attacker.example:8080", b"localhost.attacker.example", b"127.0.0.1.attacker.example",
     b"", b"roadheat", b"2130706433", b"\xed\x95\x9c.example"],
)  # fmt: skip
async def test_a_name_that_is_not_ours_reads_nothing(at: tuple[str, int], host: bytes) -> None:
    """DNS rebinding: a stranger's page whose name leads here all at once."""
    reads = (b"/roads", b"/wall", b"/login?token=x", b"/api/v1/zones", b"/open-data/zones.json")
    for method, path in (*((b"GET", path) for path in reads), (b"POST", b"/roads/z01/ice")):
        (status, body), *_ = await send_raw(*at, request(method, path, {b"Host": host}), patience_s=5.0)
        assert status in (400, 421), (host, path)
        assert b"unknown-host" in body or b"web.hosts" in body or status == 400
        assert b"z01" not in body


@pytest.mark.parametrize(
    "host",
    [b"127.0.0.1", b"127.0.0.1:8080", b"[::1]:8080", b"10.1.2.3", b"localhost", b"LocalHost:80", b"heat.example",
     b"Heat.Example.:443", b"heat.internal"],
)  # fmt: skip
async def test_our_own_names_and_addresses_are_answered(opened: Any, at: tuple[str, int], host: bytes) -> None:
    object.__setattr__(opened.app[SERVICES], "public_url", "https://heat.example")
    object.__setattr__(opened.app[SERVICES], "hosts", ("heat.internal",))
    (status, body), *_ = await send_raw(*at, request(b"GET", b"/roads", {b"Host": host}), patience_s=5.0)
    assert status == 200, body


async def test_process_managers_ask_under_any_name(at: tuple[str, int]) -> None:
    (status, _), *_ = await send_raw(*at, request(b"GET", b"/healthz", {b"Host": b"container-7"}), patience_s=5.0)
    assert status == 200


async def test_no_host_and_no_forwarded_name_stands_in_what_a_cache_may_keep(at: tuple[str, int]) -> None:
    for host in HOSTS:
        told = {b"Host": host, b"X-Forwarded-Host": b"elsewhere.example", b"X-Forwarded-Proto": b"javascript",
                b"X-Original-URL": b"/api/v1/zones", b"X-Rewrite-URL": b"/api/v1/zones"}  # fmt: skip
        for method, path in (
            (b"GET", b"/roads"),
            (b"GET", b"/roads/z01"),
            (b"GET", b"/wall"),
            (b"POST", b"/roads/z07/ice"),
        ):
            for status, body in await send_raw(*at, request(method, path, told), patience_s=5.0):
                assert status < 500, (host, path)
                assert b"elsewhere" not in body
                assert b"javascript:" not in body


async def test_a_body_of_any_size_or_pace_is_not_waited_for(at: tuple[str, int]) -> None:
    began = time.monotonic()
    huge = {b"Content-Length": b"9999999999"}
    (status, _), *_ = await send_raw(*at, request(b"POST", b"/roads/z01/ice", huge, b"x" * 200_000), patience_s=2.0)
    assert status in (303, 413)
    chunked = {b"Transfer-Encoding": b"chunked"}
    slow = request(b"POST", b"/roads/z02/ice", chunked) + b"1\r\nx\r\n"
    answers = await asyncio.gather(*(send_raw(*at, slow, patience_s=2.0) for _ in range(20)))
    assert {status for found in answers for status, _ in found} <= {303, 413, 429}
    assert all(answers)
    assert time.monotonic() - began < 60


async def test_whoever_shares_an_address_cannot_use_up_what_others_may_report(opened: Any, aiohttp_client: Any) -> None:
    residents = opened.app[SERVICES].residents
    residents.proxies = ("127.0.0.1",)
    client = await aiohttp_client(opened.app)

    async def said(zone: str) -> str:
        async with client.post(f"/roads/{zone}/ice", allow_redirects=False) as answer:
            return str(answer.headers["Location"])

    for n in range(ALL_REPORTS):
        await residents.reports.report(f"x{n % 40}")
    assert "said=yes" in await said("z05")
    assert "said=known" in await said("z05")


def test_the_addresses_of_one_ipv6_subscriber_are_one() -> None:
    many = {connections.address_group(f"2001:db8:1:2::{n:x}") for n in range(50)}
    assert len(many) == 1
