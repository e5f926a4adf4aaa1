"""REST handlers for other systems of the city: open data, the district in words."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from supervisor.city.briefing import LANGUAGES, Briefing
from supervisor.city.open_data import Published
from supervisor.domain.errors import NotFoundError
from supervisor.web.allowed import OPEN
from supervisor.web.api import Route
from supervisor.web.body import json_answer
from supervisor.web.keys import SERVICES
from supervisor.web.problems import RequestError

FRESH_S: Final = 3600  # of files that change at midnight


async def _published(request: web.Request) -> Published:
    open_data = request.app[SERVICES].documents.open_data
    if open_data is None:
        raise NotFoundError("no open data is published here", where=request.path[:80])
    return await open_data.today()


def _answer(request: web.Request, made: Published, body: bytes, content_type: str) -> web.Response:
    """Cached by everybody; one that is up to date is not sent again."""
    etag = f'"{made.etag}"'
    headers = {"Cache-Control": f"public, max-age={FRESH_S}", "ETag": etag, "Access-Control-Allow-Origin": "*",
               "Cross-Origin-Resource-Policy": "cross-origin"}  # fmt: skip
    if request.headers.get("If-None-Match", "").strip() == etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)


async def get_zones_csv(request: web.Request) -> web.Response:
    made = await _published(request)
    answer = _answer(request, made, made.csv, "text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="heated-roads-{made.day.isoformat()}.csv"'
    return answer


async def get_zones_json(request: web.Request) -> web.Response:
    made = await _published(request)
    return _answer(request, made, made.json, "application/json")


async def get_briefing(request: web.Request) -> web.Response:
    briefings = request.app[SERVICES].documents.briefings
    if briefings is None:
        raise NotFoundError("no briefing is made here", where=request.path[:80])
    language = request.query.get("lang", LANGUAGES[0])
    if language not in LANGUAGES:
        raise RequestError("invalid", f"no language {language[:20]!r}", where="lang", remedy="Use ko or en")
    return json_answer(briefings.now(language))


ROUTES: Final = (
    Route("GET", "/api/v1/briefing", get_briefing,
          "The district in sentences made from facts, and the facts: `?lang=ko` (default) or `en`", Briefing,
          problems=("not-found", "invalid")),
    Route("GET", "/open-data/zones.csv", get_zones_csv, "Open data: the heated roads as CSV, made daily", None,
          problems=("not-found",), need=OPEN),
    Route("GET", "/open-data/zones.json", get_zones_json, "Open data: the heated roads as JSON, made daily",
          dict[str, Any], problems=("not-found",), need=OPEN),
)  # fmt: skip
