"""Who asks: a signed-in person, or a program with a token. And how the last use of either is noted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from supervisor.domain.errors import StoreError
from supervisor.domain.scope import Scope
from supervisor.store import access

logger = logging.getLogger(__name__)

TOKEN_BYTES: Final = 32  # 256 bits: cannot be guessed
TOUCH_S: Final = 60.0  # "last seen" is true to the minute: not a write for each request


@dataclass(frozen=True)
class Session:
    """Who is signed in."""

    token: str  # as in the cookie, or of a program
    user: str
    role: str
    csrf: str
    expires_utc_s: int
    renew_until_utc_s: int | None = None  # a use now makes it live until then
    seen_utc_s: int = 0
    scopes: frozenset[Scope] | None = None  # of a program's token; None: a person, whose role decides

    @property
    def id(self) -> str:
        """As in the list of people; opens nothing."""
        return access.session_id(self.token)


class LastUses:
    """Writes that nobody waits for, and whose failure (a full disk) prevents no command."""

    def __init__(self) -> None:
        self.writing: set[asyncio.Task[None]] = set()

    def note(self, write: Coroutine[Any, Any, None]) -> None:
        """Start `write`."""

        async def attempt() -> None:
            try:
                await write
            except StoreError as error:
                logger.warning("last use not recorded: %s", error)

        task = asyncio.ensure_future(attempt())
        self.writing.add(task)
        task.add_done_callback(self.writing.discard)
