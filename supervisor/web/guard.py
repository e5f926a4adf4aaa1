"""Access control for browsers: session, Origin, CSRF token, security headers.

Nothing is open by default: a path that is not in `PUBLIC` needs a session or an API token (or, for /metrics, the
configured bearer token). What role or scope each operation needs is in `allowed`.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from supervisor.domain.errors import ForbiddenError
from supervisor.web.allowed import check_allowed
from supervisor.web.keys import RENEWED, SERVICES, SESSION
from supervisor.web.listening import signed_in
from supervisor.web.pages import plain, wants_page
from supervisor.web.problems import RequestError
from supervisor.web.session import Session
from supervisor.web.start_files import WALL

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# The page that asks for a link, the screen on the wall, and what process managers ask.
PUBLIC: Final = frozenset(
    {"/wall", "/login", "/login/passkey", "/login/passkey/options", "/static/plain.css", "/static/login.js",
     "/static/icon.svg", "/static/roads.css", "/static/roads.js", "/healthz", "/readyz"}
)  # fmt: skip
# Where city.toml has them; and what the terms of the entities mean, without data.
OPEN_DATA: Final = frozenset({"/open-data/zones.csv", "/open-data/zones.json", "/ngsi-ld/context.jsonld"})
ROADS: Final = "/roads"  # the residents' pages, where city.toml has them
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
TOKEN_LETTERS_MAX: Final = 200  # ours have 43 and a prefix

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "same-origin",  # no-referrer would also blank the Origin that we check
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Where a program's author finds the description of the API (RFC 8631).
DESCRIBED: Final = '</api>; rel="service-doc"; type="text/html", </openapi.json>; rel="service-desc"'
HSTS: Final = "max-age=31536000"


def is_open(path: str) -> bool:
    """Whether a path is open to everybody, and no session is looked for."""
    if path in PUBLIC or path in OPEN_DATA or WALL.fullmatch(path) is not None:
        return True
    return path == ROADS or path.startswith(ROADS + "/")


def is_secure(request: web.Request) -> bool:
    """Whether the browser speaks TLS: to us, or to the proxy that `public_url` names."""
    return request.secure or request.app[SERVICES].public_url.startswith("https://")


def cookie_name(request: web.Request) -> str:
    """`__Host-` ties the cookie to this host and to TLS; browsers refuse that prefix without TLS."""
    return "__Host-roadheat" if is_secure(request) else "roadheat"


def give_cookie(request: web.Request, response: web.StreamResponse, session: Session) -> None:
    """Hand the browser its session, for as long as the session lives."""
    response.set_cookie(
        cookie_name(request),
        session.token,
        max_age=max(session.expires_utc_s - int(request.app[SERVICES].clock.utc_s()), 0),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=is_secure(request),
    )


def drop_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """Delete the browser's session cookie."""
    response.del_cookie(cookie_name(request), path="/", secure=is_secure(request), httponly=True, samesite="Strict")


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal on every response, errors and streams included."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    if request.path.startswith("/api/"):
        response.headers.setdefault("Link", DESCRIBED)
    if is_secure(request):
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    response.headers["Server"] = "roadheat"


def bearer(request: web.Request) -> str | None:
    """The token of a program; None where the request has none and its cookie counts."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def find_session(request: web.Request) -> Session | None:
    """Who asks: the program whose token, else the person whose cookie came with the request, if it is still good."""
    sessions = request.app[SERVICES].sessions
    token = bearer(request)
    if token is not None:
        return await sessions.tokens.find(token) if len(token) <= TOKEN_LETTERS_MAX else None
    cookie = request.cookies.get(cookie_name(request), "")
    return await sessions.find(cookie) if 20 <= len(cookie) <= TOKEN_LETTERS_MAX else None


def note_use(request: web.Request, session: Session) -> bool:
    """Note that it is used now; True where its cookie is to be set again."""
    sessions = request.app[SERVICES].sessions
    if session.scopes is None:
        return sessions.use(session)
    sessions.tokens.use(session)
    return False


def same_secret(given: str, wanted: str) -> bool:
    """Equal, compared in constant time; a header may hold any bytes, which arrive as surrogates."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))


def _scrapes(request: web.Request) -> bool:
    wanted = request.app[SERVICES].metrics_token
    return request.path == "/metrics" and bool(wanted) and same_secret(bearer(request) or "", wanted)


@web.middleware
async def require_session(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let signed-in requests through; answer all others that a link is needed."""
    if is_open(request.path) or _scrapes(request):
        return await handler(request)
    session = await find_session(request)
    if session is None:
        if bearer(request) is not None:
            raise RequestError("unauthenticated", "this token is unknown, revoked or expired", where="Authorization",
                               remedy="An administrator makes a new one")  # fmt: skip
        if wants_page(request):
            return plain(request, "login.ask", status=401)
        raise RequestError("unauthenticated", remedy="Open a sign-in link; an administrator makes one for you")
    request[SESSION] = session
    signed_in(request)
    request[RENEWED] = note_use(request, session)
    try:
        check_allowed(request, session)
    except ForbiddenError as error:
        logger.warning("not allowed: %s %s: %s", request.method, request.path, error.message)
        raise
    response = await handler(request)
    if request[RENEWED] and not response.prepared and cookie_name(request) not in response.cookies:
        give_cookie(request, response, session)
    return response


def _same_origin(request: web.Request, origin: str) -> bool:
    public = request.app[SERVICES].public_url
    if public and origin == public.rstrip("/"):
        return True
    try:
        return urlsplit(origin).netloc.lower() == request.host.lower()
    except ValueError:  # such as "http://[": not an address
        return False


@web.middleware
async def require_own_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a mutation that our own page did not send.

    Browsers always send Origin with POST and DELETE; a program that sends none must still know the CSRF token. No
    other site can make a browser send an API token, so that one needs neither.
    """
    if request.method in SAFE_METHODS or (SESSION in request and request[SESSION].scopes is not None):
        return await handler(request)
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if (origin is not None and not _same_origin(request, origin)) or site not in ("same-origin", "none"):
        raise RequestError("bad-origin", where="Origin", remedy="Use the app at its own address")
    if is_open(request.path):
        return await handler(request)
    given = request.headers.get("X-CSRF-Token", "")
    if not same_secret(given, request[SESSION].csrf):
        raise RequestError("bad-csrf", where="X-CSRF-Token", remedy="Read it from GET /api/v1/session")
    return await handler(request)
