"""Bodies: of a request, bounded in bytes and time, whatever its encoding claims; of an answer, JSON."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge
from aiohttp.web_protocol import RequestPayloadError
from msgspec import Struct

from supervisor.web.problems import RequestError
from supervisor.web.stream import PACE

BODY_MAX_BYTES: Final = 16 * 1024  # decompressed; the largest request is a reason of 200 letters
BODY_WAIT_S: Final = 10.0  # a body that takes longer is an attack or a dead link

S = TypeVar("S", bound=Struct)


async def read_body(request: web.Request) -> bytes:
    """All of the body. Raises RequestError: too late, too large, not what its Content-Encoding says."""
    try:
        return await request.app[PACE].within(BODY_WAIT_S, request.read())
    except TimeoutError:
        raise RequestError("timeout", remedy="Send it again") from None
    except HTTPRequestEntityTooLarge:
        raise RequestError("too-large") from None
    except (HttpProcessingError, RequestPayloadError) as error:
        message = getattr(error, "message", "") or str(error)
        raise RequestError("bad-request", f"the body cannot be read: {message[:200]}", where="body") from None


async def read_struct(request: web.Request, struct: type[S]) -> S:
    """The request's body as a struct: unknown, missing and out-of-range fields are refused by name."""
    if request.content_type != "application/json":
        raise RequestError("not-json", where="Content-Type", remedy="Send application/json")
    raw = await read_body(request)
    try:
        return msgspec.json.decode(raw, type=struct)
    except msgspec.ValidationError as error:
        message, _, at = str(error).partition(" - at `$")
        quoted = message.split("`")[1] if "field `" in message else ""
        raise RequestError("invalid", message, where=at.rstrip("`").lstrip(".") or quoted) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RequestError("bad-json", str(error)) from None


def json_answer(data: object, status: int = 200) -> web.Response:
    """Structs as a JSON answer."""
    return web.Response(body=msgspec.json.encode(data), status=status, content_type="application/json")
