"""A request sent twice is carried out once.

A phone with bad signal cannot know whether its request arrived, so it sends it again under the same `Idempotency-Key`;
the second one gets the first one's answer. A key belongs to one person and one request: method, address and body. The
same key with anything else is refused and does nothing. Answers are kept in memory and, without those that contain a
secret, in the store: a repeat after a restart gets them too. A service that is killed between the change and its answer
carries the repeat out: it makes a new override that replaces an equal one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from supervisor.domain.errors import StoreError
from supervisor.store.answers import KEPT_PER_USER, AnswerRepository, KeptAnswer
from supervisor.web.body import read_body
from supervisor.web.keys import SESSION
from supervisor.web.problems import RequestError

logger = logging.getLogger(__name__)

USERS_MAX: Final = 500  # beyond it, who has sent nothing for longest is forgotten
KEYS_MAX: Final = KEPT_PER_USER  # of one person: hours of commands, and one person's keys displace nobody else's
KEY_LETTERS: Final = range(8, 65)
KEEP_S: Final = 0.5  # an answer waits no longer for the disk that is to keep it
SECRET: Final = web.ResponseKey(
    "secret", bool
)  # set in a response that must not be kept on disk, such as one with a sign-in link

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_Kept = tuple[bytes, "asyncio.Task[web.StreamResponse]"]


class Once:
    """Answers by (user, key), each with the fingerprint of its request; the oldest are forgotten first."""

    def __init__(self, store: AnswerRepository) -> None:
        self._store = store
        self._keeping: set[asyncio.Task[None]] = set()
        self._answers: OrderedDict[str, OrderedDict[str, _Kept]] = OrderedDict()

    async def run(
        self, user: str, key: str, fingerprint: bytes, work: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Do `work`, or wait for the answer of the same request.

        The work goes on when the client goes away; what failed may be tried again under its key. Raises RequestError
        `key-reused` where the key stands for another request.
        """
        answers = self._answers.setdefault(user, OrderedDict())
        self._answers.move_to_end(user)
        kept = answers.get(key)
        if kept is None:
            kept = made = fingerprint, asyncio.ensure_future(self._first(user, key, fingerprint, work))
            answers[key] = kept

            def forget_failure(task: asyncio.Task[web.StreamResponse]) -> None:
                """Also where no request waits for it any more."""
                if (task.cancelled() or task.exception() is not None) and answers.get(key) is made:
                    del answers[key]

            kept[1].add_done_callback(forget_failure)
            while len(answers) > KEYS_MAX:
                answers.popitem(last=False)
            while len(self._answers) > USERS_MAX:
                self._answers.popitem(last=False)
        elif kept[0] != fingerprint:
            raise _reused()
        return _copy(await asyncio.shield(kept[1]))

    async def _first(
        self, user: str, key: str, fingerprint: bytes, work: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """The answer from before a restart, or that of `work`, which is kept."""
        try:
            known = await self._store.find(user, key)
        except StoreError as error:  # no disk prevents a command
            logger.warning("cannot look up whether a request is a repeat: %s", error)
            known = None
        if known is not None:
            if known.fingerprint != fingerprint:
                raise _reused()
            return web.Response(
                status=known.status, body=known.body or None, content_type=known.content_type or None
            )  # fmt: skip
        answer = await work()
        if isinstance(answer, web.Response) and not answer.cookies and SECRET not in answer:
            keeping = asyncio.create_task(self._keep(user, key, fingerprint, answer))
            self._keeping.add(keeping)
            keeping.add_done_callback(self._keeping.discard)
            await asyncio.wait({keeping}, timeout=KEEP_S)
        return answer

    async def _keep(self, user: str, key: str, fingerprint: bytes, answer: web.Response) -> None:
        body = answer.body if isinstance(answer.body, bytes) else b""
        try:
            await self._store.keep(
                user, key, KeptAnswer(fingerprint, answer.status, answer.content_type if body else "", body)
            )
        except StoreError as error:
            logger.warning("the answer to a request is not kept for repeats after a restart: %s", error)


def _reused() -> RequestError:
    return RequestError("key-reused", where="Idempotency-Key", remedy="Make a new key for each command")


def _copy(answer: web.StreamResponse) -> web.Response:
    """A response object can be sent once only."""
    assert isinstance(answer, web.Response)
    copy = web.Response(body=answer.body, status=answer.status)
    if answer.body is not None:
        copy.content_type = answer.content_type
    copy.cookies.update(answer.cookies)
    return copy


def keyed(handler: Handler) -> Handler:
    """The handler of a mutation, carried out once for each `Idempotency-Key`; without a key it is simply called."""

    async def once(request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None or SESSION not in request:  # signing in: nobody yet to whom a key could belong
            return await handler(request)
        if len(key) not in KEY_LETTERS or not (key.isascii() and key.isalnum()):
            raise RequestError(
                "bad-request", "an idempotency key is 8 to 64 letters and digits", where="Idempotency-Key"
            )
        parts = (request.method.encode(), request.rel_url.raw_path_qs.encode(), await read_body(request))
        fingerprint = hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).digest()
        return await request.app[ONCE].run(request[SESSION].user, key, fingerprint, lambda: handler(request))

    return once


ONCE: Final = web.AppKey("once", Once)
