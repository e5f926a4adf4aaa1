"""API tokens of programs over the store, which keeps hashes of them only."""

from __future__ import annotations

import secrets

from supervisor.domain.scope import Scope
from supervisor.runtime.clock import Clock
from supervisor.store import tokens
from supervisor.store.access import AccessRepository
from supervisor.web.session import TOKEN_BYTES, TOUCH_S, LastUses, Session

ROLE = "token"  # in the place of a person's role


def new_token() -> str:
    """256 bits that cannot be guessed, behind a prefix that tells what they are."""
    return tokens.PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


class Tokens:
    """Tokens over the store."""

    def __init__(self, store: AccessRepository, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._uses = LastUses()

    def _now(self) -> int:
        return int(self._clock.utc_s())

    async def find(self, token: str) -> Session | None:
        """Who a token stands for, if still good. Read from the store each time: a revoked token ends at once."""
        if not token.startswith(tokens.PREFIX):
            return None
        now = self._now()
        found = await self._store.read(lambda db: tokens.find(db, token, now))
        if found is None:
            return None
        return Session(
            token,
            found.user,
            ROLE,
            "",
            found.expires_utc_s,
            seen_utc_s=found.used_utc_s,
            scopes=frozenset(found.scopes),
        )

    def use(self, session: Session) -> None:
        """Note that it is used now; the write is not waited for."""
        now = self._now()
        if now - session.seen_utc_s >= TOUCH_S:
            self._uses.note(self._store.write(lambda db: tokens.touch(db, session.token, now)))

    async def all(self) -> list[tokens.ApiToken]:
        """Every token that was not revoked."""
        return await self._store.read(tokens.tokens)

    async def make(self, name: str, scopes: list[Scope], days: int, by: str) -> tuple[str, tokens.ApiToken]:
        """A new token and what is kept of it. Raises CommandError as `store.tokens.make` does."""
        token, now = new_token(), self._now()
        return token, await self._store.write(lambda db: tokens.make(db, token, name, scopes, days, by, now))

    async def revoke(self, wanted: str, by: str) -> None:
        """Make a token void, by id or name. A full disk does not prevent it."""
        now = self._now()
        await self._store.write(lambda db: tokens.revoke(db, wanted, by, now), safety=True)
