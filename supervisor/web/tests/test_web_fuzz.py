"""Whatever comes in, nothing fails inside: no answer of 500 or above, no command from a damaged request."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from supervisor.web.tests.raw_http import request, send_raw, signed_in_headers

PATHS = ["/api/v1/zones", "/api/v1/zones/z03", "/api/v1/zones/z03/plan", "/api/v1/overrides/1",
         "/api/v1/links", "/api/v1/people", "/api/v1/session?last-admin=no", "/login", "/",
         "/static/app.js", "/openapi.json", "/api", "/api/v1/tokens", "/api/v1/passkeys", "/api/v1/passkeys/options",
         "/login/passkey", "/login/passkey/options", "/api/v1/alarms/acknowledge", "/api/v1/alarms/shelve"]  # fmt: skip
odd_text = st.text(max_size=40)
paths = st.one_of(
    st.sampled_from(PATHS),
    st.just("/api/v1/zones/z03/overrides"),
    st.builds(lambda part: f"/api/v1/zones/{quote(part, safe='')}", odd_text),
    st.builds(lambda part: f"/api/v1/overrides/{quote(part, safe='')}", odd_text),
    st.builds(lambda part: f"/api/v1/people/{quote(part, safe='')}", odd_text),
    st.builds(lambda part: f"/api/v1/sessions/{quote(part, safe='')}", odd_text),
    st.builds(lambda part: f"/api/v1/links/{quote(part, safe='')}", odd_text),
    st.builds(lambda part: f"/api/v1/tokens/{quote(part, safe='')}", odd_text),
    st.builds(lambda part: f"/api/v1/passkeys/{quote(part, safe='')}", odd_text),
    st.builds(lambda part: f"/static/{quote(part, safe='/')}", odd_text),
    st.builds(lambda part: f"/login?token={quote(part, safe='')}", odd_text),
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), odd_text),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(odd_text, inner, max_size=4)),
    max_leaves=12,
)
client_data = st.one_of(
    st.just("eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiQUFBQSIsIm9yaWdpbiI6Imh0dHBzOi8veCJ9"), odd_text
)
credentials = st.one_of(
    st.fixed_dictionaries({"clientDataJSON": client_data, "attestationObject": odd_text}),
    st.fixed_dictionaries({"clientDataJSON": client_data, "authenticatorData": odd_text, "signature": odd_text}),
)
near_misses = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.one_of(st.sampled_from(["on", "ON", ""]), anything),
        "minutes": st.one_of(st.integers(-5, 600), anything),
        "reason": st.one_of(st.just("Ice reported"), anything),
        "user": st.one_of(st.sampled_from(["kim-admin", "Lee\n"]), odd_text),
        "role": st.one_of(st.sampled_from(["crew", "crew\n", "admin"]), anything),
        "change_role": st.one_of(st.booleans(), anything),
        "name": st.one_of(st.just("program"), odd_text),
        "scopes": st.one_of(st.just(["read"]), anything),
        "days": st.one_of(st.integers(-1, 500), anything),
        "id": st.one_of(st.just("AAAA"), odd_text),
        "response": st.one_of(credentials, anything),
        "extra": anything,
    },
)
bodies = st.one_of(st.binary(max_size=200), near_misses.map(lambda value: json.dumps(value).encode()))


async def _commands_are_whole(district: Any) -> None:
    for override in await district.store.overrides.live(0):
        assert override.mode in ("on", "off", "boost")
        assert 60 <= override.expires_utc_s - override.created_utc_s <= 480 * 60
        assert len(override.reason) >= 3


@pytest.fixture
async def signed_in(sign_in: Any) -> Any:
    return await sign_in("admin")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD", "PATCH"]), path=paths, body=bodies)
async def test_any_request_is_answered_below_500(
    signed_in: Any, district: Any, method: str, path: str, body: bytes
) -> None:
    url = signed_in.client.make_url("/").join(URL(path, encoded=True))
    headers = {"X-CSRF-Token": signed_in.csrf, "Content-Type": "application/json"}
    async with signed_in.client.session.request(method, url, data=body, headers=headers) as answer:
        assert answer.status < 500
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    await _commands_are_whole(district)


raw_bytes = st.binary(max_size=60).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b""))
header_names = st.sampled_from(
    [b"Cookie", b"Origin", b"Host", b"X-CSRF-Token", b"Idempotency-Key", b"Authorization", b"Content-Type",
     b"Content-Encoding", b"Accept-Language", b"User-Agent", b"Expect", b"If-None-Match", b"Range", b"Sec-Fetch-Site"]
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from([b"GET", b"POST", b"DELETE", b"OPTIONS"]),
    path=st.one_of(paths.map(str.encode), raw_bytes.map(lambda part: b"/api/v1/zones/" + part.replace(b" ", b""))),
    headers=st.dictionaries(header_names, raw_bytes, max_size=4),
    body=bodies,
)
async def test_any_bytes_are_answered_below_500(
    signed_in: Any, district: Any, method: bytes, path: bytes, headers: dict[bytes, bytes], body: bytes
) -> None:
    data = request(method, path, signed_in_headers(signed_in) | headers, body)
    for status, answer in await send_raw(signed_in.client.host, signed_in.client.port, data, patience_s=1.0):
        assert status < 500, answer
    await _commands_are_whole(district)
