"""GET /wall: the page for a screen on the wall, which has nobody to sign in.

Page and files are open to everybody and hold no data; what it shows comes with the API token that the address has
behind its `#`. Browsers send that part to no server, so it is in no log.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from supervisor.web.pages import FILES

PATH: Final = "/wall"


async def get_wall(request: web.Request) -> web.Response:
    """The page, without any data."""
    return request.app[FILES]["wall.html"].response(request)
