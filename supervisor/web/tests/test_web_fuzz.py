"""Whatever comes in, nothing fails inside: no answer of 500 or above, no command from a damaged request."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

PATHS = ["/api/v1/zones", "/api/v1/zones/z03", "/api/v1/zones/z03/plan", "/api/v1/overrides/1",
         "/api/v1/links", "/login", "/", "/static/app.js", "/openapi.json"]  # fmt: skip
odd_text = st.text(max_size=40)
paths = st.one_of(
    st.sampled_from(PATHS),
    st.just("/api/v1/zones/z03/overrides"),
    st.builds(lambda part: f"/api/v1/zones/{quote(part, safe='')}", odd_text),
    st.builds(lambda part: f"/api/v1/overrides/{quote(part, safe='')}", odd_text),
    st.builds(lambda part: f"/static/{quote(part, safe='/')}", odd_text),
    st.builds(lambda part: f"/login?token={quote(part, safe='')}", odd_text),
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), odd_text),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(odd_text, inner, max_size=4)),
    max_leaves=12,
)
near_misses = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.one_of(st.sampled_from(["on", "ON", ""]), anything),
        "minutes": st.one_of(st.integers(-5, 600), anything),
        "reason": st.one_of(st.just("Ice reported"), anything),
        "extra": anything,
    },
)
bodies = st.one_of(st.binary(max_size=200), near_misses.map(lambda value: json.dumps(value).encode()))


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
    for override in await district.store.live_overrides(0):
        assert override.mode in ("on", "off", "boost")
        assert 60 <= override.expires_utc_s - override.created_utc_s <= 480 * 60
        assert len(override.reason) >= 3
