"""REST handlers for NGSI-LD: entities to be read, and what their terms mean. Nothing is written here."""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import web

from supervisor.city.ngsi.entities import CONTEXT, TYPES, Entities, Entity, simplified, with_context
from supervisor.domain.errors import NotFoundError
from supervisor.web.allowed import OPEN
from supervisor.web.api import Route
from supervisor.web.keys import SERVICES
from supervisor.web.problems import RequestError

LIMIT: Final = 20  # entities of a page
LIMIT_MAX: Final = 1_000
JSON_LD: Final = "application/ld+json"


def _entities(request: web.Request) -> Entities:
    entities = request.app[SERVICES].documents.entities
    if entities is None:
        raise NotFoundError("no entities are served here", where=request.path[:80])
    return entities


def _number(request: web.Request, name: str, otherwise: int, least: int, most: int) -> int:
    text = request.query.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise RequestError("invalid", f"{text[:40]!r}", where=name, remedy=f"Give a number from {least} to {most}")
    return int(text)


def _shown(request: web.Request, found: list[Entity]) -> list[Entity]:
    """In the form that `options` asks for, with the contexts."""
    options = request.query.get("options", "normalized")
    if options not in ("normalized", "keyValues"):
        raise RequestError("invalid", f"{options[:40]!r}", where="options", remedy="Use normalized or keyValues")
    return with_context([simplified(one) for one in found] if options == "keyValues" else found)


def _answer(body: Any, **headers: str) -> web.Response:
    raw = json.dumps(body, ensure_ascii=False).encode()
    return web.Response(body=raw, content_type=JSON_LD, headers=headers)


async def get_entities(request: web.Request) -> web.Response:
    """A page of the entities of the given types."""
    entities = _entities(request)
    types = [name for name in request.query.get("type", "").split(",") if name]
    if not types or any(name not in TYPES for name in types):
        raise RequestError("invalid", "no type, or an unknown one", where="type", remedy="Use " + ", ".join(TYPES))
    limit = _number(request, "limit", LIMIT, 1, LIMIT_MAX)
    offset = _number(request, "offset", 0, 0, 10**6)
    found = [one for one in entities.all() if one["type"] in types]
    headers = {"NGSILD-Results-Count": str(len(found))} if request.query.get("count") == "true" else {}
    return _answer(_shown(request, found[offset : offset + limit]), **headers)


async def get_entity(request: web.Request) -> web.Response:
    """One entity by its id."""
    wanted = request.match_info["entity"]
    found = [one for one in _entities(request).all() if one["id"] == wanted]
    if not found:
        raise NotFoundError("no such entity", where=wanted[:80], remedy="GET /ngsi-ld/v1/entities lists them")
    return _answer(_shown(request, found)[0])


async def get_context(request: web.Request) -> web.Response:
    """The terms: no data."""
    _entities(request)
    return _answer({"@context": CONTEXT}, **{"Cache-Control": "public, max-age=3600"})


ROUTES: Final = (
    Route("GET", "/ngsi-ld/v1/entities", get_entities,
          "NGSI-LD entities: `?type=`, `?limit=`, `?offset=`, `?count=true`, `?options=keyValues`",
          list[dict[str, Any]], problems=("not-found", "invalid")),
    Route("GET", "/ngsi-ld/v1/entities/{entity}", get_entity, "One NGSI-LD entity", dict[str, Any],
          problems=("not-found", "invalid")),
    Route("GET", "/ngsi-ld/context.jsonld", get_context, "What the terms of the entities mean", dict[str, Any],
          problems=("not-found",), need=OPEN),
)  # fmt: skip
