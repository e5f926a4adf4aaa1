"""People at the door: one-time links, and the sessions that they become. The store keeps hashes of tokens only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from supervisor.domain.clock import Clock
from supervisor.store import people
from supervisor.store.store import Store

PURPOSE: Final = "sign-in"
TOKEN_BYTES: Final = 32  # 256 bits: nothing to guess
LINK_S: Final = 24 * 3600  # an invitation is opened the same day, or asked for again
FIRST_LINK_S: Final = 7 * 24 * 3600  # the first start may be days before somebody looks at its log
SESSION_S: Final = 30 * 24 * 3600  # a crew in the storm must not be asked to sign in; a month loses a lost phone
FIRST_ADMIN: Final = "admin"
_FIRST_DONE: Final = "web.first-link-used"


@dataclass(frozen=True)
class Session:
    """Who is signed in."""

    token: str  # as in the cookie
    user: str
    role: str
    csrf: str
    expires_utc_s: int


class Sessions:
    """Links and sessions over the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def first_link(self) -> str | None:
        """Path of a one-time admin link to print at start, or None once an administrator has signed in.

        Each start before that makes a new one: the link of an earlier log may be lost.
        """
        if await self._store.kv_get(_FIRST_DONE) is not None:
            return None
        token, _ = await self._grant(FIRST_ADMIN, "admin", FIRST_LINK_S)
        return f"/login?token={token}"

    async def invite(self, user: str, role: str, by: str) -> tuple[str, int]:
        """A one-time token for `user` and when it expires [UTC s]."""
        token, expires_utc_s = await self._grant(user, role, LINK_S)
        await self._store.append_audit(by, "invite", f"{user} as {role}")
        return token, expires_utc_s

    async def redeem(self, link_token: str) -> Session | None:
        """The session that a one-time token opens; None when it is unknown, used or too old."""
        grant = await self._store.use_one_time_token(link_token, PURPOSE)
        if grant is None:
            return None
        now = int(self._clock.utc_s())
        session = Session(
            secrets.token_urlsafe(TOKEN_BYTES), grant.user, grant.role, secrets.token_urlsafe(24), now + SESSION_S
        )
        await self._store.forget_expired()
        await self._store.create_session(
            session.token, people.Session(grant.user, grant.role, session.csrf, now, session.expires_utc_s)
        )
        await self._store.append_audit(grant.user, "sign-in", f"by link, as {grant.role}")
        if grant.role == "admin":
            await self._store.kv_set(_FIRST_DONE, str(now))
        return session

    async def find(self, token: str) -> Session | None:
        """The session of a cookie, if it is still good."""
        found = await self._store.find_session(token)
        if found is None:
            return None
        return Session(token, found.user, found.role, found.csrf, found.expires_utc_s)

    async def end(self, session: Session) -> None:
        """Sign out."""
        await self._store.end_session(session.token)
        await self._store.append_audit(session.user, "sign-out", "")

    async def _grant(self, user: str, role: str, life_s: int) -> tuple[str, int]:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        expires_utc_s = int(self._clock.utc_s()) + life_s
        await self._store.add_one_time_token(token, people.Grant(PURPOSE, user, role), expires_utc_s)
        return token, expires_utc_s
