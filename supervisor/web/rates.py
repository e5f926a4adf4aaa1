"""How often one person or program may command over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from supervisor.runtime.rates import Rates
from supervisor.web.keys import SESSION
from supervisor.web.problems import RequestError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

RATES: Final = web.AppKey("rates", Rates)


def limited(handler: Handler) -> Handler:
    """The handler, for as many requests of one person or program as the bucket gives; then `too-fast`."""

    async def counted(request: web.Request) -> web.StreamResponse:
        if not request.app[RATES].take(request[SESSION].user):
            raise RequestError("too-fast", remedy="Wait a minute")
        return await handler(request)

    return counted
