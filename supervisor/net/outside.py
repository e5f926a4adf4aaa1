"""Requests to addresses that people type in: never to this machine or its network, never past a redirect.

A browser names the address of its push service, an administrator that of a webhook. Without a guard either could make
the service ask what only the service can reach (server-side request forgery, OWASP API7:2023). The name is checked
when it is resolved for the connection itself, so that a second answer of the name server cannot differ from the one
that was checked.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from supervisor.domain.errors import NotifyError

TIMEOUT_S = 10.0  # a push service answers within a second
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # IPv4 addresses as IPv6 ones (RFC 6052)
REMEDY = "Write a public https address, or list the host in alarms.local_hosts"


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; also of the IPv4 address that an IPv6 one stands for."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            found = inner
    return found.is_global and not found.is_multicast


def check_url(url: str, local_hosts: Collection[str] = ()) -> str:
    """The host of a URL that may be asked; raises NotifyError for any other.

    Plain http, and addresses of this machine and its network, only for `local_hosts`.
    """
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname or "", parts.scheme
        _ = parts.port  # raises where it is no port
    except ValueError as error:
        raise NotifyError("not a web address", where=url[:80], remedy=REMEDY) from error
    if scheme not in ("http", "https") or not host or any(c.isspace() or ord(c) < 0x20 for c in url):
        raise NotifyError("not a web address", where=url[:80], remedy=REMEDY)
    if parts.username or parts.password:
        raise NotifyError("an address with a password in it", where=host, remedy="Put secrets into the environment")
    if host in local_hosts:
        return host
    if scheme != "https":
        raise NotifyError("plain http", where=host, remedy=REMEDY)
    if _is_address(host) and not is_public(host):
        raise NotifyError("an address of this machine or its network", where=host, remedy=REMEDY)
    return host


def _is_address(host: str) -> bool:
    """Whether it names no host but an address, in any form that the system's resolver takes: 127.1, 0x7f000001."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
        return True
    except ValueError:
        pass
    try:
        socket.inet_aton(host)
        return True
    except OSError:
        return False


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
