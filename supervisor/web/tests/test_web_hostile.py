"""Requests that no browser sends: whatever the bytes, the answer is below 500, nothing changes, the log stays short."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any

import pytest

from supervisor.web.tests.raw_http import WAIT_S, request, send_raw, signed_in_headers

PATH = b"/api/v1/zones/z03/overrides"
GOOD = json.dumps({"mode": "on", "minutes": 60, "reason": "Ice reported"}).encode()
BYTES = [
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc3\x28",
    b"\x80" * 50,
    "ключ".encode(),
    b"\xf0\x9f\x92\xa9",
    b"http://[",
    b"[",
    b"%",
    b"\x7f",
    b'"',
    b"a=b; c=\xff",
    b"=",
    b";",
    b",",
    b"9" * 400,
    "²".encode(),
    b"-1",
    b"0x10",
    b"NaN",
    b"\t",
]
HEADERS = [
    b"Origin",
    b"Host",
    b"Referer",
    b"Cookie",
    b"X-CSRF-Token",
    b"Authorization",
    b"Idempotency-Key",
    b"Content-Type",
    b"Accept",
    b"Accept-Encoding",
    b"Accept-Language",
    b"User-Agent",
    b"If-None-Match",
    b"If-Modified-Since",
    b"Range",
    b"Expect",
    b"Sec-Purpose",
    b"Sec-Fetch-Site",
    b"Content-Encoding",
    b"Content-Length",
    b"Transfer-Encoding",
    b"Upgrade",
    b"Connection",
    b"Forwarded",
    b"X-Forwarded-For",
    b"Sec-WebSocket-Key",
    b"X-HTTP-Method-Override",
    b"Content-Disposition",
    b"TE",
    b"Trailer",
]


@pytest.fixture
async def admin(sign_in: Any) -> Any:
    return await sign_in("admin")


async def _all_below_500(district: Any, admin: Any, requests: list[bytes], patience_s: float = WAIT_S) -> list[int]:
    """All statuses; checks that none says that the server failed, and that no command came of it."""
    statuses = []
    sent = (send_raw(admin.client.host, admin.client.port, data, patience_s=patience_s) for data in requests)
    for data, answers in zip(requests, await asyncio.gather(*sent), strict=True):
        for status, body in answers:
            assert status < 500, (data[:300], status, body[:300])
            statuses.append(status)
    assert await district.store.overrides.live(0) == []
    return statuses


@pytest.mark.parametrize("target", [b"GET /api/v1/zones", b"DELETE /api/v1/overrides/77", b"GET /login?token=guess"])
async def test_any_bytes_in_any_header(district: Any, admin: Any, target: bytes, caplog: Any) -> None:
    known = signed_in_headers(admin)
    requests = [request(*target.split(), known | {header: value}) for header in HEADERS for value in BYTES]
    statuses = await _all_below_500(district, admin, requests, patience_s=1.0)
    assert len(statuses) >= len(requests) // 2
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []


async def test_cookies_and_tokens_of_any_bytes_sign_nobody_in(district: Any, admin: Any) -> None:
    known = signed_in_headers(admin)
    for value in (
        b"roadheat=\xff" + b"\xfe" * 30,
        b"roadheat=" + b"\xed\xa0\x80" * 10,
        b'roadheat="' + b"\\377" * 12 + b'"',
    ):
        statuses = await _all_below_500(
            district, admin, [request(b"GET", b"/api/v1/zones", known | {b"Cookie": value})]
        )
        assert statuses == [401]
    for token in (b"\xff" * 40, b"%FF" * 40, b"%ED%A0%80" * 10, b"%00" * 20):
        assert set(await _all_below_500(district, admin, [request(b"GET", b"/login?token=" + token, {})])) <= {400, 401}
    metrics = request(b"GET", b"/metrics", {b"Authorization": b"Bearer \xff\xfe"})
    assert await _all_below_500(district, admin, [metrics]) == [401]


async def test_an_origin_that_is_not_an_address_is_another_site(district: Any, admin: Any) -> None:
    origins = [b"http://[", b"http://]", b"http://[::1", b"//[", b"http://\xff", b"http://x:99999", b"http://[v]", b""]
    headers = signed_in_headers(admin)
    requests = [request(b"POST", PATH, headers | {b"Origin": origin}, GOOD) for origin in origins]
    assert await _all_below_500(district, admin, requests) == [403] * len(origins)


ENCODINGS = [b"gzip", b"deflate", b"br", b"zstd", b"compress", b"gzip, gzip", b"identity, gzip", b"\xff"]
BODIES = [
    b"\x1f\x8b\x08\x00broken",
    GOOD[:-9],
    gzip.compress(GOOD)[:30],
    b"\x00" * 500,
    gzip.compress(b" " * 20_000_000),
    zlib.compress(b" " * 20_000_000),
]


@pytest.mark.parametrize("target", [b"POST " + PATH, b"DELETE /api/v1/overrides/77", b"GET /api/v1/zones"])
@pytest.mark.parametrize("key", [{}, {b"Idempotency-Key": b"a1b2c3d4e5f6"}], ids=["", "with a key"])
async def test_a_broken_or_exploding_body_is_refused(
    district: Any, admin: Any, target: bytes, key: dict[bytes, bytes], caplog: Any
) -> None:
    known = signed_in_headers(admin) | key
    statuses = await _all_below_500(
        district,
        admin,
        [
            request(*target.split(), known | {b"Content-Encoding": encoding}, body)
            for encoding in ENCODINGS
            for body in BODIES
        ],
    )
    assert all(status >= 400 for status in statuses) or not target.startswith(b"POST")
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []


async def test_a_compressed_body_that_is_whole_is_read(admin: Any) -> None:
    headers = signed_in_headers(admin) | {b"Content-Encoding": b"gzip"}
    data = request(b"POST", PATH, headers, gzip.compress(GOOD))
    [(status, _)] = await send_raw(admin.client.host, admin.client.port, data)
    assert status == 201


TARGETS = [
    b"/api/v1/zones/%ff",
    b"/api/v1/zones/%ed%a0%80",
    b"/api/v1/zones/%00",
    b"/api/v1/zones/%2f..%2f",
    b"/api/v1/zones/\xff\xfe",
    b"/api/v1/people/%ff",
    b"/api/v1/sessions/%ed%b0%80",
    b"/api/v1/links/%f5%80",
    b"/api/v1/overrides/%d9%a3",
    b"/static/%ff",
    b"/%",
    b"/%zz",
    b"//",
    b"/?%ff=%fe&&&=",
    b"*",
    b"http://[/api/v1/zones",
    b"http://x/api/v1/zones",
    b"http://x:99999/",
    b"/login?token=%ff",
    b"x",
    b"/" + b"a" * 8000,
    b"/" + b"a" * 9000,
    b"/api/v1/zones?" + b"a&" * 3000,
    b"/api/v1/zones#x",
    b"//evil.example/%2e%2e",
    b"\\..\\",
    b"ws://[",
]


async def test_any_address(district: Any, admin: Any, caplog: Any) -> None:
    headers = signed_in_headers(admin)
    methods = (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"CONNECT", b"PRI", b"TRACE", b"get", b"\xff")
    requests = [request(method, target, headers) for method in methods for target in TARGETS]
    await _all_below_500(district, admin, requests, patience_s=1.0)
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []


DAMAGED = [
    b'{"mode":"on\\n","minutes":60,"reason":"Ice reported"}',
    b'{"mode":"on","minutes":1e400,"reason":"Ice reported"}',
    b'{"mode":"on","minutes":' + b"9" * 5000 + b',"reason":"Ice reported"}',
    b'{"mode":"on","minutes":60,"reason":"\\udc00\\ud800"}',
    b'{"mode":"on","minutes":60,"reason":"\\u0000\\u0000\\u0000"}',
    b'{"mode":"on","minutes":60,"reason":"a\\u0007b\\u001bc"}',
    b'{"mode":"on","minutes":60,"reason":"' + "눈".encode()[:-1] * 9 + b'"}',
    b"[" * 16_000,
    b'{"a":' * 3_000,
    b'"' * 3,
    b"\xef\xbb\xbf" + GOOD,
    b'{"mode":"on","mode":"off","minutes":-0,"reason":"Ice reported"}',
    b"nul",
    b"",
    b"{}" * 2,
    b'{"minutes":true,"mode":"on","reason":"Ice"}',
]


async def test_any_json(district: Any, admin: Any) -> None:
    headers = signed_in_headers(admin)
    for target in (PATH, b"/api/v1/links", b"/api/v1/zones/%ff/overrides"):
        statuses = await _all_below_500(district, admin, [request(b"POST", target, headers, body) for body in DAMAGED])
        assert len(statuses) == len(DAMAGED)
        assert all(status >= 400 for status in statuses)


FRAMINGS = [
    {b"Content-Length": b"5"},
    {b"Content-Length": b"500"},
    {b"Content-Length": b"99999999999999999999"},
    {b"Content-Length": b"-1"},
    {b"Content-Length": b"+80"},
    {b"Content-Length": b"7 7"},
    {b"Transfer-Encoding": b"chunked"},
    {b"Transfer-Encoding": b"gzip"},
    {b"Transfer-Encoding": b"chunked", b"Content-Length": b"5"},
    {b"Transfer-Encoding": b"chunked, chunked"},
    {b"Expect": b"200-ok", b"Content-Length": b"5"},
    {b"Expect": b"100-continue", b"Content-Length": b"5"},
]


async def test_lies_about_the_body(district: Any, admin: Any, caplog: Any) -> None:
    known = signed_in_headers(admin)
    requests = [
        request(b"POST", PATH, known | framing, body, version=version)
        for framing in FRAMINGS
        for body in (GOOD, b'5\r\n{"mod\r\nzz\r\n', b"ffffffffffffffff\r\n", b"-5\r\nx\r\n0\r\n\r\n")
        for version in (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.9", b"HTTP/9.9")
    ]
    statuses = await _all_below_500(district, admin, requests, patience_s=1.0)
    assert len(statuses) >= len(requests) // 2
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []


NO_HTTP = [
    b"\r\n\r\n",
    b"\x00" * 100,
    b"GET\r\n\r\n",
    b"GET / HTTP/1.1\r\n",
    b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\n\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 5_000 + b"\r\n",
    b"GET / HTTP/1.1\r\nX\xff: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n",
    b"GET / HTTP/1.1\r\n folded\r\n\r\n",
    b"GET /api/v1/zones HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300,
]


async def test_anything_else_that_is_sent(district: Any, admin: Any, caplog: Any) -> None:
    await _all_below_500(district, admin, NO_HTTP, patience_s=1.0)
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []
