"""A command sent twice is carried out once.

A phone with bad signal cannot know whether its request arrived, so it sends it again under the same `Idempotency-Key`;
the second one gets the first one's answer. Kept in memory: after a restart a repeat makes a new override that replaces
an equal one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from supervisor.web.problems import RequestError

KEYS_MAX: Final = 1000  # hours of a district's commands
KEY_LETTERS: Final = range(8, 65)


class Once:
    """Answers by (user, key); the oldest are forgotten first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str], asyncio.Task[web.Response]] = OrderedDict()

    async def run(self, user: str, key: str | None, work: Callable[[], Awaitable[web.Response]]) -> web.Response:
        """Do `work`, or wait for the answer of the same command. Without a key it is simply done.

        The work goes on when the client goes away; what failed may be tried again under its key.
        """
        if key is None:
            return await work()
        if len(key) not in KEY_LETTERS or not key.isalnum():
            raise RequestError(
                "bad-request", "an idempotency key is 8 to 64 letters and digits", where="Idempotency-Key"
            )
        name = (user, key)
        task = self._answers.get(name)
        if task is None:
            task = asyncio.ensure_future(_awaited(work))
            self._answers[name] = task
            while len(self._answers) > KEYS_MAX:
                self._answers.popitem(last=False)
        try:
            answer = await asyncio.shield(task)
        except Exception:
            self._answers.pop(name, None)
            raise
        # A response object can be sent once only.
        return web.Response(body=answer.body, status=answer.status, content_type=answer.content_type)


async def _awaited(work: Callable[[], Awaitable[web.Response]]) -> web.Response:
    return await work()


ONCE: Final = web.AppKey("once", Once)
