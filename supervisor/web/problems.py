"""Errors as RFC 9457 problems: domain error → code → status → `application/problem+json`.

The code is the translation key: the crew app shows `problem.<code>` in the reader's language, else `detail`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from supervisor.domain.errors import CommandError, ForbiddenError, NotFoundError, RoadheatError, StoreError
from supervisor.web.pages import for_people, plain

logger = logging.getLogger(__name__)

PROBLEM_JSON: Final = "application/problem+json"

# Every code this layer itself gives, with its status and the title in English.
CODES: Final[dict[str, tuple[int, str]]] = {
    "bad-json": (400, "The body is not JSON"),
    "bad-request": (400, "The request is malformed"),
    "unauthenticated": (401, "Sign in first"),
    "bad-link": (401, "This link has been used or has expired"),
    "bad-passkey": (401, "This passkey was not accepted"),
    "forbidden": (403, "Not allowed"),
    "bad-origin": (403, "The request comes from another site"),
    "bad-csrf": (403, "The session's CSRF token is missing or wrong"),
    "not-found": (404, "Not found"),
    "unknown-feeder": (404, "There is no such feeder"),
    "no-danger": (404, "No electric danger stands here"),
    "no-alarm": (404, "No such alarm stands"),
    "no-shift": (404, "There is no such shift"),
    "no-work": (404, "There is no such work, or it is too old"),
    "no-turns": (404, "There are no such turns"),
    "no-handover": (404, "There is no such note"),
    "no-maintenance": (404, "There is no such time of maintenance"),
    "no-receiver": (404, "There is no such receiver"),
    "no-broken-cable": (404, "No broken cable is known here"),
    "method-not-allowed": (405, "This address does not support that method"),
    "no-passkeys": (409, "Passkeys are not set up on this server"),
    "name-taken": (409, "This name looks like another person's"),
    "other-role": (409, "This person has another role"),
    "on-duty": (409, "This person is on duty at that time already"),
    "last-admin": (409, "No administrator could sign in afterwards"),
    "timeout": (408, "The request did not arrive in time"),
    "unknown-host": (421, "This service has another name"),
    "too-large": (413, "The request is too large"),
    "not-json": (415, "The body must be application/json"),
    "invalid": (422, "A field is missing, unknown or out of range"),
    "stale": (422, "The observation is too old, or not newer than the last one"),
    "no-push-service": (422, "These are not the address and keys of a push service"),
    "electric-danger": (422, "Everything stays off here until two people clear the electric danger"),
    "command": (422, "The command was refused"),
    "key-reused": (422, "This idempotency key stands for another request"),
    "too-many": (429, "Too many attempts"),
    "too-fast": (429, "Too many commands in a short time"),
    "notify": (502, "The receiver's server did not accept the message"),
    "internal": (500, "Internal error"),
    "store-full": (503, "There is no space left to record it"),
    "store": (503, "The request cannot be recorded right now"),
    "no-preview": (503, "What the command would do cannot be said right now"),
    "busy": (503, "Too many open connections"),
}
_BY_STATUS: Final = {
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    403: "forbidden",
    401: "unauthenticated",
}


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the caller gets; `type` is `urn:roadheat:problem:<code>`."""

    type: str
    code: str
    title: str
    status: int
    detail: str = ""
    where: str = ""
    remedy: str = ""


class RequestError(CommandError):
    """A request refused by this layer; `code` is a key of `CODES`."""

    def __init__(self, code: str, message: str = "", *, where: str = "", remedy: str = "") -> None:
        super().__init__(message or CODES[code][1], where=where, remedy=remedy, code=code)


def status_of(error: RoadheatError) -> int:
    """HTTP status of a domain error: its own code's if listed, else its class's."""
    if isinstance(error, RequestError):
        return CODES[error.code][0]
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, ForbiddenError):
        return 403
    if isinstance(error, CommandError):
        return CODES[error.code][0] if error.code in CODES else 422
    if isinstance(error, StoreError):
        return 503
    return 500


def to_problem(error: RoadheatError) -> Problem:
    """The problem that a domain error becomes."""
    status = status_of(error)
    listed = CODES.get(error.code)
    return Problem(
        type=f"urn:roadheat:problem:{error.code}",
        code=error.code,
        title=listed[1] if listed else _plain(error.message),
        status=status,
        detail=_plain(error.message),
        where=_plain(error.where) if status < 500 else "",  # no paths of this machine
        remedy=_plain(error.remedy),
    )


def _plain(text: str) -> str:
    """Text that can be encoded: a part of a request may hold bytes that are not UTF-8."""
    return text.encode("utf-8", "replace").decode()


def response(problem: Problem, headers: dict[str, str] | None = None) -> web.Response:
    """The problem as a response."""
    return web.Response(
        body=msgspec.json.encode(problem), status=problem.status, content_type=PROBLEM_JSON, headers=headers
    )


def _from_http(error: web.HTTPException) -> web.Response:
    code = _BY_STATUS.get(error.status, "bad-request" if error.status < 500 else "internal")
    problem = to_problem(RequestError(code))
    problem.status = error.status
    allow = error.headers.get("Allow")
    return response(problem, {"Allow": allow} if allow else None)


@web.middleware
async def problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Outermost middleware: every error is answered as a problem, without internal details."""
    try:
        return await handler(request)
    except RoadheatError as error:
        problem = to_problem(error)
        if problem.status == 404 and for_people(request):
            return plain(request, "login.lost", status=404)
        if problem.status >= 500:
            logger.error("request failed", exc_info=error, extra={"path": request.path, "code": error.code})
        return response(problem, {"Retry-After": "10"} if problem.status in (429, 503) else None)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        if error.status == 404 and for_people(request):
            return plain(request, "login.lost", status=404)
        return _from_http(error)
    except Exception as error:
        if isinstance(error, ConnectionError) or request.transport is None or request.transport.is_closing():
            raise  # the client has gone
        logger.exception("request failed", extra={"path": request.path})
        return response(to_problem(RequestError("internal")))
