"""Behind a real nginx with its defaults (buffering, HTTP/1.0 and its own Host towards the service) and gzip."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from supervisor.runtime.clock import ManualClock
from supervisor.web.keys import SERVICES
from supervisor.web.site import make_app
from supervisor.web.tests.test_web_api import OVERRIDE
from supervisor.web.tests.test_web_stream import event
from tools.servers import Nginx, find_program, running_nginx

pytestmark = pytest.mark.nginx

PUBLIC = "https://heat.example"  # nginx ends TLS there; what it sends on is plain


class Behind:
    """A district behind nginx, and the clock of its streams."""

    def __init__(self, nginx: Nginx, wall: ManualClock, http: aiohttp.ClientSession) -> None:
        self.nginx, self.wall, self.http = nginx, wall, http
        self.cookie = {"Cookie": ""}

    def request(self, method: str, path: str, **options: Any) -> Any:
        headers = self.cookie | options.pop("headers", {})
        return self.http.request(method, self.nginx.url + path, headers=headers, **options)


@pytest.fixture
async def behind(district: Any, tmp_path: Path) -> AsyncIterator[Behind]:
    """Signed in over the proxy, with the link that a person opens."""
    if find_program("nginx") is None:
        pytest.skip("nginx is not installed: as root on Debian, python -m tools.get_servers")
    wall = ManualClock()
    services = replace(district.app[SERVICES], public_url=PUBLIC, wall=wall, registry=CollectorRegistry())
    async with (
        TestServer(make_app(services)) as server,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        with running_nginx(tmp_path, f"http://127.0.0.1:{server.port}") as nginx:
            made = Behind(nginx, wall, http)
            token, _ = await district.sessions.invite("kim-crew", "crew", "test")
            async with made.request("GET", "/login", params={"token": token}, allow_redirects=False) as answer:
                assert answer.status in (200, 303)
                made.cookie = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
            yield made


async def test_the_first_events_pass_at_once_and_heartbeats_follow(district: Any, behind: Behind) -> None:
    async with behind.request("GET", "/api/v1/stream", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.status == 200
        async with asyncio.timeout(2):
            assert await event(answer.content, "clock")
            assert len(await event(answer.content, "zones")) == 8
        for n in range(3):
            behind.wall.advance(16.0)
            district.hear("z01", -1.0 - n, "ice")  # wakes the stream, which then looks at the wall clock
            async with asyncio.timeout(2):
                assert await event(answer.content, "clock")


async def test_a_change_passes_at_once(district: Any, behind: Behind) -> None:
    async with behind.request("GET", "/api/v1/stream") as answer:
        await event(answer.content, "zones")
        district.hear("z04", -3.25, "frost", 0.2)
        behind.wall.advance(2.0)
        async with asyncio.timeout(2):
            assert (await event(answer.content, "zone"))["id"] == "z04"


async def test_commands_pass_from_the_public_address_only(district: Any, behind: Behind) -> None:
    async with behind.request("GET", "/api/v1/session") as answer:
        csrf = {"X-CSRF-Token": (await answer.json())["csrf"]}
    path = "/api/v1/zones/z03/overrides"
    async with behind.request("POST", path, json=OVERRIDE, headers={**csrf, "Origin": PUBLIC}) as answer:
        assert answer.status == 201
    async with behind.request("POST", path, json=OVERRIDE, headers={**csrf, "Origin": "https://x.example"}) as answer:
        assert answer.status == 403
    assert len(await district.store.overrides.made("z03", 0, 4e9)) == 1
