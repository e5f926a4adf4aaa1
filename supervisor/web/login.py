"""GET /login?token=…: a one-time link becomes a session cookie."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from typing import Final

from aiohttp import web

from supervisor.web.guard import find_session, give_cookie
from supervisor.web.keys import SERVICES
from supervisor.web.pages import plain, wants_page
from supervisor.web.passkeys import verified
from supervisor.web.problems import RequestError

logger = logging.getLogger(__name__)

# Messengers fetch a link to show a preview of it; that must not use it up. They identify themselves.
PREVIEW: Final = re.compile(r"(?<!cu)bot\b|externalhit|scrap|preview|crawler|spider|whatsapp", re.I)

FAILURES_MAX: Final = 20  # per address within WINDOW_S; a valid link works even beyond it
WINDOW_S: Final = 900.0
ADDRESSES_MAX: Final = 10_000


class Failures:
    """Wrong links by address, in a window; bounded."""

    def __init__(self) -> None:
        self._since: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, address: str, now_s: float) -> int:
        """Count one more and return how many there are in the window."""
        start_s, count = self._since.pop(address, (now_s, 0))
        if now_s - start_s > WINDOW_S:
            start_s, count = now_s, 0
        self._since[address] = (start_s, count + 1)
        while len(self._since) > ADDRESSES_MAX:
            self._since.popitem(last=False)
        return count + 1


FAILURES: Final = web.AppKey("failures", Failures)


def _is_preview(request: web.Request) -> bool:
    headers = request.headers
    purpose = headers.get("Sec-Purpose", "") + headers.get("Purpose", "")
    return request.method == "HEAD" or "prefetch" in purpose or bool(PREVIEW.search(headers.get("User-Agent", "")))


def device(agent: str) -> str:
    """What signs in, in one of three words, so that a lost phone is found in the list."""
    if re.search(r"Mobi|Android|iPhone|iPad", agent):
        return "phone"
    return "computer" if "Mozilla/" in agent else "program"


async def get_login(request: web.Request) -> web.StreamResponse:
    """Redeem the link, set the cookie, open the app. Without a token: the page that says how to get a link.

    People keep the message with their link and open it again each day: a used link opens the app while they are signed
    in. The cookie is SameSite=Strict and does not come with a tap in a messenger, so the page asks once more by itself.
    """
    services = request.app[SERVICES]
    token = request.query.get("token", "")
    if "used" in request.query:  # by the page of a used link: now the browser sends the cookie
        if await find_session(request) is not None:
            return plain(request, "login.done", status=200, then="/")
        return plain(request, "login.used", status=401)
    if not token or _is_preview(request):
        return plain(request, "login.ask", status=200)
    session = (
        await services.sessions.redeem(token, device(request.headers.get("User-Agent", "")))
        if len(token) <= 200
        else None
    )
    if session is None:
        failures = request.app[FAILURES].note(request.remote or "", services.clock.monotonic_s())
        logger.warning("sign-in link refused", extra={"remote": request.remote, "failures": failures})
        code = "too-many" if failures > FAILURES_MAX else "bad-link"
        if not wants_page(request):
            raise RequestError(code, remedy="Ask an administrator for a new link")
        return plain(request, "login.used", status=429 if code == "too-many" else 401, then="/login?used")
    response = plain(request, "login.done", status=200, then="/")
    give_cookie(request, response, session)
    return response


async def post_passkey_sign_in(request: web.Request) -> web.Response:
    """Check a passkey and set the cookie."""
    services = request.app[SERVICES]
    try:
        used, sign_count = await verified(request)
        session = await services.sessions.open_by_passkey(
            used, sign_count, device(request.headers.get("User-Agent", ""))
        )
        if session is None:
            raise RequestError("bad-passkey", remedy="Try again, or ask an administrator for a link")
    except RequestError as error:
        if error.code != "bad-passkey":
            raise
        if request.app[FAILURES].note(request.remote or "", services.clock.monotonic_s()) > FAILURES_MAX:
            raise RequestError("too-many", remedy="Wait 15 minutes") from None
        raise
    answer = web.Response(status=204)
    give_cookie(request, answer, session)
    return answer
