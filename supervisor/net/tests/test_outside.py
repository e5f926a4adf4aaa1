"""Addresses that people type in never lead to this machine or its network."""

from __future__ import annotations

import socket

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from supervisor.domain.errors import NotifyError
from supervisor.net.addresses import check_url, is_public
from supervisor.net.outside import open_session

LOCAL = [
    "https://127.0.0.1/x", "https://127.1/x", "https://0x7f000001/x", "https://2130706433/", "https://10.1.2.3/",
    "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://[fe80::1]/",
    "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://100.64.0.1/", "https://0.0.0.0/",
    "https://224.0.0.1/", "http://ntfy.example/topic", "ftp://x.example/", "https:///x", "https://a:b@x.example/",
    "https://x.example:99999/", "https://x exa.mple/", "file:///etc/passwd", "",
]  # fmt: skip


@pytest.mark.parametrize("url", LOCAL)
def test_addresses_of_this_network_are_refused(url: str) -> None:
    with pytest.raises(NotifyError):
        check_url(url)


def test_public_addresses_and_listed_hosts_pass() -> None:
    assert check_url("https://ntfy.sh/topic") == "ntfy.sh"
    assert check_url("https://93.184.216.34/x") == "93.184.216.34"
    assert check_url("http://10.0.0.7:8080/x", ["10.0.0.7"]) == "10.0.0.7"
    assert is_public("2606:4700::1111")
    assert not is_public("no address")


class Lying(AbstractResolver):
    """A name server that gives a public name the address of this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None: ...


async def test_a_name_that_resolves_to_this_machine_is_not_asked() -> None:
    async with open_session(resolver=Lying()) as http:
        with pytest.raises((aiohttp.ClientError, OSError), match="this machine"):
            await http.post("https://push.example/x", data=b"x")
    async with open_session() as http:
        with pytest.raises(NotifyError):
            await http.get("http://127.0.0.1:1/")


async def test_a_redirect_to_this_machine_is_refused_as_well(aiohttp_server: object) -> None:
    asked = []

    async def away(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": f"http://localhost:{request.url.port}/inside"})

    app = web.Application()
    app.router.add_get("/{path:.*}", away)
    server = await aiohttp_server(app)  # type: ignore[operator]
    async with open_session(("127.0.0.1",)) as http:
        with pytest.raises(NotifyError):
            await http.get(str(server.make_url("/first")))
    assert asked == ["/first"]
