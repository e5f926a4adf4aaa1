"""GET /openapi.json: OpenAPI 3.1 generated from `ALL_ROUTES` and the structs, so that it cannot contradict them."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from aiohttp import web

from supervisor.domain.scope import Scope
from supervisor.web.allowed import LOOK, Need
from supervisor.web.api import Route
from supervisor.web.problems import CODES, PROBLEM_JSON, Problem
from supervisor.web.routes import ALL_ROUTES
from supervisor.web.schema import ClockEvent

EVERYWHERE: Final = ("unauthenticated", "forbidden", "unknown-host", "internal", "store")
# Codes of lower layers without a status of their own here: their class decides (see `problems.status_of`).
OTHER_STATUS: Final = {"unknown-zone": 404, "unknown-override": 404, "no-plan": 404}
OTHERS: Final = ("/api/v1/stream", "/metrics", "/openapi.json")  # that only look, beside `ALL_ROUTES`


_HEALTH: Final = {
    status: {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
    for status, text in (("200", "Yes"), ("503", "No: `why` has the codes of the alarms"))
}


def _schema_types() -> list[Any]:
    types: list[Any] = [Problem, ClockEvent]
    for route in ALL_ROUTES:
        types += [each for each in (route.request, route.answer) if each is not None]
    return types


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    types = _schema_types()
    found, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    # Annotated lists cannot be dictionary keys: pair them by position.
    return {str(kind): schema for kind, schema in zip(types, found, strict=True)}, components


def _responses(route: Route, schema: dict[Any, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done"}
    if route.answer is not None:
        done["content"] = {"application/json": {"schema": schema[str(route.answer)]}}
    by_status: dict[int, list[str]] = {}
    limited = ("too-fast",) if route.limited else ()
    everywhere = EVERYWHERE if not route.needs.open else ("internal", "store")
    for code in dict.fromkeys((*route.problems, *limited, *everywhere)):
        status = OTHER_STATUS[code] if code in OTHER_STATUS else CODES[code][0]
        by_status.setdefault(status, []).append(code)
    problems = {
        str(status): {
            "description": "Problem: " + ", ".join(codes),
            "content": {PROBLEM_JSON: {"schema": schema[str(Problem)]}},
        }
        for status, codes in sorted(by_status.items())
    }
    return {str(route.status): done, **problems}


def _security(need: Need) -> list[dict[str, list[str]]]:
    """Nothing, or a session, or a token with a scope: OpenAPI 3.1 lists for a bearer token the roles that it needs."""
    if need.open:
        return []
    programs = [] if need.scope is None else [{"token": [need.scope.value]}]
    return [{"session": []}, *programs]


def _operation(route: Route, schema: dict[Any, Any]) -> dict[str, Any]:
    handler = getattr(route.handler, "__name__", route.path)
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.method != "GET" and not route.needs.open:
        csrf = "Of the session, from GET /api/v1/session; not needed with an API token"
        parameters.append(
            {"name": "X-CSRF-Token", "in": "header", "required": False, "description": csrf,
             "schema": {"type": "string"}}
        )  # fmt: skip
        key = {"type": "string", "minLength": 8, "maxLength": 64, "pattern": "^[0-9A-Za-z]+$"}
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": key})
    operation: dict[str, Any] = {
        "operationId": handler,
        "summary": route.summary,
        "x-role": route.needs.role.value,
        "security": _security(route.needs),
        "parameters": parameters,
        "responses": _responses(route, schema),
    }
    if route.request is not None:
        content = {"application/json": {"schema": schema[str(route.request)]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def document(version: str) -> dict[str, Any]:
    """The whole document."""
    schema, components = _schemas()
    paths: dict[str, Any] = {}
    for route in ALL_ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema)
    refused = {
        status: {"description": f"Problem: {code}", "content": {PROBLEM_JSON: {"schema": schema[str(Problem)]}}}
        for status, code in (("401", "unauthenticated"), ("403", "forbidden"))
    }
    paths["/api/v1/stream"] = {
        "get": {
            "operationId": "stream",
            "summary": "Server-sent events: `zones` (ZoneView[]), `alarms` (Alarm[]) and `degraded` (Degraded[]) on "
            "connect, then `zone` (ZoneView) for each that changed, `alarms` and `degraded` when they change, "
            "`clock` (ClockEvent). With `?changes=1`: `change` with `id` and the fields that "
            "differ, in the place of `zone`. Compressed where gzip is accepted",
            "parameters": [
                {
                    "name": "changes",
                    "in": "query",
                    "description": "`1`: only what changed in a zone",
                    "schema": {"type": "string", "enum": ["0", "1"]},
                },
            ],
            "x-role": LOOK.role.value,
            "security": _security(LOOK),
            "responses": {
                "200": {"description": "Events", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
                **refused,
            },
        }
    }
    for path, text in (
        ("/healthz", "Whether the service lives; needs no session"),
        ("/readyz", "Whether it records and all its loops run, else 503 and why; needs no session"),
    ):
        paths[path] = {"get": {"operationId": path[1:], "summary": text, "security": [], "responses": _HEALTH}}
    paths["/metrics"] = {
        "get": {
            "operationId": "metrics",
            "summary": "Prometheus metrics; a session, an API token or the configured bearer token",
            "x-role": LOOK.role.value,
            "security": _security(LOOK),
            "responses": {
                "200": {"description": "Metrics", "content": {"text/plain": {"schema": {"type": "string"}}}},
                **refused,
            },
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "roadheat", "version": version, "description": "Heated roads: state, plans and commands."},
        "security": [{"session": []}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "roadheat"},
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token. Scopes: " + ", ".join(Scope),
                },
            },
        },
    }


def handler(version: str) -> Any:
    """Serves the document, generated once."""
    body = msgspec.json.encode(document(version))

    async def get_openapi(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    return get_openapi
