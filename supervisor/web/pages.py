"""Pages for browsers: the app's one page, its files, and the plain page for signed-out visitors."""

from __future__ import annotations

import html
from typing import Final

import msgspec
from aiohttp import web

from supervisor.domain.errors import NotFoundError
from supervisor.web.files import StaticFile

FILES: Final = web.AppKey("files", dict[str, StaticFile])
LANGUAGES: Final = ("en", "ko")
_GO_ON: Final = '<meta http-equiv="refresh" content="0;url=/">\n'


def language(request: web.Request) -> str:
    """The first of the browser's languages that is translated, else English."""
    for part in request.headers.get("Accept-Language", "").split(","):
        if (short := part.strip()[:2].lower()) in LANGUAGES:
            return short
    return "en"


def plain(request: web.Request, key: str, *, status: int, go_on: bool = False) -> web.Response:
    """A page without scripts; `key` names title and text in the translations. `go_on` opens the app at once.

    That is done by the page and not by a redirect: after one, a browser counts the whole way as started by the site
    (say, a messenger) where the link was, and keeps the SameSite=Strict cookie back.
    """
    files = request.app[FILES]
    words = msgspec.json.decode(files[f"i18n/{language(request)}.json"].body, type=dict[str, str])
    text = files["plain.html"].body.decode()
    values = {
        "language": language(request),
        "title": html.escape(words[f"{key}.title"]),
        "text": html.escape(words[f"{key}.text"]),
        "open": html.escape(words["login.open"]),
        "refresh": _GO_ON if go_on else "",
    }
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return web.Response(text=text, status=status, content_type="text/html")


def wants_page(request: web.Request) -> bool:
    """Whether a browser asks for a page, and not a script."""
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


async def get_index(request: web.Request) -> web.Response:
    """The crew app."""
    return request.app[FILES]["index.html"].response(request)


async def get_file(request: web.Request) -> web.Response:
    """One of the app's files."""
    found = request.app[FILES].get(request.match_info["path"])
    if found is None:
        raise NotFoundError("no such file", where=request.path[:200])
    return found.response(request)
