"""Names under which the service may be asked.

A page of a stranger may let its own name lead to this machine (DNS rebinding): the browser of somebody in the city's
network then reads here, for that page, what is open to everybody there. An address, `localhost`, this machine's own
name and the names of city.toml are no stranger's. Over TLS of our own the browser has compared the name with the
certificate already.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from supervisor.web.keys import SERVICES
from supervisor.web.pages import plain, wants_page
from supervisor.web.problems import RequestError

ASKED_BY_MACHINES: Final = frozenset({"/healthz", "/readyz"})  # under whatever name a container has; without data
_OWN: Final = {"localhost", socket.gethostname().lower()} - {""}


def name_of(host: str) -> str:
    """The name or address in a Host header: without port, brackets and the root's dot, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def is_known(host: str, names: Collection[str]) -> bool:
    """Whether a Host header has a name of this service; `names`: those that are configured."""
    name = name_of(host)
    if name in _OWN or name.endswith(".localhost") or name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@web.middleware
async def require_own_name(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse a request under a name that is not ours. Without a Host header it does not come from a browser."""
    services = request.app[SERVICES]
    public = urlsplit(services.public_url).hostname
    names = {*services.hosts, public} if public else services.hosts
    given = request.headers.getall("Host", [])
    if request.secure or request.path in ASKED_BY_MACHINES or all(is_known(host, names) for host in given):
        return await handler(request)
    if wants_page(request):
        return plain(request, "login.host", status=421)
    raise RequestError("unknown-host", where="Host", remedy="Use web.public_url, or add the name to web.hosts")
