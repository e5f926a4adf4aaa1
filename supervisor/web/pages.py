"""Pages for browsers: the app's files, and the plain page for signed-out visitors."""

from __future__ import annotations

import html
from typing import Final

import msgspec
from aiohttp import web

from supervisor.domain.errors import NotFoundError
from supervisor.web.files import StaticFile
from supervisor.web.keys import SERVICES
from supervisor.web.party import party

FILES: Final = web.AppKey("files", dict[str, StaticFile])
FOLDER: Final = web.AppKey("folder", str)  # address of the start files
LANGUAGES: Final = ("en", "ko")
_THEN: Final = '<meta http-equiv="refresh" content="0;url={url}">\n'
_SCRIPT: Final = '<script src="/static/login.js" defer></script>\n'


def language(request: web.Request) -> str:
    """The first of the browser's languages that is translated, else English."""
    for part in request.headers.get("Accept-Language", "").split(","):
        if (short := part.strip()[:2].lower()) in LANGUAGES:
            return short
    return "en"


def plain(request: web.Request, key: str, *, status: int, then: str = "") -> web.Response:
    """A page without scripts; `key` names title and text in the translations. `then` is opened at once.

    That is done by the page and not by a redirect: after one, a browser counts the whole way as started by the site
    (say, a messenger) where the link was, and keeps the SameSite=Strict cookie back.
    """
    files = request.app[FILES]
    words = msgspec.json.decode(files[f"i18n/{language(request)}.json"].body, type=dict[str, str])
    text = files["plain.html"].body.decode()
    services = request.app[SERVICES]
    contact, passkeys = services.contact, party(services.public_url) is not None
    values = {
        "language": language(request),
        "title": html.escape(words[f"{key}.title"]),
        "text": html.escape(words[f"{key}.text"]),
        "open": html.escape(words["login.open"]),
        "call": f"<p>{html.escape(words['login.call'].replace('{contact}', contact))}</p>" if contact else "",
        "passkey": html.escape(words["login.passkey"]),
        "failed": html.escape(words["login.passkey-failed"]),
        "refresh": _THEN.format(url=then) if then else _SCRIPT if passkeys else "",
    }
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return web.Response(text=text, status=status, content_type="text/html")


def wants_page(request: web.Request) -> bool:
    """Whether a browser asks for a page, and not a script."""
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


def for_people(request: web.Request) -> bool:
    """Whether an address that leads nowhere is answered with a page: a person has typed or tapped it."""
    return wants_page(request) and not request.path.startswith("/api/")


async def get_file(request: web.Request) -> web.Response:
    """One of the app's files."""
    found = request.app[FILES].get(request.match_info["path"])
    if found is None:
        raise NotFoundError("no such file", where=request.path[:200])
    return found.response(request)
