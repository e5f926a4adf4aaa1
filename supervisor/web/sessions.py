"""Sign-in links and the sessions that they become. The store keeps hashes of tokens only."""

from __future__ import annotations

import secrets
from typing import Final

from supervisor.runtime.clock import Clock
from supervisor.store import access, people
from supervisor.store.access import AccessRepository, Person
from supervisor.store.passkeys import Passkey
from supervisor.web.programs import Tokens
from supervisor.web.session import TOKEN_BYTES, TOUCH_S, LastUses, Session

LINK_S: Final = 24 * 3600  # an invitation is opened the same day or made again
FIRST_LINK_S: Final = 7 * 24 * 3600  # the first start may be days before somebody looks at its log
SESSION_S: Final = 30 * 24 * 3600  # since the last use: a crew need not sign in during a storm
RENEW_S: Final = SESSION_S // 2  # less left than this, and a use renews it
SESSION_MAX_S: Final = 180 * 24 * 3600  # a winter; then a new link is needed, however often the session was used


class Sessions:
    """Links, sessions and people over the store."""

    def __init__(self, store: AccessRepository, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self._uses = LastUses()
        self.tokens = Tokens(store, clock)

    def _now(self) -> int:
        return int(self._clock.utc_s())

    async def first_link(self) -> str | None:
        """Path of a one-time admin link to print at start, or None once an administrator has signed in.

        Each start before that makes a new one: the link of an earlier log may be lost. All of them become void at the
        first sign-in of an administrator.
        """
        if await self.store.first_link_used():
            return None
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self._now()
        made = await self.store.write(lambda db: access.first_link(db, token, now, now + FIRST_LINK_S))
        return f"/login?token={token}" if made else None

    async def admin_can_sign_in(self) -> bool:
        """Whether an administrator is signed in or holds a link that still works."""
        now = self._now()
        return await self.store.read(lambda db: access.admin_can_sign_in(db, now))

    async def invite(self, user: str, role: str, by: str, *, change_role: bool = False) -> tuple[str, int]:
        """A one-time token for `user` and when it expires [UTC s]. Raises CommandError as `access.invite` does."""
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self._now()
        expires = now + LINK_S
        await self.store.write(
            lambda db: access.invite(db, token, user, role, by, now, expires, change_role=change_role)
        )
        return token, expires

    async def redeem(self, link_token: str, device: str = "") -> Session | None:
        """The session that a one-time token opens; None when it is unknown, used or too old."""
        now = self._now()
        token, csrf = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(24)
        made = await self.store.write(
            lambda db: access.sign_in(db, link_token, token, csrf, now, now + SESSION_S, device)
        )
        return None if made is None else self._session(token, made)

    async def open_by_passkey(self, used: Passkey, sign_count: int, device: str) -> Session | None:
        """The session that a verified passkey opens; None where person or passkey have been removed meanwhile."""
        now = self._now()
        token, csrf = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(24)
        made = await self.store.write(
            lambda db: access.sign_in_by_passkey(db, used, sign_count, token, csrf, now, now + SESSION_S, device)
        )
        return None if made is None else self._session(token, made)

    async def find(self, token: str) -> Session | None:
        """The session of a cookie, if still valid. Read from the store each time: a revoked session ends at once."""
        found = await self.store.find_session(token)
        return None if found is None else self._session(token, found)

    def use(self, session: Session) -> bool:
        """Note that the session is used now; True where that renews it, and the cookie is to be set again.

        The write is not waited for, and its failure (a full disk) prevents no command.
        """
        until = session.renew_until_utc_s
        if until is not None or self._now() - session.seen_utc_s >= TOUCH_S:
            self._uses.note(self.store.touch_session(session.token, until or 0))
        return until is not None

    def _session(self, token: str, found: people.Session) -> Session:
        now = self._now()
        longest = min(now + SESSION_S, found.created_utc_s + SESSION_MAX_S)
        due = found.expires_utc_s - now < RENEW_S and longest > found.expires_utc_s
        expires = longest if due else found.expires_utc_s
        return Session(
            token, found.user, found.role, found.csrf, expires, longest if due else None, found.seen_utc_s
        )  # fmt: skip

    async def end(self, session: Session, *, keep_an_admin: bool = True) -> None:
        """Sign out. Raises CommandError `last-admin` where nobody could invite people any more."""
        now = self._now()
        await self.store.write(
            lambda db: access.sign_out(db, session.token, session.user, now, keep_an_admin=keep_an_admin), safety=True
        )

    async def people(self) -> list[Person]:
        """Everybody who may sign in, with live sessions and pending links."""
        now = self._now()
        return await self.store.read(lambda db: access.overview(db, now))

    async def own(self, user: str) -> tuple[access.SessionInfo, ...]:
        """Where a person is signed in, last seen first."""
        return next((person.sessions for person in await self.people() if person.name == user), ())

    async def revoke_session(self, session_id: str, by: str, of: str | None = None) -> None:
        """End a session, of `of` only where given; streams and pages notice within seconds. A full disk does not
        prevent it."""
        now = self._now()
        await self.store.write(lambda db: access.revoke_session(db, session_id, by, now, of=of), safety=True)

    async def end_others(self, session: Session) -> int:
        """End the person's sessions on every other device; how many there were."""
        now = self._now()
        return int(
            await self.store.write(lambda db: access.end_others(db, session.token, session.user, now), safety=True)
        )

    async def revoke_link(self, link_id: str, by: str) -> None:
        """Make a pending link void."""
        now = self._now()
        await self.store.write(lambda db: access.revoke_link(db, link_id, by, now), safety=True)

    async def revoke_person(self, name: str, by: str) -> None:
        """End all sessions and links of a person, and remove the name from the list."""
        now = self._now()
        await self.store.write(lambda db: access.revoke_person(db, name, by, now), safety=True)
