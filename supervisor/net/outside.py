"""Requests to addresses that people type in: never to this machine or its network, never past a redirect.

A browser names the address of its push service, an administrator that of a webhook. Without a guard either could make
the service ask what only the service can reach (server-side request forgery, OWASP API7:2023). The name is checked
when it is resolved for the connection itself, so that a second answer of the name server cannot differ from the one
that was checked.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from supervisor.net.addresses import check_url, is_public

TIMEOUT_S = 10.0  # a push service answers within a second


class _GuardedResolver(AbstractResolver):
    """Names to public addresses only, except those of `local_hosts`."""

    def __init__(self, local_hosts: Collection[str], inner: AbstractResolver | None = None) -> None:
        self._local_hosts = local_hosts
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if host in self._local_hosts:
            return found
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise OSError(errno.EACCES, f"{host} is an address of this machine or its network")
        return public

    async def close(self) -> None:
        await self._inner.close()


def open_session(local_hosts: Collection[str] = (), resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """A client session for such requests; each redirect and each address is checked as well."""
    connector = aiohttp.TCPConnector(resolver=_GuardedResolver(local_hosts, resolver), family=socket.AF_UNSPEC)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_Check(local_hosts),),
        trust_env=False,
    )


class _Check:
    """Client middleware: literal addresses pass no resolver, so every request's address is checked here as well."""

    def __init__(self, local_hosts: Collection[str]) -> None:
        self._local_hosts = local_hosts

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        check_url(str(request.url), self._local_hosts)
        return await handler(request)
