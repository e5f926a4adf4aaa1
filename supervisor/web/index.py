"""GET /: the crew app's page, with what the app would have to ask for first: who is signed in, and every road."""

from __future__ import annotations

import gzip
from typing import Final

import msgspec
from aiohttp import web

from supervisor.control.view import ZoneView
from supervisor.web.api import session_answer
from supervisor.web.files import takes_gzip
from supervisor.web.keys import SERVICES
from supervisor.web.pages import FILES, FOLDER, language
from supervisor.web.schema import SessionAnswer

_LEVEL: Final = 6  # of compression: the last percent costs as much time as all before it
_HEAD: Final = '<link rel="preload" as="fetch" href="{folder}/i18n/{language}.json" crossorigin>\n</head>'
_FIRST: Final = b'<script type="application/json" id="first">%b</script>\n</body>'


class First(msgspec.Struct):
    """What the page brings along."""

    session: SessionAnswer
    zones: list[ZoneView]


async def get_index(request: web.Request) -> web.Response:
    """The page, never kept: it holds the secret of the session. The service worker keeps one without data."""
    first = msgspec.json.encode(First(session_answer(request), request.app[SERVICES].live.snapshot()))
    head = _HEAD.format(folder=request.app[FOLDER], language=language(request)).encode()
    body = request.app[FILES]["index.html"].body.replace(b"</head>", head)
    body = body.replace(b"</body>", _FIRST % first.replace(b"<", b"\\u003c"))  # no text from outside ends the block
    headers = {"Vary": "Accept-Encoding, Accept-Language"}
    if takes_gzip(request):
        body = gzip.compress(body, _LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=headers, content_type="text/html", charset="utf-8")
