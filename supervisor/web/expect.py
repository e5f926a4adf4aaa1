"""The `Expect` header, answered as a problem. aiohttp's own answer repeats the header's bytes and fails on some."""

from __future__ import annotations

from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11
from aiohttp.web_urldispatcher import UrlMappingMatchInfo

from supervisor.web.problems import RequestError, response, to_problem


async def answer_expectation(request: web.Request) -> web.StreamResponse | None:
    """`100-continue` is let through with its interim answer; anything else is refused with status 417."""
    if request.version != HttpVersion11:
        return None
    if request.headers.get(hdrs.EXPECT, "").lower() != "100-continue":
        problem = to_problem(RequestError("bad-request", "only 100-continue can be expected", where="Expect"))
        problem.status = 417
        return response(problem)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # as aiohttp does: nothing of the answer itself has been sent
    return None


class Router(web.UrlDispatcher):
    """Every route answers `Expect` so, those that aiohttp makes for 404 and 405 included."""

    async def resolve(self, request: web.Request) -> UrlMappingMatchInfo:
        found = await super().resolve(request)
        found.route._expect_handler = answer_expectation
        return found
