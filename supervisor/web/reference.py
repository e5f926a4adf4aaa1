"""GET /api: the OpenAPI document as a page for a program's author, made here so that it needs no other server."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any, Final

from aiohttp import web

from supervisor.web.openapi import document

PATH: Final = "/api"
OTHER_PATHS: Final = ("/api/", "/api/v1", "/api/v1/", "/docs")  # where authors look as well
_GROUPS: Final = (
    ("States and plans", ("/api/v1/zones/", "/api/v1/degraded/", "/api/v1/session/")),
    ("Live stream", ("/api/v1/stream/",)),
    ("Commands", ("/api/v1/overrides/", "/api/v1/turns/", "/api/v1/feeders/")),
    ("Alarms", ("/api/v1/alarms/",)),
    ("People, programs and sign-in", ("/api/v1/links/", "/api/v1/people/", "/api/v1/sessions/", "/api/v1/tokens/",
                                      "/api/v1/passkeys/", "/login/")),
)  # fmt: skip
_OTHERS: Final = "Operation of the service"
_INTRODUCTION: Final = """
<p>Send a token with every request. An administrator makes it on the page of people or with
<code>roadheat token make</code>.</p>
<pre>curl -H "Authorization: Bearer $ROADHEAT_TOKEN" {origin}/api/v1/zones</pre>
<pre>curl -H "Authorization: Bearer $ROADHEAT_TOKEN" -H "Content-Type: application/json" \\
     -d '{{"mode": "on", "minutes": 60, "reason": "Ice reported"}}' \\
     {origin}/api/v1/zones/z01/overrides</pre>
<pre>curl -N -H "Authorization: Bearer $ROADHEAT_TOKEN" {origin}/api/v1/stream</pre>
<p>Times are UTC seconds, temperatures °C, power W, duty ‰. Unknown values are <code>null</code>. Errors are RFC 9457
problems: <code>code</code>, <code>detail</code>, <code>where</code>, <code>remedy</code>. A command with an
<code>Idempotency-Key</code> that is sent again is carried out once. For generators of clients:
<a href="/openapi.json">openapi.json</a>.</p>
"""


def _group(path: str, method: str) -> str:
    if method != "get" and "/zones/" in path:
        return "Commands"
    return next((title for title, starts in _GROUPS if f"{path}/".startswith(starts)), _OTHERS)


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words: `string`, `list of SlotAnswer`, `integer 1–480`, `"on" | "off"`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{escape(name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(escape(json.dumps(each, ensure_ascii=False)) for each in schema["enum"])
    if schema.get("type") == "array":
        inner = schema.get("items")
        return f"list of {_kind(inner)}" if isinstance(inner, dict) else "list"
    kind = escape(str(schema.get("type", "any")))
    least, most = (schema.get(key, "") for key in ("minimum", "maximum"))
    if least != "" or most != "":
        kind += f" {least}…{most}"
    letters = [str(schema[key]) for key in ("minLength", "maxLength") if key in schema]
    return f"{kind} of {'–'.join(letters)} letters" if letters else kind


def _fields(schema: dict[str, Any]) -> str:
    needed = set(schema.get("required", ()))
    rows = [
        f"<tr><td><code>{escape(name)}</code></td><td>{_kind(field)}</td>"
        f"<td>{'' if name in needed else 'optional'}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    ]
    return f"<table>{''.join(rows)}</table>"


def _content(holder: dict[str, Any]) -> str:
    for content in holder.get("content", {}).values():
        return _kind(content["schema"])
    return ""


def _text(summary: str) -> str:
    """A summary with its code, and with links to the structures that it names."""
    linked = re.sub(r"\(([A-Z]\w+)(\[\])?\)", r'(<a href="#\1">\1</a>\2)', escape(summary))
    return re.sub("`([^`]+)`", r"<code>\1</code>", linked)


def _needs(told: dict[str, Any]) -> str:
    if not told.get("security", True):
        return "open"
    scopes = [scope for need in told.get("security", ()) for scope in need.get("token", ())]
    role = f"role {told.get('x-role', 'viewer')}"
    return f"{role}, scope {scopes[0]}" if scopes else f"{role}, people only"


def _operation(method: str, path: str, told: dict[str, Any]) -> str:
    rows = [
        f"<tr><td>{escape(one['in'])}</td><td><code>{escape(one['name'])}</code></td>"
        f"<td>{escape(one.get('description', '' if one.get('required') else 'optional'))}</td></tr>"
        for one in told.get("parameters", ())
    ]
    if "requestBody" in told:
        rows.append(f"<tr><td>body</td><td>{_content(told['requestBody'])}</td><td></td></tr>")
    for status, answer in told["responses"].items():
        text = escape(answer["description"].removeprefix("Problem: "))
        rows.append(f"<tr><td>{escape(status)}</td><td>{_content(answer)}</td><td>{text}</td></tr>")
    name = escape(f"{method.upper()} {path}")
    return (
        f'<details id="{escape(told["operationId"])}"><summary><code>{name}</code> <span>{_text(told["summary"])}'
        f"</span> <small>{escape(_needs(told))}</small></summary><table>{''.join(rows)}</table></details>"
    )


def page(version: str, origin: str) -> str:
    """The whole page. `origin`: the address that the examples name."""
    told = document(version)
    groups: dict[str, list[str]] = {title: [] for title in (*(title for title, _ in _GROUPS), _OTHERS)}
    for path, item in told["paths"].items():
        for method, operation in item.items():
            groups[_group(path, method)].append(_operation(method, path, operation))
    parts = [f"<h2>{escape(title)}</h2>{''.join(found)}" for title, found in groups.items() if found]
    schemas = "".join(
        f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p>{_fields(schema)}'
        for name, schema in sorted(told["components"]["schemas"].items())
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>API · Roadheat</title>\n'
        '<link rel="icon" href="/static/icon.svg" type="image/svg+xml">\n'
        '<link rel="stylesheet" href="/static/reference.css">\n</head>\n<body>\n<main>\n'
        f"<h1>Roadheat API <small>{escape(version)}</small></h1>\n"
        f"{_INTRODUCTION.format(origin=escape(origin))}\n{''.join(parts)}\n<h2>Structures</h2>\n{schemas}\n"
        "</main>\n</body>\n</html>\n"
    )


def handler(version: str, public_url: str) -> Any:
    """Serves the page, made once."""
    text = page(version, public_url.rstrip("/") or "http://127.0.0.1:8080")

    async def get_reference(_request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html")

    return get_reference


async def to_reference(_request: web.Request) -> web.Response:
    """Another address where authors look."""
    raise web.HTTPFound(PATH)
